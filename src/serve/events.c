/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /events: the state of running downloads, as bake-fetch writes it into state.json, of the tasks
 * that were asked for here, and that /model-info is another one. Paths of this machine stay here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/file.h"
#include "json/json.h"
#include "serve/scrub.h"
#include "serve/site.h"

enum {
	STATE_BYTES_MAX = 8 * 1024 * 1024,
	EVENT_BYTES_MAX = 16 * 1024 * 1024,
	SILENT_S = 10 /* a running fetch writes several times a second */
};

static char *state_path(const struct bake_serve_options *options)
{
	const char *dir = options->fallback_dir ? options->fallback_dir : options->models_dir;
	char *path;

	if (options->state_path)
		return strdup(options->state_path);
	return asprintf(&path, "%s/.bake/state.json", dir) < 0 ? NULL : path;
}

/* Whether it is another file than the one told last. */
static bool look(const char *path, struct bake_events_seen *seen)
{
	struct stat now = {.st_ino = 0};
	bool there = stat(path, &now) == 0 && S_ISREG(now.st_mode);
	bool same =
		there == seen->there &&
		(!there || (now.st_ino == seen->file.st_ino && now.st_size == seen->file.st_size &&
				   now.st_mtim.tv_sec == seen->file.st_mtim.tv_sec &&
				   now.st_mtim.tv_nsec == seen->file.st_mtim.tv_nsec));

	seen->file = now;
	seen->there = there;
	return !same;
}

/* Whether a fetch that wrote nothing for a while was killed: then nobody has the lock beside its state.
 * The lock is let go at once, and not looked at while a fetch is likely. */
static bool is_abandoned(const char *path, const struct bake_events_seen *seen)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *lock = NULL;
	_cleanup_close_ int fd = -1;

	if (!seen->there || seen->file.st_mtim.tv_sec + SILENT_S > time(NULL))
		return false;
	if (asprintf(&lock, "%.*slock", slash ? (int)(slash + 1 - path) : 0, path) < 0)
		return false;
	fd = open(lock, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd < 0 ? errno == ENOENT : flock(fd, LOCK_SH | LOCK_NB) == 0;
}

static enum bake_status copy_member(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_json_writer *writer = out;

	(void)err;
	if (strcmp(value->key, "pid") == 0 || strcmp(value->key, "tasks") == 0 ||
		strcmp(value->key, "revision") == 0)
		return BAKE_OK;
	bake_json_key(writer, value->key);
	bake_scrub_value(writer, value);
	return BAKE_OK;
}

/* Of a fetch that has not ended yet, as it says. */
static bool is_active(const struct bake_json *root)
{
	static const char *const names[] = {"queued", "downloading", "verifying"};
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json state;
	const char *name;

	if (!bake_json_find(root, "state", &state) ||
		bake_json_string(&state, &name, &ignored) != BAKE_OK)
		return false;
	for (size_t i = 0; i < countof(names); i++) {
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* The members of state.json. What cannot be read is as if it were not there, and so is what a fetch
 * was at when it was killed. */
static void put_state(const char *path, bool abandoned, struct bake_json_writer *writer)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(STATE_BYTES_MAX);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json root;

	if (bake_file_read(path, &text, &ignored) == BAKE_OK &&
		bake_json_open_foreign(bake_buf_span(&text), "state", &doc, &ignored) == BAKE_OK) {
		root = bake_json_root(doc);
		if (bake_json_is_object(&root) && bake_json_count(&root) &&
			!(abandoned && is_active(&root))) {
			best_effort(
				(int)bake_json_each_member(&root, copy_member, writer, &ignored));
			return;
		}
	}
	bake_json_put_text(writer, "schema", "bake.state/1");
	bake_json_put_text(writer, "state", "idle");
	bake_json_key(writer, "models");
	bake_json_object_line(writer);
	bake_json_end_object(writer);
}

static void put_tasks(struct bake_site *site, struct bake_json_writer *writer)
{
	struct bake_task_view tasks[BAKE_JOBS_MAX];
	size_t count = bake_jobs_list(site->jobs, tasks);

	bake_json_key(writer, "tasks");
	bake_json_object_line(writer);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(tasks[i].id, BAKE_TASK_VERIFY) == 0)
			continue;
		bake_json_key(writer, tasks[i].id);
		bake_json_object_line(writer);
		bake_json_put_text(writer, "state", bake_task_state_name(tasks[i].state));
		if (tasks[i].state == BAKE_TASK_FAILED) {
			bake_json_put_u64(writer, "exit_code", (uint64_t)tasks[i].exit_code);
			if (tasks[i].error[0])
				bake_json_put_text(writer, "error", tasks[i].error);
		}
		bake_json_end_object(writer);
	}
	bake_json_end_object(writer);
}

static void publish(struct bake_site *site, const char *path, const struct bake_events_seen *seen)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(EVENT_BYTES_MAX);
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(&text);
	struct bake_error ignored = BAKE_ERROR_INIT;

	bake_buf_text(&text, "event: state\ndata: ");
	bake_json_object_line(&writer);
	put_state(path, seen->abandoned, &writer);
	put_tasks(site, &writer);
	bake_json_put_u64(&writer, "revision", seen->revision);
	bake_json_end_object(&writer);
	bake_buf_text(&text, "\n\n");
	if (bake_buf_status(&text, "event", &ignored) == BAKE_OK)
		bake_http_publish(site->http, bake_buf_span(&text));
}

void bake_events_tick(struct bake_site *site, struct bake_events_seen *seen, bool jobs_changed)
{
	_cleanup_free_ char *path = state_path(site->options);
	uint64_t revision = atomic_load(&site->revision);
	bool changed = jobs_changed || revision != seen->revision || !seen->told;

	if (!path)
		return;
	if (look(path, seen)) {
		seen->abandoned = false;
		changed = true;
	}
	if (!seen->abandoned && is_abandoned(path, seen))
		changed = seen->abandoned = true;
	seen->revision = revision;
	seen->told = true;
	if (changed)
		publish(site, path, seen);
}
