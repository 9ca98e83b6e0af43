/* SPDX-License-Identifier: Apache-2.0 */
/* States become JSON: lines for --events, and DIR/.bake/state.json. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "json/writer.h"
#include "netops/watch.h"

enum {
	ROOM_BYTES = 1024 * 1024 /* state.json takes no room from the files it tells of */
};

const char *bake_size_text(uint64_t bytes, uint64_t total, char text[BAKE_SIZE_TEXT])
{
	if (total >= 1000000000)
		(void)snprintf(text, BAKE_SIZE_TEXT, "%.2f / %.2f GB", (double)bytes / 1e9,
			(double)total / 1e9);
	else
		(void)snprintf(text, BAKE_SIZE_TEXT, "%.1f / %.1f MB", (double)bytes / 1e6,
			(double)total / 1e6);
	return text;
}

/* A text from anywhere: as it is when it is UTF-8, else as it is shown. */
static void put_any(struct bake_json_writer *writer, const char *key, const char *text)
{
	if (text)
		bake_json_put_text(
			writer, key, bake_utf8_valid(text, strlen(text)) ? text : BAKE_SHOW(text));
}

/* 0 to 1, rounded down so that 1 is all. */
static void put_progress(struct bake_json_writer *writer, uint64_t bytes, uint64_t total, bool done)
{
	uint64_t part = total ? (uint64_t)((double)bytes / (double)total * 1000) : 0;
	char text[48];

	part = done ? 1000 : bake_u64_min(part, 999);
	(void)snprintf(text, sizeof(text), "\"progress\": %" PRIu64 ".%03" PRIu64, part / 1000,
		part % 1000);
	bake_json_splice(writer, text);
}

static struct bake_json_writer begin_line(struct bake_watch *watch, const char *event)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&watch->line);

	bake_buf_clear(&watch->line);
	bake_json_object_line(&writer);
	bake_json_put_text(&writer, "event", event);
	bake_json_put_u64(&writer, "at_ms", bake_clock_ms() - watch->begin_ms);
	return writer;
}

static void end_line(struct bake_watch *watch, struct bake_json_writer *writer)
{
	bake_json_end_object(writer);
	bake_json_finish(writer);
	if (!watch->line.full && !watch->line.nomem)
		bake_stream_add(&watch->stream, bake_buf_span(&watch->line));
}

static bool silent(const struct bake_watch *watch)
{
	return watch->stream.fd < 0;
}

void bake_watch_tell_begin(struct bake_watch *watch, const char *generator)
{
	struct bake_json_writer writer;
	char text[BAKE_TIME_TEXT];

	if (silent(watch))
		return;
	writer = begin_line(watch, "begin");
	bake_json_put_text(&writer, "schema", BAKE_EVENTS_SCHEMA);
	bake_json_put_text(&writer, "generator", generator);
	bake_json_put_text(&writer, "time", bake_time_format(watch->begin_time, text));
	bake_json_put_u64(&writer, "pid", (uint64_t)getpid());
	end_line(watch, &writer);
}

void bake_watch_tell_plan(struct bake_watch *watch, const struct bake_fetch_report *report)
{
	struct bake_json_writer writer;

	if (silent(watch))
		return;
	writer = begin_line(watch, "plan");
	put_any(&writer, "lock", report->lock->name);
	bake_json_put_text(&writer, "lock_sha256", BAKE_HEX(&report->lock->sha256));
	bake_json_put_u64(&writer, "models", report->models);
	bake_json_put_u64(&writer, "files", report->file_count);
	bake_json_put_u64(&writer, "total", report->bytes);
	end_line(watch, &writer);
}

static const char *message_of(const struct bake_watch_model *model, char *text, size_t room)
{
	size_t done = model->count[BAKE_WATCH_DOWNLOADED];

	if (model->message[0])
		return model->message;
	if (model->state == BAKE_WATCH_DOWNLOADING && model->files > 1)
		(void)snprintf(
			text, room, "downloading, %zu of %zu files are there", done, model->files);
	else if (model->state == BAKE_WATCH_CANCELLED)
		(void)snprintf(text, room, "stopped with %zu of %zu files", done, model->files);
	else if (model->state == BAKE_WATCH_QUEUED)
		(void)snprintf(text, room, "waiting");
	else
		(void)snprintf(text, room, "%s", bake_watch_state_name(model->state));
	return text;
}

/* The members that the line and the document have in common. */
static void put_model(
	struct bake_watch *watch, struct bake_json_writer *writer, struct bake_watch_model *model)
{
	bool moving = model->state == BAKE_WATCH_DOWNLOADING;
	uint64_t now = bake_clock_ms();
	char size[BAKE_SIZE_TEXT];
	char text[120];
	uint64_t left;

	(void)watch;
	bake_json_put_text(writer, "state", bake_watch_state_name(model->state));
	bake_json_put_u64(writer, "bytes", model->bytes);
	bake_json_put_u64(writer, "total", model->total);
	put_progress(writer, model->bytes, model->total, model->state == BAKE_WATCH_DOWNLOADED);
	bake_json_put_u64(writer, "rate", moving ? bake_rate_get(&model->rate, now) : 0);
	if (moving && bake_rate_left(&model->rate, model->total - model->bytes, now, &left))
		bake_json_put_u64(writer, "eta", (left + 999) / 1000);
	bake_json_put_u64(writer, "files", model->files);
	bake_json_put_u64(writer, "files_done", model->count[BAKE_WATCH_DOWNLOADED]);
	bake_json_put_text(writer, "size_text", bake_size_text(model->bytes, model->total, size));
	bake_json_put_text(writer, "message", message_of(model, text, sizeof(text)));
}

void bake_watch_tell_model(struct bake_watch *watch, struct bake_watch_model *model)
{
	struct bake_json_writer writer;

	if (silent(watch))
		return;
	writer = begin_line(watch, "model");
	bake_json_put_text(&writer, "model", model->id);
	put_model(watch, &writer, model);
	end_line(watch, &writer);
}

static void put_error(struct bake_json_writer *writer, const struct bake_error *error)
{
	if (!error || error->status == BAKE_OK)
		return;
	bake_json_put_text(writer, "error", error->id);
	put_any(writer, "message", error->message);
	if (error->hint[0])
		put_any(writer, "hint", error->hint);
}

void bake_watch_tell_file(struct bake_watch *watch, const struct bake_watch_file *file,
	const struct bake_event *event)
{
	struct bake_json_writer writer;

	if (silent(watch))
		return;
	writer = begin_line(watch, "file");
	bake_json_put_text(&writer, "model", file->report->model);
	put_any(&writer, "path", file->report->path);
	bake_json_put_text(&writer, "state", bake_watch_state_name(file->state));
	bake_json_put_u64(&writer, "bytes", file->done);
	bake_json_put_u64(&writer, "total", file->report->size);
	if (event->kind == BAKE_EVENT_START && event->done)
		bake_json_put_u64(&writer, "resumed", event->done);
	if (event->kind == BAKE_EVENT_DONE)
		bake_json_put_text(&writer, "how", event->note);
	if (file->state == BAKE_WATCH_FAILED)
		put_error(&writer, event->error);
	end_line(watch, &writer);
}

void bake_watch_tell_note(struct bake_watch *watch, const struct bake_event *event)
{
	bool retry = event->kind == BAKE_EVENT_RETRY;
	struct bake_json_writer writer;

	if (silent(watch))
		return;
	writer = begin_line(
		watch, retry ? "retry" : (event->kind == BAKE_EVENT_NOTICE ? "notice" : "warning"));
	if (retry) {
		put_any(&writer, "path", event->name);
		bake_json_put_u64(&writer, "wait_ms", event->wait_ms);
		put_error(&writer, event->error);
	} else {
		put_any(&writer, "message", event->note);
	}
	end_line(watch, &writer);
}

static const char *outcome(enum bake_status status)
{
	if (status == BAKE_OK)
		return "downloaded";
	return status == BAKE_ERR_INTERRUPTED ? "cancelled" : "failed";
}

struct sums {
	uint64_t bytes;
	uint64_t total;
	size_t done;
};

static struct sums sum(const struct bake_watch *watch)
{
	struct sums sums = {0};

	for (size_t i = 0; i < watch->model_count; i++) {
		sums.bytes = bake_u64_add_capped(sums.bytes, watch->models[i].bytes);
		sums.total = bake_u64_add_capped(sums.total, watch->models[i].total);
		sums.done += watch->models[i].count[BAKE_WATCH_DOWNLOADED];
	}
	return sums;
}

/* Of the whole: at the end of the lines, and at the top of the document. */
static void put_sums(struct bake_watch *watch, struct bake_json_writer *writer, bool moving)
{
	struct sums sums = sum(watch);
	uint64_t now = bake_clock_ms();
	uint64_t left;

	bake_json_put_u64(writer, "bytes", sums.bytes);
	bake_json_put_u64(writer, "total", sums.total);
	if (moving) {
		bake_json_put_u64(writer, "rate", bake_rate_get(&watch->rate, now));
		if (bake_rate_left(&watch->rate, sums.total - sums.bytes, now, &left))
			bake_json_put_u64(writer, "eta", (left + 999) / 1000);
	}
	bake_json_put_u64(writer, "files", watch->file_count);
	bake_json_put_u64(writer, "files_done", sums.done);
}

void bake_watch_tell_end(
	struct bake_watch *watch, enum bake_status status, const struct bake_error *err)
{
	struct bake_json_writer writer;

	if (silent(watch))
		return;
	if (watch->stream.lost) {
		writer = begin_line(watch, "lost");
		bake_json_put_u64(&writer, "lines", watch->stream.lost);
		end_line(watch, &writer);
	}
	writer = begin_line(watch, "end");
	bake_json_put_text(&writer, "state", outcome(status));
	bake_json_put_u64(&writer, "exit_code", (uint64_t)bake_stop_exit_code(status));
	put_sums(watch, &writer, false);
	if (status != BAKE_OK)
		put_error(&writer, err);
	end_line(watch, &writer);
}

static void put_document(
	struct bake_watch *watch, enum bake_status status, const struct bake_error *err, bool ended)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&watch->line);
	char text[BAKE_TIME_TEXT];

	bake_buf_clear(&watch->line);
	bake_json_object(&writer);
	bake_json_put_text(&writer, "schema", BAKE_STATE_SCHEMA);
	bake_json_put_text(&writer, "begun", bake_time_format(watch->begin_time, text));
	bake_json_put_u64(&writer, "at_ms", bake_clock_ms() - watch->begin_ms);
	bake_json_put_u64(&writer, "pid", (uint64_t)getpid());
	bake_json_put_text(&writer, "state", ended ? outcome(status) : "downloading");
	put_sums(watch, &writer, !ended);
	if (ended && status != BAKE_OK)
		put_error(&writer, err);
	bake_json_key(&writer, "models");
	bake_json_object(&writer);
	for (size_t i = 0; i < watch->model_count; i++) {
		bake_json_key(&writer, watch->models[i].id);
		bake_json_object_line(&writer);
		put_model(watch, &writer, &watch->models[i]);
		bake_json_end_object(&writer);
	}
	bake_json_end_object(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
}

/* Renamed into place but not synced: four times a second is no time for that, and after a power
 * loss nobody asks how far a fetch was. */
void bake_watch_write_state(
	struct bake_watch *watch, enum bake_status status, const struct bake_error *err, bool ended)
{
	static const char temporary[] = BAKE_STATE_NAME ".tmp";
	struct bake_error ignored = BAKE_ERROR_INIT;
	int dir = watch->workdir->fd;
	_cleanup_close_ int fd = -1;
	uint64_t room = 0;

	put_document(watch, status, err, ended);
	if (watch->line.full || watch->line.nomem ||
		bake_dir_free(dir, &room, &ignored) != BAKE_OK || room < ROOM_BYTES)
		return;
	fd = openat(dir, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		BAKE_MODE_FILE);
	if (fd < 0)
		return;
	if (bake_file_write_at(fd, 0, bake_buf_span(&watch->line), &ignored) != BAKE_OK ||
		renameat(dir, temporary, dir, BAKE_STATE_NAME) != 0)
		(void)unlinkat(dir, temporary, 0);
}
