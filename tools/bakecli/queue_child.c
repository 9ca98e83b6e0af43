/* SPDX-License-Identifier: Apache-2.0 */
/* The bake-fetch that works for the queue, and what it tells. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bakecli/queue.h"
#include "base/cleanup.h"
#include "base/text.h"

enum {
	LINE_MAX_BYTES = 64 * 1024,
	READS_AT_ONCE = 64
};

static const char *text_of(const struct bake_json *object, const char *key)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	const char *text;

	return bake_json_find(object, key, &value) &&
			       bake_json_string(&value, &text, &ignored) == BAKE_OK
		       ? text
		       : "";
}

static uint64_t number_of(const struct bake_json *object, const char *key)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	uint64_t number;

	return bake_json_find(object, key, &value) &&
			       bake_json_u64(&value, INT64_MAX, &number, &ignored) == BAKE_OK
		       ? number
		       : 0;
}

static void set_text(char *to, size_t room, const char *text)
{
	(void)snprintf(to, room, "%s", BAKE_SHOW(text));
}

static void hear_model(struct bakecli_job *job, const struct bake_json *event)
{
	const char *state = text_of(event, "state");

	job->bytes = number_of(event, "bytes");
	job->total = number_of(event, "total");
	job->rate = number_of(event, "rate");
	job->eta = number_of(event, "eta");
	if (strcmp(state, "downloaded") == 0)
		job->state = BAKECLI_DONE;
	else if (strcmp(state, "failed") == 0)
		job->state = BAKECLI_FAILED;
	else
		return;
	job->rate = 0;
	set_text(job->message, sizeof(job->message),
		job->state == BAKECLI_FAILED ? text_of(event, "message") : "");
	job->in_child = job->state == BAKECLI_FAILED;
}

/* Of a job that was paused meanwhile nothing is heard any more. */
static void hear_line(struct bakecli_queue *queue, struct bake_span line)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json root;
	const char *event;

	if (bake_json_open(line, "events", &doc, &ignored) != BAKE_OK)
		return;
	root = bake_json_root(doc);
	event = text_of(&root, "event");
	if (strcmp(event, "end") == 0)
		set_text(queue->end, sizeof(queue->end), text_of(&root, "message"));
	if (strcmp(event, "model") != 0)
		return;
	for (size_t i = 0; i < queue->count; i++) {
		struct bakecli_job *job = &queue->jobs[i];
		enum bakecli_job_state before = job->state;

		if (!job->in_child || before != BAKECLI_RUNNING ||
			strcmp(job->id, text_of(&root, "model")) != 0)
			continue;
		hear_model(job, &root);
		if (job->state != before)
			bakecli_queue_write(queue);
	}
}

static void hear_bytes(struct bakecli_queue *queue, const char *bytes, size_t len)
{
	while (len) {
		const char *end = memchr(bytes, '\n', len);
		size_t part = end ? (size_t)(end - bytes) : len;

		bake_buf_add(&queue->line, bytes, part);
		if (!end)
			return;
		if (queue->line.len && !queue->line.full && !queue->line.nomem)
			hear_line(queue, bake_buf_span(&queue->line));
		bake_buf_clear(&queue->line);
		bytes += part + 1;
		len -= part + 1;
	}
}

/* How the child ended, for those of whom it has said nothing. */
static void settle(struct bakecli_queue *queue, int state)
{
	int code = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);

	for (size_t i = 0; i < queue->count; i++) {
		struct bakecli_job *job = &queue->jobs[i];

		job->in_child = false;
		job->rate = 0;
		if (job->state != BAKECLI_RUNNING)
			continue;
		if (queue->stopping) {
			job->state = BAKECLI_WAITING;
		} else if (code == 0) {
			job->state = BAKECLI_DONE;
			job->bytes = job->total;
		} else {
			job->state = BAKECLI_FAILED;
			if (queue->end[0])
				set_text(job->message, sizeof(job->message), queue->end);
			else
				(void)snprintf(job->message, sizeof(job->message),
					"bake-fetch ended with %d", code);
		}
	}
	queue->stopping = false;
	queue->child = 0;
	cleanup_close(&queue->events);
	queue->events = -1;
	bakecli_queue_write(queue);
}

void bakecli_queue_hear(struct bakecli_queue *queue)
{
	char bytes[16384];
	ssize_t got = -1;
	int state;

	if (!queue->child)
		return;
	for (int i = 0; i < READS_AT_ONCE; i++) {
		got = read(queue->events, bytes, sizeof(bytes));
		if (got <= 0)
			break;
		hear_bytes(queue, bytes, (size_t)got);
	}
	if (got == 0 && waitpid(queue->child, &state, 0) == queue->child)
		settle(queue, state);
}

/* Whether somebody who is not with the child will go on with a part. */
static bool others_wait(const struct bakecli_queue *queue)
{
	for (size_t i = 0; i < queue->count; i++) {
		if (!queue->jobs[i].in_child && queue->jobs[i].state != BAKECLI_DONE)
			return true;
	}
	return false;
}

static const struct bakecli_job *first_of(const struct bakecli_queue *queue)
{
	for (size_t i = 0; i < queue->count; i++) {
		if (queue->jobs[i].in_child)
			return &queue->jobs[i];
	}
	return NULL;
}

static void fail_all(struct bakecli_queue *queue, const struct bake_error *error)
{
	for (size_t i = 0; i < queue->count; i++) {
		if (!queue->jobs[i].in_child)
			continue;
		queue->jobs[i].in_child = false;
		queue->jobs[i].state = BAKECLI_FAILED;
		set_text(queue->jobs[i].message, sizeof(queue->jobs[i].message), error->message);
	}
}

void bakecli_queue_start(struct bakecli_queue *queue)
{
	const struct bakecli_job *first = first_of(queue);
	struct bakecli_fetching options = *queue->options;
	struct bake_error error = BAKE_ERROR_INIT;
	struct bakecli_words words = {.count = 0};
	char limit[32];

	if (!first)
		return;
	options.models_dir = first->models;
	(void)snprintf(limit, sizeof(limit), "%" PRIu64, queue->limit);
	bakecli_fetching_words(&words, &options, first->lock, queue->limit ? limit : NULL);
	bakecli_add(&words, "--keep-going");
	if (others_wait(queue))
		bakecli_add(&words, "--keep-parts");
	bakecli_add(&words, "--progress");
	bakecli_add(&words, "none");
	bakecli_add(&words, "--events");
	bakecli_add(&words, "-");
	bakecli_add(&words, "--");
	for (size_t i = 0; i < queue->count; i++) {
		if (queue->jobs[i].in_child)
			bakecli_add(&words, queue->jobs[i].id);
	}
	queue->end[0] = '\0';
	bake_buf_clear(&queue->line);
	queue->line.max = LINE_MAX_BYTES;
	if (bakecli_start(&words, BAKECLI_PIPE, &queue->child, &queue->events, &error) != BAKE_OK) {
		queue->child = 0;
		fail_all(queue, &error);
		return;
	}
	(void)fcntl(queue->events, F_SETFL, O_NONBLOCK);
	for (size_t i = 0; i < queue->count; i++) {
		if (queue->jobs[i].in_child)
			queue->jobs[i].state = BAKECLI_RUNNING;
	}
}

void bakecli_queue_stop(struct bakecli_queue *queue)
{
	if (!queue->child || queue->stopping)
		return;
	queue->stopping = true;
	(void)kill(queue->child, SIGTERM);
}
