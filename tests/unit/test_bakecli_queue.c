/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of the menu: what a file may say, and what becomes of its jobs. */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bakecli/queue.h"
#include "unit/scratch.h"

#define QUEUE(jobs) "{\"schema\": \"bake.queue/1\", \"bandwidth_limit\": 5, \"jobs\": [" jobs "]}"
#define JOB(id, state)                                                                             \
	"{\"model\": \"" id "\", \"lock\": \"/l\", \"models\": \"/m\", \"state\": \"" state        \
	"\", \"bytes\": 1, \"total\": 2}"

static const struct bakecli_fetching options = {.models_dir = "/m"};

/* A state directory, and a queue that keeps its file there. */
struct desk {
	char path[SCRATCH_PATH];
	int dir;
	struct bakecli_queue queue;
	struct bake_error err;
};

static void desk_open(struct desk *desk)
{
	memset(desk, 0, sizeof(*desk));
	desk->dir = scratch_open(desk->path);
	assert_int_equal(setenv("BAKE_STATE_DIR", desk->path, 1), 0);
}

static enum bake_status desk_read(struct desk *desk)
{
	return bakecli_queue_open(&desk->queue, &options, &desk->err);
}

static void desk_close(struct desk *desk)
{
	bakecli_queue_close(&desk->queue);
	(void)close(desk->dir);
}

#define DESK                                                                                       \
	_cleanup_(desk_close) struct desk desk;                                                    \
	desk_open(&desk)

/* A desk whose queue has the jobs a, b and c. */
#define BUSY_DESK                                                                                  \
	DESK;                                                                                      \
	check_status(desk_read(&desk), &desk.err, BAKE_OK, NULL);                                  \
	for (const char *id = "abc"; *id; id++)                                                    \
	assert_true(bakecli_queue_add(&desk.queue, "/l", (const char[]){*id, '\0'}, 10))

/* The ids in their order. */
static void check_order(const struct bakecli_queue *queue, const char *want)
{
	assert_int_equal(queue->count, strlen(want));
	for (size_t i = 0; i < queue->count; i++)
		assert_int_equal(queue->jobs[i].id[0], want[i]);
}

static const struct file_row {
	const char *name;
	const char *text;
	const char *error; /* NULL: it is read */
	size_t jobs;
} files[] = {
	{"empty queue", QUEUE(""), NULL, 0},
	{"each state",
		QUEUE(JOB("a", "waiting") "," JOB("b", "running") "," JOB("c", "paused") "," JOB(
			"d", "done") "," JOB("e", "failed")),
		NULL, 5},
	{"numbers that are not there",
		QUEUE("{\"model\": \"a\", \"lock\": \"/l\", \"models\": \"/m\", \"state\": "
		      "\"done\"}"),
		NULL, 1},
	{"nothing", "", "json.syntax", 0},
	{"torn",
		"{\"schema\": \"bake.queue/1\", \"bandwidth_limit\": 5, \"jobs\": [" JOB(
			"a", "waiting") ", {\"mod",
		"json.syntax", 0},
	{"no object", "[]", "json.missing-field", 0},
	{"of nobody", "{\"jobs\": []}", "json.missing-field", 0},
	{"of another program", "{\"schema\": \"other/1\", \"jobs\": []}", "json.value", 0},
	{"of a later version", "{\"schema\": \"bake.queue/2\", \"jobs\": []}", "json.value", 0},
	{"no jobs", "{\"schema\": \"bake.queue/1\"}", "json.missing-field", 0},
	{"jobs of another type", "{\"schema\": \"bake.queue/1\", \"jobs\": {}}", "json.type", 0},
	{"a job of another type", QUEUE(JOB("a", "done") ", 5"), "json.missing-field", 0},
	{"a job without a lock", QUEUE("{\"model\": \"a\", \"models\": \"/m\"}"),
		"json.missing-field", 0},
	{"a lock that is an option",
		QUEUE("{\"model\": \"a\", \"lock\": \"--x\", \"models\": \"/m\", \"state\": "
		      "\"done\"}"),
		"json.value", 0},
	{"models somewhere else",
		QUEUE("{\"model\": \"a\", \"lock\": \"/l\", \"models\": \"m\", \"state\": "
		      "\"done\"}"),
		"json.value", 0},
	{"a model without a name", QUEUE(JOB("", "done")), "json.text", 0},
	{"a zero in a name", QUEUE(JOB("a\\u0000b", "done")), "json.syntax", 0},
	{"an unknown state", QUEUE(JOB("a", "done") "," JOB("b", "sleeping")), "json.value", 0},
	{"a number below zero",
		"{\"schema\": \"bake.queue/1\", \"bandwidth_limit\": -1, \"jobs\": []}",
		"json.range", 0},
};

static void try_file(void **state)
{
	const struct file_row *row = *state;

	DESK;
	scratch_text(desk.dir, "queue.json", row->text);
	check_status(desk_read(&desk), &desk.err, row->error ? BAKE_ERR_DATA : BAKE_OK, row->error);
	assert_int_equal(desk.queue.count, row->jobs);
	assert_int_equal(desk.queue.limit, row->error ? 0 : 5);
	assert_int_equal(bakecli_queue_count(&desk.queue, BAKECLI_RUNNING), 0);
	/* Nothing is lost that we could not read. */
	assert_int_equal(scratch_says(desk.dir, "queue.json.damaged", row->text), row->error != 0);
	assert_int_equal(scratch_has(desk.dir, "queue.json"), row->error == 0);
}

static void too_many(void)
{
	struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 20);

	DESK;
	bake_buf_text(&text, "{\"schema\": \"bake.queue/1\", \"jobs\": [");
	for (int i = 0; i <= BAKECLI_JOBS_MAX; i++)
		bake_buf_text(&text, i ? "," JOB("a", "done") : JOB("a", "done"));
	bake_buf_text(&text, "]}");
	scratch_write(desk.dir, "queue.json", text.ptr, text.len);
	bake_buf_release(&text);
	check_status(desk_read(&desk), &desk.err, BAKE_ERR_DATA, "data.too-large");
	assert_int_equal(desk.queue.count, 0);
	for (int i = 0; i <= BAKECLI_JOBS_MAX; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "m%d", i);
		assert_int_equal(bakecli_queue_add(&desk.queue, "/l", id, 1), i < BAKECLI_JOBS_MAX);
	}
}

static void too_long(void)
{
	static char text[5 << 20];

	DESK;
	memset(text, ' ', sizeof(text));
	scratch_write(desk.dir, "queue.json", text, sizeof(text));
	check_status(desk_read(&desk), &desk.err, BAKE_ERR_DATA, "data.too-large");
	assert_true(scratch_has(desk.dir, "queue.json.damaged"));
}

static void fifo(void)
{
	DESK;
	assert_int_equal(mkfifoat(desk.dir, "queue.json", 0600), 0);
	check_status(desk_read(&desk), &desk.err, BAKE_ERR_CANTCREATE, "path.type");
	assert_true(bakecli_queue_add(&desk.queue, "/l", "a", 1));
	assert_true(scratch_has(desk.dir, "queue.json"));
}

/* Who only looks neither moves the file nor writes it. */
static void taken(void)
{
	char lock[SCRATCH_PATH + 16];
	int guard;

	DESK;
	scratch_text(desk.dir, "queue.json", "{");
	(void)snprintf(lock, sizeof(lock), "%s/queue.lock", desk.path);
	scratch_text(desk.dir, "queue.lock", "");
	guard = open(lock, O_RDWR | O_CLOEXEC);
	assert_true(guard >= 0 && flock(guard, LOCK_EX | LOCK_NB) == 0);
	check_status(desk_read(&desk), &desk.err, BAKE_ERR_DATA, "json.syntax");
	assert_true(desk.queue.taken);
	assert_false(bakecli_queue_add(&desk.queue, "/l", "a", 1));
	bakecli_queue_limit(&desk.queue, 7);
	assert_int_equal(desk.queue.limit, 0);
	assert_true(scratch_says(desk.dir, "queue.json", "{"));
	assert_false(scratch_has(desk.dir, "queue.json.damaged"));
	(void)close(guard);
}

static void moves(void)
{
	BUSY_DESK;
	assert_int_equal(bakecli_queue_move(&desk.queue, 0, true), 0);
	assert_int_equal(bakecli_queue_move(&desk.queue, 2, false), 2);
	assert_int_equal(bakecli_queue_move(&desk.queue, 3, true), 3);
	assert_int_equal(bakecli_queue_move(&desk.queue, SIZE_MAX, false), SIZE_MAX);
	check_order(&desk.queue, "abc");
	assert_int_equal(bakecli_queue_move(&desk.queue, 2, true), 1);
	check_order(&desk.queue, "acb");
	assert_int_equal(bakecli_queue_move(&desk.queue, 0, false), 1);
	check_order(&desk.queue, "cab");
}

static void pauses(void)
{
	BUSY_DESK;
	bakecli_queue_pause(&desk.queue, 1);
	assert_int_equal(desk.queue.jobs[1].state, BAKECLI_PAUSED);
	bakecli_queue_pause(&desk.queue, 1);
	assert_int_equal(desk.queue.jobs[1].state, BAKECLI_WAITING);
	desk.queue.jobs[0].state = BAKECLI_DONE;
	bakecli_queue_pause(&desk.queue, 0);
	assert_int_equal(desk.queue.jobs[0].state, BAKECLI_DONE);
	desk.queue.jobs[2].state = BAKECLI_FAILED;
	(void)snprintf(desk.queue.jobs[2].message, sizeof(desk.queue.jobs[2].message), "no");
	bakecli_queue_pause(&desk.queue, 2);
	assert_int_equal(desk.queue.jobs[2].state, BAKECLI_WAITING);
	assert_string_equal(desk.queue.jobs[2].message, "");
	bakecli_queue_pause(&desk.queue, 3);
	bakecli_queue_pause(&desk.queue, SIZE_MAX);
}

static void cancels(void)
{
	BUSY_DESK;
	bakecli_queue_cancel(&desk.queue, 3);
	bakecli_queue_cancel(&desk.queue, SIZE_MAX);
	check_order(&desk.queue, "abc");
	bakecli_queue_cancel(&desk.queue, 1);
	check_order(&desk.queue, "ac");
	desk.queue.jobs[0].state = BAKECLI_DONE;
	bakecli_queue_clear_done(&desk.queue);
	check_order(&desk.queue, "c");
	bakecli_queue_cancel(&desk.queue, 0);
	check_order(&desk.queue, "");
}

/* One that is there goes on: it does not stand there twice. */
static void joins_again(void)
{
	BUSY_DESK;
	bakecli_queue_pause(&desk.queue, 1);
	assert_true(bakecli_queue_add(&desk.queue, "/l", "b", 77));
	check_order(&desk.queue, "abc");
	assert_int_equal(desk.queue.jobs[1].state, BAKECLI_WAITING);
	assert_int_equal(desk.queue.jobs[1].total, 77);
	assert_true(bakecli_queue_add(&desk.queue, "/other", "b", 1));
	check_order(&desk.queue, "abcb");
}

/* What the next menu finds: the order, the states, the limit; who ran waits. */
static void comes_back(void)
{
	BUSY_DESK;
	(void)bakecli_queue_move(&desk.queue, 0, false);
	bakecli_queue_pause(&desk.queue, 2);
	bakecli_queue_limit(&desk.queue, 1000);
	desk.queue.jobs[0].state = BAKECLI_RUNNING;
	bakecli_queue_close(&desk.queue);
	check_status(desk_read(&desk), &desk.err, BAKE_OK, NULL);
	check_order(&desk.queue, "bac");
	assert_int_equal(desk.queue.limit, 1000);
	assert_int_equal(desk.queue.jobs[0].state, BAKECLI_WAITING);
	assert_int_equal(desk.queue.jobs[2].state, BAKECLI_PAUSED);
	assert_string_equal(desk.queue.jobs[0].lock, "/l");
	assert_int_equal(desk.queue.jobs[0].total, 10);
}

static const struct scenario scenarios[] = {
	{"too many jobs", too_many},
	{"too long a file", too_long},
	{"a FIFO", fifo},
	{"another menu's", taken},
	{"moved up and down", moves},
	{"paused, and on", pauses},
	{"cancelled", cancels},
	{"joins again", joins_again},
	{"comes back", comes_back},
};

int main(void)
{
	const struct rows tables[] = {ROWS(files, try_file), ROWS(scenarios, play_scenario)};

	return run_rows("bakecli_queue", tables, countof(tables));
}
