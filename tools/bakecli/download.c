/* SPDX-License-Identifier: Apache-2.0 */
/* bake download and bake download-defaults: bake-fetch, with the lock found. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bakecli/commands.h"
#include "bakecli/fetching.h"
#include "bakecli/locks.h"
#include "bakecli/tools.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"

static const char *lock_path;
static bool yes;
static struct bakecli_fetching fetching;

#define LOCK_OPTION                                                                                \
	{                                                                                          \
		'l', "lock", "LOCK", "fetch what this lock names, not one that is found",          \
			CLI_TEXT, &lock_path, 0, 0, NULL                                           \
	}

static const struct cli_option download_options[] = {
	LOCK_OPTION,
	BAKECLI_FETCHING_OPTIONS(fetching),
};

static const struct cli_option defaults_options[] = {
	LOCK_OPTION,
	BAKECLI_FETCHING_OPTIONS(fetching),
	{'y', "yes", NULL, "do not ask", CLI_FLAG, &yes, 0, 0, NULL},
};

static const char *const notes[] = {
	"Locks are looked for in $BAKE_MANIFESTS (a lock, a manifest or a directory of them), else "
	"in the directory \"manifests\". bake-fetch does the work and has more options.",
	NULL,
};

static const struct cli_command download_command = {
	.name = "bake download",
	.summary = "fetch models by id, with whichever lock has them",
	.usage = "MODEL...",
	.options = download_options,
	.option_count = countof(download_options),
	.args_min = 1,
	.args_max = BAKECLI_ARGS_MAX - 32,
	.notes = notes,
};

static const struct cli_command defaults_command = {
	.name = "bake download-defaults",
	.summary = "fetch the models marked as default, after a question",
	.usage = "",
	.options = defaults_options,
	.option_count = countof(defaults_options),
	.notes = notes,
};

static void begin(struct bakecli_words *words, const struct cli_common *common, const char *lock)
{
	bakecli_fetching_words(words, &fetching, lock, NULL);
	if (common->json)
		bakecli_add(words, "--json");
	if (common->quiet)
		bakecli_add(words, "--quiet");
	for (unsigned i = 0; i < common->verbose && i < 3; i++)
		bakecli_add(words, "--verbose");
}

static void tell(const struct bakecli_locks *locks)
{
	if (locks->warning.status != BAKE_OK)
		cli_warn(BAKECLI_TOOL, locks->warning.message);
}

static void say_which(const char *model, const char *path)
{
	char text[BAKE_SHOWN_MAX * 2 + 64];

	(void)snprintf(text, sizeof(text), "several locks have %s, this is by %s (-l chooses)",
		BAKE_SHOW(model), BAKE_SHOW(path));
	cli_note(BAKECLI_TOOL, text);
}

/* The one lock that has all of them. */
static enum bake_status find_lock(const struct bakecli_locks *locks, const struct cli_list *names,
	const char **out_path, struct bake_error *err)
{
	const struct bakecli_lock *found = NULL;

	for (size_t i = 0; i < names->count; i++) {
		const struct bake_lock_model *model = NULL;
		bool more = false;
		const struct bakecli_lock *has =
			bakecli_locks_find(locks, names->items[i], &model, &more);

		if (!has)
			return bakecli_locks_unknown(locks, names->items[i], err);
		if (more)
			say_which(names->items[i], has->path);
		if (found && has != found) {
			bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
				"%s is in '%s', and %s in '%s'", BAKE_SHOW(names->items[0]),
				BAKE_SHOW(found->path), BAKE_SHOW(names->items[i]),
				BAKE_SHOW(has->path));
			return bake_error_hint(err, "download them one after the other");
		}
		found = has;
	}
	*out_path = found ? found->path : NULL;
	return BAKE_OK;
}

static enum bake_status run_download(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bakecli_locks_release) struct bakecli_locks locks = {.count = 0};
	struct bakecli_words words = {.count = 0};
	const char *path = NULL;

	BAKE_TRY(bakecli_locks_open(lock_path, &locks, err));
	tell(&locks);
	BAKE_TRY(find_lock(&locks, args, &path, err));
	begin(&words, common, path);
	bakecli_add(&words, "--");
	for (size_t i = 0; i < args->count; i++)
		bakecli_add(&words, args->items[i]);
	return bakecli_exec(&words, err);
}

static uint64_t default_bytes(const struct bake_lock *lock, size_t *out_count)
{
	uint64_t bytes = 0;

	*out_count = 0;
	for (size_t i = 0; i < lock->model_count; i++) {
		if (!lock->models[i].is_default)
			continue;
		bytes = bake_u64_add_capped(bytes, bakecli_model_bytes(&lock->models[i]));
		(*out_count)++;
	}
	return bytes;
}

static enum bake_status find_defaults(const struct bakecli_locks *locks,
	const struct bakecli_lock **out, size_t *out_count, uint64_t *out_bytes,
	struct bake_error *err)
{
	const struct bakecli_lock *found = NULL;

	for (size_t i = 0; i < locks->count; i++) {
		size_t count;
		uint64_t bytes = default_bytes(locks->items[i].lock, &count);

		if (!count)
			continue;
		if (found) {
			bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
				"'%s' and '%s' both have default models", BAKE_SHOW(found->path),
				BAKE_SHOW(locks->items[i].path));
			return bake_error_hint(err, "-l LOCK chooses");
		}
		found = &locks->items[i];
		*out_count = count;
		*out_bytes = bytes;
	}
	if (!found)
		return bake_error_set(
			err, BAKE_ERR_NOINPUT, "bake.no-defaults", "no model is marked as default");
	*out = found;
	return BAKE_OK;
}

/* Standard error is for the talk, so that what is printed can be piped on. */
static enum bake_status ask(size_t count, uint64_t bytes, struct bake_error *err)
{
	char answer[16] = "";

	(void)fprintf(
		stderr, "%zu default models, total download size: %s\n", count, BAKE_BYTES(bytes));
	if (yes)
		return BAKE_OK;
	if (!isatty(STDIN_FILENO)) {
		bake_error_set(
			err, BAKE_ERR_USAGE, "bake.no-answer", "there is no terminal to ask on");
		return bake_error_hint(err, "-y downloads without asking");
	}
	(void)fputs("Proceed with download? [y/N]: ", stderr);
	(void)fflush(stderr);
	if (fgets(answer, sizeof(answer), stdin) &&
		(strcasecmp(answer, "y\n") == 0 || strcasecmp(answer, "yes\n") == 0))
		return BAKE_OK;
	return bake_error_set(
		err, BAKE_ERR_USAGE, "bake.declined", "nothing was downloaded, as you wished");
}

static enum bake_status run_defaults(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bakecli_locks_release) struct bakecli_locks locks = {.count = 0};
	struct bakecli_words words = {.count = 0};
	const struct bakecli_lock *lock;
	uint64_t bytes = 0;
	size_t count = 0;

	(void)args;
	BAKE_TRY(bakecli_locks_open(lock_path, &locks, err));
	tell(&locks);
	BAKE_TRY(find_defaults(&locks, &lock, &count, &bytes, err));
	if (!common->quiet || !yes)
		BAKE_TRY(ask(count, bytes, err));
	begin(&words, common, lock->path);
	bakecli_add(&words, "--defaults");
	return bakecli_exec(&words, err);
}

const struct bakecli_command bakecli_download = {"download", &download_command, run_download};
const struct bakecli_command bakecli_download_defaults = {
	"download-defaults", &defaults_command, run_defaults};
