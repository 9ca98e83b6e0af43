/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index inspect. */
#include "base/cleanup.h"
#include "base/show_url.h"
#include "base/text.h"
#include "cli/report.h"
#include "indexcli/commands.h"
#include "indexcli/inspect_print.h"
#include "indexcli/remote.h"
#include "json/writer.h"

static struct indexcli_remote remote;

static const struct cli_option options[] = {
	{0, "endpoint", "URL", "find hf:// files at this Hub, not at $HF_ENDPOINT", CLI_TEXT,
		&remote.endpoint, 0, 0, NULL},
	{0, "mirror", "URL", "let remote files come from this origin, too; may be repeated",
		CLI_LIST, &remote.mirrors, 0, 0, NULL},
	{0, "token-file", "FILE", "read the Hub's token from FILE, as bake-fetch does", CLI_TEXT,
		&remote.token_file, 0, 0, NULL},
	{0, "allow-http", NULL, "allow plain http to every origin", CLI_FLAG, &remote.allow_http, 0,
		0, NULL},
	{0, "allow-private", NULL, "allow private, loopback and link-local addresses", CLI_FLAG,
		&remote.allow_private, 0, 0, NULL},
	{0, "offline", NULL, "use no network", CLI_FLAG, &remote.offline, 0, 0, NULL},
};

static const char *const notes[] = {
	"PATH is a file (with the configuration, splits and projector that lie beside it) or a "
	"directory. URL is a file: https://..., or hf://ORGANISATION/NAME[@REVISION]/PATH; only "
	"the "
	"beginning of it is read, by bake-fetch.",
	"What is broken is a warning of the record, except in the file that is asked about. With "
	"-v "
	"each fact is shown with the file and key that it comes from.",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-index inspect",
	.summary = "show what a model is: format, architecture, weights",
	.usage = "PATH|URL",
	.options = options,
	.option_count = countof(options),
	.args_min = 1,
	.args_max = 1,
	.notes = notes,
};

static void put_json(const char *what, const struct bake_inspection *inspection)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	bake_json_put_bool(&writer, "ok", true);
	bake_json_put_text(&writer, "path", indexcli_is_remote(what) ? BAKE_SHOW_URL(what) : what);
	bake_inspection_write(inspection, &writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_inspection_free) struct bake_inspection *inspection = NULL;
	const struct bake_inspect_options how = {.mode = BAKE_GGUF_TOLERANT};
	const char *what = args->items[0];

	if (indexcli_is_remote(what))
		BAKE_TRY(indexcli_inspect_remote(what, &remote, &how, &inspection, err));
	else
		BAKE_TRY(bake_inspect_path(what, &how, &inspection, err));
	if (common->json)
		put_json(what, inspection);
	else
		indexcli_print_inspection(inspection, common->verbose > 0);
	return BAKE_OK;
}

static void release(void)
{
	cli_list_release(&remote.mirrors);
}

const struct indexcli_command indexcli_inspect = {&command, run, release};
