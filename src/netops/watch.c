/* SPDX-License-Identifier: Apache-2.0 */
/* Events become states. */
#include "netops/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"

enum {
	TELL_MS = 250,	   /* between two lines on the progress of one thing */
	IDLE_MS = 1000,	   /* the same while nothing comes: rates fall, times left grow */
	STATE_MS = 300,	   /* state.json is replaced less than four times a second */
	PATIENCE_MS = 5000 /* for a slow reader at the end */
};

static const char *const state_names[] = {
	[BAKE_WATCH_QUEUED] = "queued",
	[BAKE_WATCH_DOWNLOADING] = "downloading",
	[BAKE_WATCH_VERIFYING] = "verifying",
	[BAKE_WATCH_DOWNLOADED] = "downloaded",
	[BAKE_WATCH_FAILED] = "failed",
	[BAKE_WATCH_CANCELLED] = "cancelled",
};

const char *bake_watch_state_name(enum bake_watch_state state)
{
	return state_names[state];
}

enum bake_status bake_watch_open(
	struct bake_watch *watch, const char *events, const char *generator, struct bake_error *err)
{
	watch->begin_ms = bake_clock_ms();
	watch->begin_time = (int64_t)time(NULL);
	bake_rate_init(&watch->rate, watch->begin_ms);
	if (events)
		BAKE_TRY(bake_stream_open(&watch->stream, events, err));
	bake_watch_tell_begin(watch, generator);
	return BAKE_OK;
}

static size_t *head_of(const struct bake_watch *watch, const char *path)
{
	return &watch->heads[bake_text_hash(path, strlen(path)) % watch->head_count];
}

static void add_file(struct bake_watch *watch, size_t index, struct bake_fetch_file *report)
{
	struct bake_watch_file *file = &watch->files[index];
	struct bake_watch_model *model =
		watch->model_count ? &watch->models[watch->model_count - 1] : NULL;

	/* The report has the files of one model together. */
	if (!model || !model->id || strcmp(model->id, report->model) != 0) {
		model = &watch->models[watch->model_count++];
		model->id = report->model;
		bake_rate_init(&model->rate, watch->begin_ms);
	}
	*file = (struct bake_watch_file){.report = report, .model = watch->model_count - 1};
	model->files++;
	model->count[BAKE_WATCH_QUEUED]++;
	model->total = bake_u64_add_capped(model->total, report->size);
}

enum bake_status bake_watch_plan(
	struct bake_watch *watch, struct bake_fetch_report *report, struct bake_error *err)
{
	size_t count = report->file_count;

	watch->files = calloc(count + 1, sizeof(*watch->files));
	watch->heads = calloc(count + 1, sizeof(*watch->heads));
	watch->models = calloc(report->models + 1, sizeof(*watch->models));
	if (!watch->files || !watch->heads || !watch->models)
		return bake_error_nomem(err);
	watch->file_count = count;
	watch->head_count = count + 1;
	for (size_t i = 0; i < watch->head_count; i++)
		watch->heads[i] = count;
	for (size_t i = 0; i < count; i++) {
		size_t *head = head_of(watch, report->files[i].path);

		add_file(watch, i, &report->files[i]);
		watch->files[i].next = *head;
		*head = i;
	}
	bake_watch_tell_plan(watch, report);
	for (size_t i = 0; i < watch->model_count; i++) {
		watch->models[i].told_ms = bake_clock_ms();
		bake_watch_tell_model(watch, &watch->models[i]);
	}
	return BAKE_OK;
}

void bake_watch_publish(struct bake_watch *watch, const struct bake_workdir *workdir)
{
	watch->workdir = workdir;
	watch->changed = true;
}

static bool is_over(enum bake_watch_state state)
{
	return state == BAKE_WATCH_DOWNLOADED || state == BAKE_WATCH_FAILED;
}

/* The file an event is about: a lock has each path once. */
static struct bake_watch_file *find(const struct bake_watch *watch, const char *name)
{
	if (!name || !watch->file_count)
		return NULL;
	for (size_t i = *head_of(watch, name); i < watch->file_count; i = watch->files[i].next) {
		if (strcmp(watch->files[i].report->path, name) == 0)
			return &watch->files[i];
	}
	return NULL;
}

static enum bake_watch_state state_of(const struct bake_watch_model *model)
{
	const size_t *count = model->count;

	if (count[BAKE_WATCH_FAILED])
		return BAKE_WATCH_FAILED;
	if (count[BAKE_WATCH_CANCELLED])
		return BAKE_WATCH_CANCELLED;
	if (count[BAKE_WATCH_DOWNLOADED] == model->files)
		return BAKE_WATCH_DOWNLOADED;
	/* While one file is checked the next one comes: a model is verified when all have come. */
	if (count[BAKE_WATCH_DOWNLOADING] || (model->begun && count[BAKE_WATCH_QUEUED]))
		return BAKE_WATCH_DOWNLOADING;
	if (count[BAKE_WATCH_VERIFYING] ||
		(count[BAKE_WATCH_DOWNLOADED] && !model->announced && !model->begun))
		return BAKE_WATCH_VERIFYING;
	return BAKE_WATCH_QUEUED;
}

static void set_done(struct bake_watch *watch, struct bake_watch_file *file, uint64_t done)
{
	struct bake_watch_model *model = &watch->models[file->model];

	done = bake_u64_min(done, file->report->size);
	model->bytes = model->bytes - file->done + done;
	file->done = done;
	file->report->have = done;
	watch->changed = true;
}

/* True when that was a change. */
static bool set_state(
	struct bake_watch *watch, struct bake_watch_file *file, enum bake_watch_state state)
{
	struct bake_watch_model *model = &watch->models[file->model];

	if (file->state == state)
		return false;
	model->count[file->state]--;
	model->count[state]++;
	file->state = state;
	watch->changed = true;
	return true;
}

/* Lines on one file and its model: at once when a state changed, else now and then. */
static void tell(struct bake_watch *watch, struct bake_watch_file *file,
	const struct bake_event *event, bool changed)
{
	struct bake_watch_model *model = &watch->models[file->model];
	enum bake_watch_state state = state_of(model);
	uint64_t now = bake_clock_ms();
	bool slow = bake_stream_is_slow(&watch->stream);

	if (changed || (!slow && now - file->told_ms >= TELL_MS)) {
		file->told_ms = now;
		bake_watch_tell_file(watch, file, event);
	}
	if (state == model->state && (slow || now - model->told_ms < TELL_MS))
		return;
	model->state = state;
	model->told_ms = now;
	bake_watch_tell_model(watch, model);
}

static void on_start(
	struct bake_watch *watch, struct bake_watch_file *file, const struct bake_event *event)
{
	bool changed;

	file->started = true;
	watch->models[file->model].begun = true;
	file->start_ms = bake_clock_ms();
	set_done(watch, file, event->done);
	changed = set_state(watch, file, BAKE_WATCH_DOWNLOADING);
	tell(watch, file, event, changed);
}

static void on_progress(
	struct bake_watch *watch, struct bake_watch_file *file, const struct bake_event *event)
{
	uint64_t moved = event->done > file->done ? event->done - file->done : 0;
	enum bake_watch_state state = BAKE_WATCH_VERIFYING;
	uint64_t now = bake_clock_ms();

	if (is_over(file->state))
		return;
	if (file->started) {
		bake_rate_add(&watch->models[file->model].rate, moved, now);
		bake_rate_add(&watch->rate, moved, now);
	}
	set_done(watch, file, event->done);
	/* The engine shows its bytes now and then: that all have come may be shown after it is known. */
	if (file->started &&
		(file->state != BAKE_WATCH_VERIFYING || file->done < file->report->size))
		state = BAKE_WATCH_DOWNLOADING;
	tell(watch, file, event, set_state(watch, file, state));
}

static void on_done(
	struct bake_watch *watch, struct bake_watch_file *file, const struct bake_event *event)
{
	set_done(watch, file, file->report->size);
	if (file->started)
		file->report->ms = bake_clock_ms() - file->start_ms;
	tell(watch, file, event, set_state(watch, file, BAKE_WATCH_DOWNLOADED));
}

static void on_fail(
	struct bake_watch *watch, struct bake_watch_file *file, const struct bake_event *event)
{
	struct bake_watch_model *model = &watch->models[file->model];

	/* Bytes that are not the pinned ones are not kept. */
	if (event->error->status == BAKE_ERR_INTEGRITY)
		set_done(watch, file, 0);
	if (file->started)
		file->report->ms = bake_clock_ms() - file->start_ms;
	(void)snprintf(model->message, sizeof(model->message), "%.80s: %.110s",
		BAKE_SHOW(event->name), BAKE_SHOW(event->error->message));
	tell(watch, file, event, set_state(watch, file, BAKE_WATCH_FAILED));
}

static void on_file(
	struct bake_watch *watch, struct bake_watch_file *file, const struct bake_event *event)
{
	switch (event->kind) {
	case BAKE_EVENT_QUEUED:
		file->started = false;
		watch->models[file->model].announced = true;
		set_done(watch, file, event->done);
		(void)set_state(watch, file, BAKE_WATCH_QUEUED);
		tell(watch, file, event, true);
		break;
	case BAKE_EVENT_START:
		on_start(watch, file, event);
		break;
	case BAKE_EVENT_RETRY:
		set_done(watch, file, event->done);
		bake_watch_tell_note(watch, event);
		tell(watch, file, event, set_state(watch, file, BAKE_WATCH_DOWNLOADING));
		break;
	case BAKE_EVENT_PROGRESS:
		on_progress(watch, file, event);
		break;
	case BAKE_EVENT_VERIFY:
		set_done(watch, file, file->report->size);
		tell(watch, file, event, set_state(watch, file, BAKE_WATCH_VERIFYING));
		break;
	case BAKE_EVENT_DONE:
		on_done(watch, file, event);
		break;
	case BAKE_EVENT_FAIL:
		on_fail(watch, file, event);
		break;
	case BAKE_EVENT_PLAN:
	case BAKE_EVENT_NOTICE:
	case BAKE_EVENT_WARNING:
	case BAKE_EVENT_TICK:
	default:
		break;
	}
}

/* What stands still is told, too: its rate falls. */
static void on_tick(struct bake_watch *watch)
{
	uint64_t now = bake_clock_ms();

	if (now - watch->tick_ms < IDLE_MS)
		return;
	watch->tick_ms = now;
	watch->changed = true;
	for (size_t i = 0; i < watch->model_count; i++) {
		struct bake_watch_model *model = &watch->models[i];

		if (!model->count[BAKE_WATCH_DOWNLOADING] || now - model->told_ms < IDLE_MS ||
			bake_stream_is_slow(&watch->stream))
			continue;
		model->told_ms = now;
		bake_watch_tell_model(watch, model);
	}
}

static void keep_state(struct bake_watch *watch)
{
	uint64_t now = bake_clock_ms();

	if (!watch->changed || !watch->workdir || watch->workdir->fd < 0 ||
		now - watch->state_ms < STATE_MS)
		return;
	watch->state_ms = now;
	watch->changed = false;
	bake_watch_write_state(watch, BAKE_OK, NULL, false);
}

void bake_watch_event(struct bake_watch *watch, const struct bake_event *event)
{
	struct bake_watch_file *file = find(watch, event->name);

	if (file)
		on_file(watch, file, event);
	else if (event->kind == BAKE_EVENT_NOTICE || event->kind == BAKE_EVENT_WARNING)
		bake_watch_tell_note(watch, event);
	else if (event->kind == BAKE_EVENT_TICK)
		on_tick(watch);
	keep_state(watch);
	bake_stream_flush(&watch->stream);
}

/* What was under way or waited when the run ended. */
static void cancel_rest(struct bake_watch *watch)
{
	const struct bake_event none = {.kind = BAKE_EVENT_FAIL};

	for (size_t i = 0; i < watch->file_count; i++) {
		struct bake_watch_file *file = &watch->files[i];

		if (is_over(file->state))
			continue;
		if (file->started)
			file->report->ms = bake_clock_ms() - file->start_ms;
		tell(watch, file, &none, set_state(watch, file, BAKE_WATCH_CANCELLED));
		bake_stream_flush(&watch->stream);
	}
}

bool bake_watch_end(struct bake_watch *watch, enum bake_status status, const struct bake_error *err,
	bool dry_run)
{
	if (!dry_run)
		cancel_rest(watch);
	bake_watch_tell_end(watch, status, err);
	if (watch->workdir && watch->workdir->fd >= 0)
		bake_watch_write_state(watch, status, err, true);
	return bake_stream_close(&watch->stream, bake_stop_signal() ? 500 : PATIENCE_MS);
}

void bake_watch_release(struct bake_watch *watch)
{
	(void)bake_stream_close(&watch->stream, 0);
	bake_buf_release(&watch->line);
	free(watch->files);
	free(watch->heads);
	free(watch->models);
}
