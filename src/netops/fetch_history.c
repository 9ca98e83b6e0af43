/* SPDX-License-Identifier: Apache-2.0 */
/* A line for each run, for statistics. Readers skip a line that was torn by a crash. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "fs/log.h"
#include "json/writer.h"
#include "manifest/lock.h"
#include "netops/fetch_report.h"

enum {
	/* A log of as many goes to history.jsonl.1. */
	BAKE_HISTORY_BYTES_MAX = 64 * 1024 * 1024,
	/* What the fields after the list of models take at most. */
	TAIL_BYTES = 1024
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* BuildKit gives the steps of a build this host name, unless told otherwise. */
static bool is_buildkit(void)
{
	char name[64] = "";

	return gethostname(name, sizeof(name) - 1) == 0 && strcmp(name, "buildkitsandbox") == 0;
}

/* Whether / is a layered file system, as a container's is under most engines. */
static bool root_is_layered(void)
{
	_cleanup_free_ char *line = NULL;
	FILE *mounts = fopen("/proc/self/mounts", "re");
	bool layered = false;
	size_t room = 0;

	if (!mounts)
		return false;
	while (getline(&line, &room, mounts) > 0) {
		const char *place = strchr(line, ' ');

		/* The last mount on a place is the one that is seen. */
		if (place && bake_text_starts(place, " / "))
			layered = bake_text_starts(place + 3, "overlay ") ||
				  bake_text_starts(place + 3, "fuse.fuse-overlayfs ");
	}
	(void)fclose(mounts);
	return layered;
}

/*
 * No step of a build can be told from another container for certain, so that every container
 * counts: what it keeps in its own file system is lost with it at best, and in an image at worst.
 */
static bool in_container(void)
{
	return variable("container") || access("/.dockerenv", F_OK) == 0 ||
	       access("/run/.containerenv", F_OK) == 0 || getpid() == 1 || is_buildkit() ||
	       root_is_layered();
}

const char *bake_history_is_off(void)
{
	if (variable("BAKE_STATE_DIR"))
		return NULL;
	if (!variable("XDG_STATE_HOME") && !variable("HOME"))
		return "there is no home directory";
	if (in_container())
		return "this is a container; $BAKE_STATE_DIR says where to keep it";
	return NULL;
}

static enum bake_status find_dir(struct bake_buf *path, struct bake_error *err)
{
	if (variable("BAKE_STATE_DIR"))
		bake_buf_text(path, variable("BAKE_STATE_DIR"));
	else if (variable("XDG_STATE_HOME"))
		bake_buf_addf(path, "%s/bake", variable("XDG_STATE_HOME"));
	else
		bake_buf_addf(path, "%s/.local/state/bake", variable("HOME"));
	return bake_buf_status(path, "the state directory", err);
}

static enum bake_status open_file(int *out_fd, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf path = BAKE_BUF_INIT(4096);

	BAKE_TRY(find_dir(&path, err));
	bake_buf_text(&path, "/" BAKE_HISTORY_NAME);
	BAKE_TRY(bake_buf_status(&path, "the state directory", err));
	return bake_log_open(path.ptr, BAKE_HISTORY_BYTES_MAX, out_fd, err);
}

/* The selected models, as many as the line has room for. */
static void put_models(struct bake_json_writer *writer, const struct bake_fetch_report *report)
{
	const char *last = "";

	bake_json_key(writer, "models");
	bake_json_array_line(writer);
	for (size_t i = 0; i < report->file_count; i++) {
		const char *id = report->files[i].model;

		if (strcmp(id, last) == 0)
			continue;
		if (writer->buf->len + strlen(id) + TAIL_BYTES > BAKE_HISTORY_LINE_MAX)
			break;
		bake_json_write_text(writer, id);
		last = id;
	}
	bake_json_end_array(writer);
	bake_json_put_u64(writer, "model_count", report->models);
}

static void put_numbers(struct bake_json_writer *writer, const struct bake_fetch_run *run)
{
	const struct bake_fetch_report *report = run->report;
	struct bake_fetch_sums sums = bake_fetch_sum(report);
	char seconds[64];

	bake_json_put_u64(writer, "files", report->file_count);
	bake_json_put_u64(writer, "files_there", sums.there);
	bake_json_put_u64(writer, "bytes", report->bytes);
	bake_json_put_u64(writer, "received", sums.received);
	bake_json_put_u64(writer, "resumed", sums.resumed);
	bake_json_put_u64(writer, "cached", sums.cached);
	bake_json_put_u64(writer, "retries", sums.retries);
	(void)snprintf(seconds, sizeof(seconds), "\"seconds\": %" PRIu64 ".%03" PRIu64,
		report->ms / 1000, report->ms % 1000);
	bake_json_splice(writer, seconds);
	bake_json_put_u64(writer, "rate",
		report->ms ? (uint64_t)((double)sums.received * 1000 / (double)report->ms) : 0);
	bake_json_put_text(writer, "status",
		run->status == BAKE_OK		      ? "downloaded"
		: run->status == BAKE_ERR_INTERRUPTED ? "cancelled"
						      : "failed");
	bake_json_put_u64(writer, "exit_code", (uint64_t)bake_stop_exit_code(run->status));
	if (run->status != BAKE_OK)
		bake_json_put_text(writer, "error", run->error->id);
}

static enum bake_status write_line(
	const struct bake_fetch_run *run, struct bake_buf *line, struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(line);
	const struct bake_lock *lock = run->report->lock;
	char begun[BAKE_TIME_TEXT];

	bake_json_object_line(&writer);
	bake_json_put_text(&writer, "schema", BAKE_HISTORY_SCHEMA);
	bake_json_put_text(&writer, "time", bake_time_format(run->report->begun, begun));
	bake_json_put_text(&writer, "generator", run->options->origins.user_agent);
	if (lock) {
		bake_json_put_text(&writer, "lock", BAKE_SHOW(lock->name));
		bake_json_put_text(&writer, "lock_sha256", BAKE_HEX(&lock->sha256));
	}
	put_models(&writer, run->report);
	put_numbers(&writer, run);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return bake_buf_status(line, "a line of history", err);
}

enum bake_status bake_history_append(const struct bake_fetch_run *run, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf line = BAKE_BUF_INIT(BAKE_HISTORY_LINE_MAX - 1);
	_cleanup_close_ int fd = -1;
	struct stat st;
	char last = '\n';
	ssize_t put;

	BAKE_TRY(open_file(&fd, err));
	/* Behind a line that a crash tore, ours begins on a line of its own. */
	if (fstat(fd, &st) == 0 && st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 &&
		last != '\n')
		bake_buf_text(&line, "\n");
	BAKE_TRY(write_line(run, &line, err));
	put = write(fd, line.ptr, line.len);
	if (put < 0)
		return bake_error_errno(err, errno, "history");
	if ((size_t)put != line.len)
		return bake_error_set(err, BAKE_ERR_IO, "fs.io", "history: a line was cut short");
	return BAKE_OK;
}
