/* SPDX-License-Identifier: Apache-2.0 */
/* A runtime, made of options, environment and index. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/file.h"
#include "runtime/fallback.h"
#include "fs/hidden.h"

#define MODELS_DIR    "/app/models"
#define FETCH_PROGRAM "bake-fetch"
#define LOCK_SUFFIX   ".lock.json"

enum {
	RETRY_MS = 30000,
	ARGS_MAX = 1000
};

static const char *first_of(const char *given, const char *variable, const char *usual)
{
	const char *value = given ? given : getenv(variable);

	return value && value[0] ? value : usual;
}

/* The host may change its directory: what is relative now is kept absolute. Slashes at the end go. */
static enum bake_status keep_path(const char *path, char **out, struct bake_error *err)
{
	_cleanup_free_ char *here = NULL;
	size_t len = strlen(path);
	char *kept;

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (path[0] != '/') {
		here = getcwd(NULL, 0);
		if (!here)
			return bake_error_errno(err, errno, "current directory");
	}
	if (asprintf(&kept, "%s%s%.*s", here ? here : "", here ? "/" : "", (int)len, path) < 0)
		return bake_error_nomem(err);
	*out = kept;
	return BAKE_OK;
}

/* A name built of another one when it is not given. */
static enum bake_status keep_derived(
	const char *given, const char *base, const char *suffix, char **out, struct bake_error *err)
{
	if (given)
		return keep_path(given, out, err);
	if (asprintf(out, "%s%s", base, suffix) < 0) {
		*out = NULL;
		return bake_error_nomem(err);
	}
	return BAKE_OK;
}

static enum bake_status keep_args(
	const char *const *args, struct bake_runtime *runtime, struct bake_error *err)
{
	size_t count = 0;

	while (args && args[count] && count < ARGS_MAX)
		count++;
	runtime->fetch_args = calloc(count + 1, sizeof(*runtime->fetch_args));
	if (!runtime->fetch_args)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		runtime->fetch_args[i] = strdup(args[i]);
		if (!runtime->fetch_args[i])
			return bake_error_nomem(err);
	}
	return BAKE_OK;
}

static enum bake_status choose_fallback(
	int32_t asked, struct bake_runtime *runtime, struct bake_error *err)
{
	const char *word = first_of(NULL, "BAKE_FALLBACK", "off");

	if (asked < BAKE_RUNTIME_FALLBACK_DEFAULT || asked > BAKE_RUNTIME_FALLBACK_FETCH)
		return bake_error_set(err, BAKE_ERR_USAGE, "runtime.option",
			"there is no fallback %d", (int)asked);
	if (asked == BAKE_RUNTIME_FALLBACK_DEFAULT) {
		if (strcmp(word, "off") != 0 && strcmp(word, "fetch") != 0)
			return bake_error_set(err, BAKE_ERR_CONFIG, "runtime.option",
				"$BAKE_FALLBACK is '%s', not off or fetch", BAKE_SHOW(word));
		asked = word[0] == 'f' ? BAKE_RUNTIME_FALLBACK_FETCH : BAKE_RUNTIME_FALLBACK_OFF;
	}
	runtime->may_fetch = asked == BAKE_RUNTIME_FALLBACK_FETCH;
	if (!runtime->may_fetch || runtime->fallback_dir)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_CONFIG, "runtime.fallback-dir",
		"fetching is allowed and there is no fallback directory to fetch into");
	return bake_error_hint(err, "name one with $BAKE_FALLBACK_DIR");
}

static enum bake_status take_options(const struct bake_runtime_options *options,
	struct bake_runtime *runtime, struct bake_error *err)
{
	const char *fallback = first_of(options->fallback_dir, "BAKE_FALLBACK_DIR", NULL);
	const char *program = options->fetch_program ? options->fetch_program : FETCH_PROGRAM;

	BAKE_TRY(bake_runtime_level(
		runtime, (enum bake_runtime_check)options->check, &runtime->check, err));
	runtime->offline = options->offline || bake_text_is_true(getenv("HF_HUB_OFFLINE"));
	BAKE_TRY(keep_path(first_of(options->models_dir, "MODEL_CACHE_DIR", MODELS_DIR),
		&runtime->models_dir, err));
	BAKE_TRY(keep_derived(options->index_path, runtime->models_dir, "/" BAKE_INDEX_NAME,
		&runtime->index_path, err));
	BAKE_TRY(keep_derived(
		options->lock_path, runtime->models_dir, LOCK_SUFFIX, &runtime->lock_path, err));
	if (fallback) {
		BAKE_TRY(keep_path(fallback, &runtime->fallback_dir, err));
		BAKE_TRY(bake_fallback_check_dir(runtime->models_dir, runtime->fallback_dir, err));
	}
	BAKE_TRY(choose_fallback(options->fallback, runtime, err));
	if (strchr(program, '/'))
		BAKE_TRY(keep_path(program, &runtime->fetch_program, err));
	else if (!(runtime->fetch_program = strdup(program)))
		return bake_error_nomem(err);
	return keep_args(options->fetch_args, runtime, err);
}

static enum bake_status read_index(struct bake_runtime *runtime, struct bake_error *err)
{
	if (bake_file_read(runtime->index_path, &runtime->text, err) != BAKE_OK) {
		if (err->status == BAKE_ERR_NOINPUT) {
			bake_hidden_hint(runtime->models_dir, NULL, err);
			bake_error_hint(err, "bake-index build makes it");
		}
		return bake_error_wrap(err, "index");
	}
	return bake_index_parse(
		bake_buf_span(&runtime->text), runtime->index_path, &runtime->index, err);
}

static void close_runtime(struct bake_runtime **runtime)
{
	bake_runtime_close(*runtime);
}

enum bake_status bake_runtime_open(const struct bake_runtime_options *options,
	struct bake_runtime **out, struct bake_error *err)
{
	_cleanup_(close_runtime) struct bake_runtime *runtime = calloc(1, sizeof(*runtime));
	struct bake_runtime_options own = {.size = sizeof(own)};

	err = RUNTIME_ERR(err);
	if (!runtime)
		return bake_error_nomem(err);
	runtime->check = BAKE_RUNTIME_CHECK_QUICK;
	runtime->text.max = BAKE_INDEX_BYTES_MAX;
	if (options)
		BAKE_TRY(bake_runtime_take_struct(options, options->size, &own, sizeof(own),
			"struct bake_runtime_options", err));
	BAKE_TRY(take_options(&own, runtime, err));
	BAKE_TRY(read_index(runtime, err));
	BAKE_TRY(bake_flights_init(&runtime->flights, runtime->index->model_count,
		own.retry_ms ? own.retry_ms : RETRY_MS, err));
	*out = runtime;
	runtime = NULL;
	return BAKE_OK;
}

void bake_runtime_cancel(struct bake_runtime *runtime)
{
	bake_flights_cancel(&runtime->flights);
}

void bake_runtime_close(struct bake_runtime *runtime)
{
	if (!runtime)
		return;
	bake_flights_release(&runtime->flights);
	bake_index_free(&runtime->index);
	bake_buf_release(&runtime->text);
	for (size_t i = 0; runtime->fetch_args && runtime->fetch_args[i]; i++)
		free(runtime->fetch_args[i]);
	free(runtime->fetch_args);
	free(runtime->fetch_program);
	free(runtime->lock_path);
	free(runtime->fallback_dir);
	free(runtime->index_path);
	free(runtime->models_dir);
	free(runtime);
}
