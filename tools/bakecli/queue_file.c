/* SPDX-License-Identifier: Apache-2.0 */
/* The queue on the disk: queue.json in the state directory, replaced at once. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakecli/queue.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/main.h"
#include "fs/file.h"

enum {
	QUEUE_BYTES_MAX = 4 * 1024 * 1024
};

static const char *variable(const char *name)
{
	const char *value = getenv(name);

	return value && value[0] ? value : NULL;
}

/* NULL: there is no place for it. */
static char *find_dir(void)
{
	char *dir = NULL;
	int len = -1;

	if (variable("BAKE_STATE_DIR"))
		len = asprintf(&dir, "%s", variable("BAKE_STATE_DIR"));
	else if (variable("XDG_STATE_HOME"))
		len = asprintf(&dir, "%s/bake", variable("XDG_STATE_HOME"));
	else if (variable("HOME"))
		len = asprintf(&dir, "%s/.local/state/bake", variable("HOME"));
	return len < 0 ? NULL : dir;
}

/* Private, as the XDG specification wants the state directory to be made. */
static void make_dirs(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		best_effort(mkdir(path, 0700));
		*slash = '/';
	}
	best_effort(mkdir(path, 0700));
}

static char *beside(const struct bakecli_queue *queue, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", queue->dir, name) < 0 ? NULL : path;
}

static enum bake_status read_text(
	const struct bake_json *object, const char *key, const char **out, struct bake_error *err)
{
	struct bake_json value;

	if (!bake_json_find(object, key, &value))
		return bake_json_error(object, "json.missing-field", err, "has no \"%s\"", key);
	return bake_json_string(&value, out, err);
}

static enum bake_status read_number(
	const struct bake_json *object, const char *key, uint64_t *out, struct bake_error *err)
{
	struct bake_json value;

	*out = 0;
	return bake_json_find(object, key, &value) ? bake_json_u64(&value, INT64_MAX, out, err)
						   : BAKE_OK;
}

/* A path that means the same wherever the menu is started. */
static enum bake_status read_path(
	const struct bake_json *object, const char *key, const char **out, struct bake_error *err)
{
	BAKE_TRY(read_text(object, key, out, err));
	if ((*out)[0] != '/')
		return bake_json_error(
			object, "json.value", err, "\"%s\" is not an absolute path", key);
	return BAKE_OK;
}

/* What ran when the file was written waits now. */
static enum bake_status read_state(
	const struct bake_json *object, enum bakecli_job_state *out, struct bake_error *err)
{
	const char *state = "";

	BAKE_TRY(read_text(object, "state", &state, err));
	for (int i = 0; i <= BAKECLI_FAILED; i++) {
		if (strcmp(bakecli_job_state_name((enum bakecli_job_state)i), state) != 0)
			continue;
		*out = i == BAKECLI_RUNNING ? BAKECLI_WAITING : (enum bakecli_job_state)i;
		return BAKE_OK;
	}
	return bake_json_error(object, "json.value", err, "'%s' is no state", BAKE_SHOW(state));
}

static enum bake_status read_job(const struct bake_json *value, void *out, struct bake_error *err)
{
	enum bakecli_job_state state = BAKECLI_WAITING;
	struct bakecli_queue *queue = out;
	struct bakecli_job *job;
	const char *lock = "";
	const char *models = "";
	const char *id = "";

	BAKE_TRY(read_text(value, "model", &id, err));
	BAKE_TRY(read_path(value, "lock", &lock, err));
	BAKE_TRY(read_path(value, "models", &models, err));
	BAKE_TRY(read_state(value, &state, err));
	if (id[0] == '\0')
		return bake_json_error(value, "json.text", err, "\"model\" is empty");
	job = bakecli_queue_append(queue, lock, models, id);
	if (!job)
		return bake_json_error(value, "data.too-large", err, "is one job too many");
	job->state = state;
	BAKE_TRY(read_number(value, "bytes", &job->bytes, err));
	return read_number(value, "total", &job->total, err);
}

static enum bake_status parse(struct bakecli_queue *queue, struct bake_span text, const char *path,
	struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	const char *schema = "";
	struct bake_json root;
	struct bake_json jobs;

	BAKE_TRY(bake_json_open(text, path, &doc, err));
	root = bake_json_root(doc);
	BAKE_TRY(read_text(&root, "schema", &schema, err));
	if (strcmp(schema, BAKECLI_QUEUE_SCHEMA) != 0)
		return bake_json_error(&root, "json.value", err, "'%s' is not %s",
			BAKE_SHOW(schema), BAKECLI_QUEUE_SCHEMA);
	BAKE_TRY(read_number(&root, "bandwidth_limit", &queue->limit, err));
	if (!bake_json_find(&root, "jobs", &jobs))
		return bake_json_error(&root, "json.missing-field", err, "has no \"jobs\"");
	return bake_json_each_element(&jobs, read_job, queue, err);
}

static enum bake_status read_file(
	struct bakecli_queue *queue, const char *path, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(QUEUE_BYTES_MAX);
	/* A FIFO of that name must not make us wait. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return BAKE_OK; /* none yet */
	if (fd < 0 || fstat(fd, &st) != 0)
		return bake_error_errno(err, errno, "queue '%s'", BAKE_SHOW(path));
	if (!S_ISREG(st.st_mode))
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.type",
			"queue '%s' is not a regular file", BAKE_SHOW(path));
	BAKE_TRY(bake_file_read_fd(fd, path, &text, err));
	return parse(queue, bake_buf_span(&text), path, err);
}

/* Whatever cannot be read is put aside: the next write would replace it. But not by a menu that
 * only looks at another one's queue. */
enum bake_status bakecli_queue_read(struct bakecli_queue *queue, struct bake_error *err)
{
	_cleanup_free_ char *path = beside(queue, "queue.json");
	_cleanup_free_ char *aside = beside(queue, "queue.json.damaged");

	if (!path || !aside)
		return bake_error_nomem(err);
	if (read_file(queue, path, err) == BAKE_OK)
		return BAKE_OK;
	bakecli_queue_drop_all(queue);
	queue->limit = 0;
	if (queue->taken)
		return err->status;
	(void)rename(path, aside);
	return bake_error_wrap(err, "the queue was put aside");
}

static void put_job(struct bake_json_writer *writer, const struct bakecli_job *job)
{
	bake_json_object_line(writer);
	bake_json_put_text(writer, "model", job->id);
	bake_json_put_text(writer, "lock", job->lock);
	bake_json_put_text(writer, "models", job->models);
	bake_json_put_text(writer, "state", bakecli_job_state_name(job->state));
	bake_json_put_u64(writer, "bytes", job->bytes);
	bake_json_put_u64(writer, "total", job->total);
	bake_json_end_object(writer);
}

void bakecli_queue_write(struct bakecli_queue *queue)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(QUEUE_BYTES_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	struct bake_error ignored = BAKE_ERROR_INIT;
	_cleanup_free_ char *path = NULL;

	if (!queue->dir || queue->taken)
		return;
	bake_json_object(&writer);
	bake_json_put_text(&writer, "schema", BAKECLI_QUEUE_SCHEMA);
	bake_json_put_u64(&writer, "bandwidth_limit", queue->limit);
	bake_json_key(&writer, "jobs");
	bake_json_array(&writer);
	for (size_t i = 0; i < queue->count; i++)
		put_job(&writer, &queue->jobs[i]);
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	path = beside(queue, "queue.json");
	if (path && bake_buf_status(&text, "the queue", &ignored) == BAKE_OK)
		best_effort(bake_file_replace_path(path, bake_buf_span(&text), -1, &ignored));
}

enum bake_status bakecli_queue_open(
	struct bakecli_queue *queue, const struct bakecli_fetching *options, struct bake_error *err)
{
	_cleanup_free_ char *guard = NULL;

	*queue = (struct bakecli_queue){.options = options, .guard = -1, .events = -1};
	queue->dir = find_dir();
	if (!queue->dir)
		return BAKE_OK;
	make_dirs(queue->dir);
	guard = beside(queue, "queue.lock");
	if (!guard)
		return bake_error_nomem(err);
	queue->guard = open(guard, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (queue->guard < 0) {
		bake_error_errno(err, errno, "queue '%s'", BAKE_SHOW(guard));
		free(queue->dir);
		queue->dir = NULL;
		return err->status;
	}
	queue->taken = flock(queue->guard, LOCK_EX | LOCK_NB) != 0;
	return bakecli_queue_read(queue, err);
}
