/* SPDX-License-Identifier: Apache-2.0 */
#include "netops/fetch_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/file.h"
#include "json/writer.h"
#include "manifest/lock.h"
#include "net/url.h"

enum {
	REPORT_BYTES_MAX = 1 << 28
};

struct bake_fetch_sums bake_fetch_sum(const struct bake_fetch_report *report)
{
	struct bake_fetch_sums sums = {0};

	for (size_t i = 0; i < report->file_count; i++) {
		const struct bake_fetch_file *file = &report->files[i];
		bool there =
			file->outcome != BAKE_FETCH_PENDING && file->outcome != BAKE_FETCH_FAILED;

		sums.count[file->outcome]++;
		sums.there += there ? 1 : 0;
		sums.have = bake_u64_add_capped(sums.have, there ? file->size : file->have);
		sums.received =
			bake_u64_add_capped(sums.received, file->received + file->source_received);
		sums.resumed = bake_u64_add_capped(sums.resumed, file->resumed);
		sums.retries += file->retries;
		if (file->outcome == BAKE_FETCH_CACHED)
			sums.cached = bake_u64_add_capped(sums.cached, file->size);
	}
	return sums;
}

static void put_seconds(struct bake_json_writer *writer, const char *key, uint64_t ms)
{
	char text[64];

	(void)snprintf(
		text, sizeof(text), "\"%s\": %" PRIu64 ".%03" PRIu64, key, ms / 1000, ms % 1000);
	bake_json_splice(writer, text);
}

static void put_any(struct bake_json_writer *writer, const char *key, const char *text)
{
	bake_json_put_text(
		writer, key, bake_utf8_valid(text, strlen(text)) ? text : BAKE_SHOW(text));
}

static void put_error(struct bake_json_writer *writer, const struct bake_error *error)
{
	bake_json_key(writer, "error");
	bake_json_object_line(writer);
	bake_json_put_text(writer, "id", error->id ? error->id : "internal");
	put_any(writer, "message", error->message);
	if (error->hint[0])
		put_any(writer, "hint", error->hint);
	bake_json_end_object(writer);
}

static void put_file(
	struct bake_json_writer *writer, const struct bake_fetch_file *file, bool dry_run)
{
	bake_json_object_line(writer);
	put_any(writer, "path", file->path);
	bake_json_put_text(writer, "model", file->model);
	bake_json_put_bool(writer, "required", file->required);
	bake_json_put_text(writer, "outcome", bake_fetch_outcome_name(file->outcome));
	if (dry_run && file->outcome == BAKE_FETCH_PENDING)
		bake_json_put_text(writer, "way", bake_fetch_way_name(file->way));
	if (file->from)
		bake_json_put_text(writer, "source", BAKE_SHOW_URL(file->from));
	bake_json_put_u64(writer, "size", file->size);
	bake_json_put_u64(writer, "received", file->received + file->source_received);
	bake_json_put_u64(writer, "resumed", file->resumed);
	bake_json_put_u64(writer, "retries", file->retries);
	bake_json_put_u64(writer, "connections", file->connections);
	put_seconds(writer, "seconds", file->ms);
	if (file->outcome == BAKE_FETCH_FAILED)
		put_error(writer, &file->error);
	bake_json_end_object(writer);
}

static void put_totals(struct bake_json_writer *writer, const struct bake_fetch_report *report)
{
	struct bake_fetch_sums sums = bake_fetch_sum(report);

	bake_json_key(writer, "totals");
	bake_json_object(writer);
	bake_json_put_u64(writer, "models", report->models);
	bake_json_put_u64(writer, "files", report->file_count);
	bake_json_put_u64(writer, "bytes", report->bytes);
	bake_json_put_u64(writer, "needed_bytes", report->needed_bytes);
	bake_json_put_u64(writer, "have_bytes", sums.have);
	bake_json_put_u64(writer, "free_bytes", report->free_bytes);
	bake_json_put_u64(writer, "received", sums.received);
	bake_json_put_u64(writer, "resumed", sums.resumed);
	bake_json_put_u64(writer, "retries", sums.retries);
	for (int i = BAKE_FETCH_PENDING; i <= BAKE_FETCH_FAILED; i++)
		bake_json_put_u64(
			writer, bake_fetch_outcome_name((enum bake_fetch_outcome)i), sums.count[i]);
	bake_json_end_object(writer);
}

static void put_lock(struct bake_json_writer *writer, const struct bake_lock *lock)
{
	bake_json_key(writer, "lock");
	bake_json_object_line(writer);
	put_any(writer, "name", lock->name);
	bake_json_put_text(writer, "sha256", BAKE_HEX(&lock->sha256));
	bake_json_end_object(writer);
}

enum bake_status bake_fetch_report_write(
	const struct bake_fetch_run *run, const char *path, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(REPORT_BYTES_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	const struct bake_fetch_report *report = run->report;
	bool dry_run = run->options->dry_run;
	char begun[BAKE_TIME_TEXT];

	bake_json_object(&writer);
	bake_json_put_text(&writer, "schema", BAKE_REPORT_SCHEMA);
	bake_json_put_text(&writer, "generator", run->options->origins.user_agent);
	bake_json_put_text(&writer, "begun", bake_time_format(report->begun, begun));
	put_seconds(&writer, "seconds", report->ms);
	bake_json_put_bool(&writer, "ok", run->status == BAKE_OK);
	bake_json_put_u64(&writer, "exit_code", (uint64_t)bake_stop_exit_code(run->status));
	bake_json_put_bool(&writer, "dry_run", dry_run);
	if (run->status != BAKE_OK)
		put_error(&writer, run->error);
	if (report->lock)
		put_lock(&writer, report->lock);
	put_any(&writer, "models_dir", run->options->models_dir);
	put_totals(&writer, report);
	bake_json_key(&writer, "files");
	bake_json_array(&writer);
	for (size_t i = 0; i < report->file_count; i++)
		put_file(&writer, &report->files[i], dry_run);
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	BAKE_TRY(bake_buf_status(&text, "the report", err));
	return bake_file_replace_path(path, bake_buf_span(&text), -1, err);
}
