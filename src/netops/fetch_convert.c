/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models that a lock bakes as a conversion. What they are made from is fetched into a directory of its
 * own under .bake, by a fetch of its own, which goes on where an earlier one ended; the output is made
 * beside it and copied to its place like any file that is here already.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "convert/convert.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "netops/fetching.h"

#define CONVERT_DIR BAKE_WORKDIR_NAME "/convert"

/* The paths that one conversion works with. */
struct place {
	char *dir;    /* where the sources go, as a models directory */
	char *lock;   /* their lock */
	char *output; /* what comes of it */
	char *input;
};

static void place_release(struct place *place)
{
	free(place->dir);
	free(place->lock);
	free(place->output);
	free(place->input);
}

static const char *extension_of(const struct bake_fetch_item *item)
{
	return bake_text_ends(item->file->path, ".gguf") ? "gguf" : "safetensors";
}

/* "DIR/.bake/convert/ID.gguf", as find_source opens it beneath the models directory. */
static int output_name(const struct bake_fetch_item *item, char **out)
{
	return asprintf(out, CONVERT_DIR "/%s.%s", item->model->id, extension_of(item));
}

/* What is common to the paths of all sources: the model's own path, which bake-lock put before each
 * name. */
static int model_path_length(const struct bake_lock_file *source)
{
	size_t path = strlen(source->path);
	size_t name = strlen(source->name);

	if (path > name && strcmp(source->path + path - name, source->name) == 0)
		return (int)(path - name);
	name = strcspn(source->path, "/");
	return (int)(source->path[name] ? name + 1 : 0);
}

static enum bake_status place_make(const struct bake_fetching *fetching,
	const struct bake_fetch_item *item, struct place *place, struct bake_error *err)
{
	const char *root = fetching->options->models_dir;
	const struct bake_lock_model *model = item->model;
	const struct bake_lock_file *first = &model->sources[0];
	_cleanup_free_ char *output = NULL;
	int made;

	if (asprintf(&place->dir, "%s/" CONVERT_DIR "/%s", root, model->id) < 0 ||
		asprintf(&place->lock, "%s/" CONVERT_DIR "/%s.lock.json", root, model->id) < 0 ||
		output_name(item, &output) < 0 ||
		asprintf(&place->output, "%s/%s", root, output) < 0)
		return bake_error_nomem(err);
	if (model->convert->input)
		made = asprintf(&place->input, "%s/%.*s%s", place->dir, model_path_length(first),
			first->path, model->convert->input);
	else if (model->source_count == 1)
		made = asprintf(&place->input, "%s/%s", place->dir, first->path);
	else
		made = asprintf(&place->input, "%s/%.*s", place->dir, model_path_length(first),
			first->path);
	return made < 0 ? bake_error_nomem(err) : BAKE_OK;
}

/* The sources are the files of a lock with this one model. */
static enum bake_status write_lock(const struct bake_fetching *fetching,
	const struct bake_lock_model *model, const char *path, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_LOCK_BYTES_MAX);
	struct bake_lock_model sources = *model;
	struct bake_lock lock = {
		.name = fetching->lock->name,
		.slice = model->layer,
		.models = &sources,
		.model_count = 1,
	};

	sources.files = model->sources;
	sources.file_count = model->source_count;
	sources.convert = NULL;
	sources.complete = false;
	BAKE_TRY(bake_lock_write(&lock, model->layer, &text, err));
	return bake_file_replace_path(path, bake_buf_span(&text), -1, err);
}

/* The inner fetch has totals and parts of its own: what is told is what is worth a line, and the
 * bytes as they come. */
static void emit_inner(void *context, const struct bake_event *event)
{
	struct bake_fetching *fetching = context;

	if (event->kind == BAKE_EVENT_NOTICE || event->kind == BAKE_EVENT_WARNING ||
		event->kind == BAKE_EVENT_RETRY || event->kind == BAKE_EVENT_TICK)
		bake_emit(&fetching->events, event);
}

static enum bake_status fetch_sources(struct bake_fetching *fetching, struct place *place,
	uint64_t *received, struct bake_error *err)
{
	struct bake_events events = {.emit = emit_inner, .context = fetching};
	struct bake_fetch_options options = *fetching->options;
	struct bake_fetch_report report;
	enum bake_status status;

	options.lock_path = place->lock;
	options.models_dir = place->dir;
	options.select = (struct bake_select){.all = true};
	options.layout = BAKE_LAYOUT_PLAIN;
	options.keep_going = false;
	options.keep_parts = false;
	options.sidecar = false;
	options.events = &events;
	options.events_path = NULL;
	status = bake_fetch_run(&options, &report, err);
	for (size_t i = 0; i < report.file_count; i++)
		*received = bake_u64_add_capped(*received, report.files[i].received);
	bake_fetch_report_release(&report);
	return status;
}

static enum bake_status convert(struct bake_fetching *fetching, struct bake_fetch_item *item,
	const struct place *place, struct bake_error *err)
{
	struct bake_events events = {.emit = emit_inner, .context = fetching};
	const struct bake_conversion *how = item->model->convert;
	struct bake_convert_request request = {
		.input = place->input,
		.output = place->output,
		.options =
			{
				.target = bake_convert_target_named(how->type),
				.architecture = how->architecture,
				.keep = how->keep,
				.keep_count = how->keep_count,
				.strict = how->strict,
			},
		.pinned = item->file->sha256,
		.force = true,
		.events = &events,
	};
	struct bake_convert_report report;
	enum bake_status status;

	if (!request.options.target)
		return bake_error_set(err, BAKE_ERR_DATA, "lock.convert",
			"'%s' is not a type that is written", BAKE_SHOW(how->type));
	status = bake_convert_run(&request, &report, err);
	bake_convert_report_release(&report);
	return status;
}

static enum bake_status make_dir(const struct bake_fetching *fetching, struct bake_error *err)
{
	if (mkdirat(fetching->root, CONVERT_DIR, 0700) == 0 || errno == EEXIST)
		return BAKE_OK;
	return bake_error_errno(err, errno, "make '%s'", CONVERT_DIR);
}

static enum bake_status bring_one(
	struct bake_fetching *fetching, struct bake_fetch_item *item, struct bake_error *err)
{
	_cleanup_(place_release) struct place place = {.dir = NULL};

	BAKE_TRY(make_dir(fetching, err));
	BAKE_TRY(place_make(fetching, item, &place, err));
	BAKE_TRY(write_lock(fetching, item->model, place.lock, err));
	bake_emitf(&fetching->events, BAKE_EVENT_NOTICE, "fetching what %s is made from",
		BAKE_SHOW(item->path.text));
	BAKE_TRY(fetch_sources(fetching, &place, &item->report->source_received, err));
	bake_emitf(&fetching->events, BAKE_EVENT_NOTICE, "converting to %s: %s",
		BAKE_SHOW(item->model->convert->type), BAKE_SHOW(item->path.text));
	return convert(fetching, item, &place, err);
}

enum bake_status bake_fetching_open_converted(const struct bake_fetching *fetching,
	const struct bake_fetch_item *item, int *out_fd, struct bake_error *err)
{
	_cleanup_free_ char *name = NULL;
	struct bake_error missing = BAKE_ERROR_INIT;
	struct bake_relpath path;
	struct stat st;

	*out_fd = -1;
	if (output_name(item, &name) < 0)
		return bake_error_nomem(err);
	BAKE_TRY(bake_relpath_parse(name, &path, err));
	if (bake_open_regular(fetching->root, path, out_fd, &st, &missing) != BAKE_OK)
		*out_fd = -1;
	return BAKE_OK;
}

enum bake_status bake_fetching_convert(struct bake_fetching *fetching, struct bake_error *err)
{
	for (size_t i = 0; i < fetching->item_count; i++) {
		struct bake_fetch_item *item = &fetching->items[i];
		struct bake_error error = BAKE_ERROR_INIT;

		if (!item->model->convert || item->twin || item->same ||
			!bake_fetching_is_open(item) ||
			bring_one(fetching, item, &error) == BAKE_OK)
			continue;
		if (error.status == BAKE_ERR_INTERRUPTED) {
			*err = error;
			return err->status;
		}
		bake_fetching_fail(fetching, item, &error);
	}
	return BAKE_OK;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	(void)remove(path);
	return 0;
}

void bake_fetching_remove_converted(const struct bake_fetching *fetching)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/" CONVERT_DIR, fetching->options->models_dir) < 0) {
		path = NULL;
		return;
	}
	(void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
