/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index build. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/main.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "index/index.h"
#include "indexcli/commands.h"
#include "ops/index_build.h"

static const char *lock_path;
static const char *manifest_path;
static const char *output;
static struct cli_list dirs;
static bool no_architecture;

static const struct cli_option options[] = {
	{'l', "lock", "LOCK", "index what this lock names", CLI_TEXT, &lock_path, 0, 0, NULL},
	{'m', "manifest", "FILE", "take titles and rules from FILE, not from beside the lock",
		CLI_TEXT, &manifest_path, 0, 0, NULL},
	{'d', "models", "DIR", "look for files in DIR; may be repeated ($MODEL_CACHE_DIR)",
		CLI_LIST, &dirs, 0, 0, NULL},
	{'o', "output", "FILE", "write to FILE ('-': standard output), not the first DIR", CLI_TEXT,
		&output, 0, 0, NULL},
	{0, "no-architecture", NULL, "do not look into the files: only what lock and names say",
		CLI_FLAG, &no_architecture, 0, 0, NULL},
};

static const char *const notes[] = {
	"The same lock gives the same bytes: nothing of the machine or the clock is in the index "
	"(SOURCE_DATE_EPOCH is its time). Files must be there with their pinned sizes; bake-fetch "
	"has checked their content.",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-index build",
	.summary = "write model-info.json for what is baked",
	.usage = "-l LOCK",
	.options = options,
	.option_count = countof(options),
	.notes = notes,
};

static enum bake_status write_index(
	const char *dir, const struct bake_buf *text, struct bake_error *err)
{
	_cleanup_close_ int root = -1;
	int64_t mtime;

	BAKE_TRY(bake_clock_source_date(&mtime, err));
	if (output && strcmp(output, "-") == 0) {
		cli_print_json(text);
		return BAKE_OK;
	}
	if (output)
		return bake_file_replace_path(output, bake_buf_span(text), mtime, err);
	BAKE_TRY(bake_dir_open(dir, &root, err));
	BAKE_TRY(bake_file_replace(root, BAKE_INDEX_NAME, bake_buf_span(text), mtime, err));
	return bake_dir_stamp(root, NULL, 0, mtime, err);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	struct cli_progress progress;
	struct bake_events events = {.emit = cli_progress_emit, .context = &progress};
	const char *usual = cli_models_dir(NULL);
	bool to_stdout = output && strcmp(output, "-") == 0;
	struct bake_index_build_options wanted = {
		.lock_path = lock_path,
		.manifest_path = manifest_path,
		.models_dirs = dirs.count ? dirs.items : &usual,
		.dir_count = dirs.count ? dirs.count : 1,
		.no_architecture = no_architecture,
		.generator = INDEXCLI_TOOL " " BAKE_VERSION,
		.events = &events,
	};

	(void)args;
	if (!lock_path) {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments", "which lock? -l LOCK");
		return bake_error_hint(err, "bake-lock MANIFEST makes one");
	}
	cli_progress_init(&progress, INDEXCLI_TOOL, CLI_PROGRESS_PLAIN, common->quiet, false);
	BAKE_TRY(bake_index_build_text(&wanted, &text, err));
	BAKE_TRY(write_index(wanted.models_dirs[0], &text, err));
	if (!common->quiet && !to_stdout)
		(void)fprintf(stderr, INDEXCLI_TOOL ": %s%s%s written, %zu bytes\n",
			output ? "" : wanted.models_dirs[0], output ? "" : "/",
			output ? output : BAKE_INDEX_NAME, text.len);
	if (common->json && !to_stdout)
		cli_print_json(&text);
	return BAKE_OK;
}

static void release(void)
{
	cli_list_release(&dirs);
}

const struct indexcli_command indexcli_build = {&command, run, release};
