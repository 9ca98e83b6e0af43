/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
	TALK_MAX = 16 * 1024, /* of standard error: the last line is what counts */
	WAIT_STEP_US = 10000,
	KILL_MS = 10000, /* from a cancellation to SIGKILL: a fetch ends within two seconds */
	UNKNOWN_STATUS = 255 << 8 /* as of a program that ends with 255 */
};

struct task {
	struct bake_task_view view;
	char *arguments[BAKE_JOB_ARGUMENTS_MAX];
	bool cancelled;
	uint64_t kill_ms; /* 0: nobody asked it to end */
	struct bake_buf output;
	struct bake_buf talk;
};

struct bake_jobs {
	pthread_mutex_t lock;
	struct task *tasks[BAKE_JOBS_MAX]; /* the oldest first */
	size_t count;
	uint64_t number;
	struct task *running;
	pid_t pid;
	int output_fd;
	int talk_fd;
	bool changed;
};

const char *bake_task_state_name(enum bake_task_state state)
{
	static const char *const names[] = {
		[BAKE_TASK_QUEUED] = "queued",
		[BAKE_TASK_RUNNING] = "running",
		[BAKE_TASK_DONE] = "done",
		[BAKE_TASK_FAILED] = "failed",
		[BAKE_TASK_CANCELLED] = "cancelled",
	};

	return names[state];
}

static void free_task(struct task *task)
{
	for (size_t i = 0; i < BAKE_JOB_ARGUMENTS_MAX; i++)
		free(task->arguments[i]);
	bake_buf_release(&task->output);
	bake_buf_release(&task->talk);
	free(task);
}

enum bake_status bake_jobs_new(struct bake_jobs **out, struct bake_error *err)
{
	struct bake_jobs *jobs = calloc(1, sizeof(*jobs));

	if (!jobs)
		return bake_error_nomem(err);
	(void)pthread_mutex_init(&jobs->lock, NULL);
	jobs->output_fd = jobs->talk_fd = -1;
	*out = jobs;
	return BAKE_OK;
}

static bool is_over(const struct task *task)
{
	return task->view.state != BAKE_TASK_QUEUED && task->view.state != BAKE_TASK_RUNNING;
}

static void remove_at(struct bake_jobs *jobs, size_t at)
{
	free_task(jobs->tasks[at]);
	jobs->count--;
	memmove(&jobs->tasks[at], &jobs->tasks[at + 1], (jobs->count - at) * sizeof(*jobs->tasks));
}

static struct task *find(struct bake_jobs *jobs, const char *id, size_t *out_at)
{
	for (size_t i = jobs->count; i-- > 0;) {
		*out_at = i;
		if (strcmp(jobs->tasks[i]->view.id, id) == 0)
			return jobs->tasks[i];
	}
	return NULL;
}

/* The oldest that is over makes room. */
static bool make_room(struct bake_jobs *jobs)
{
	for (size_t i = 0; i < jobs->count && jobs->count == BAKE_JOBS_MAX; i++) {
		if (is_over(jobs->tasks[i]))
			remove_at(jobs, i);
	}
	return jobs->count < BAKE_JOBS_MAX;
}

static struct task *new_task(const char *id, const char *const *arguments)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	memcpy(task->view.id, id, strlen(id) + 1);
	task->output = (struct bake_buf)BAKE_BUF_INIT(BAKE_JOB_OUTPUT_MAX);
	task->talk = (struct bake_buf)BAKE_BUF_INIT(TALK_MAX);
	for (size_t i = 0; arguments[i]; i++) {
		task->arguments[i] = i + 1 < BAKE_JOB_ARGUMENTS_MAX ? strdup(arguments[i]) : NULL;
		if (!task->arguments[i]) {
			free_task(task);
			return NULL;
		}
	}
	return task;
}

static enum bake_jobs_answer add(
	struct bake_jobs *jobs, const char *id, const char *const *arguments)
{
	size_t at;
	struct task *task = find(jobs, id, &at);

	if (task && !is_over(task))
		return BAKE_JOBS_ALREADY;
	if (task)
		remove_at(jobs, at);
	if (!make_room(jobs) || strlen(id) >= BAKE_JOB_ID_MAX)
		return BAKE_JOBS_FULL;
	task = new_task(id, arguments);
	if (!task)
		return BAKE_JOBS_FULL;
	task->view.number = ++jobs->number;
	jobs->tasks[jobs->count++] = task;
	jobs->changed = true;
	return BAKE_JOBS_ACCEPTED;
}

enum bake_jobs_answer bake_jobs_add(
	struct bake_jobs *jobs, const char *id, const char *const *arguments)
{
	enum bake_jobs_answer answer;

	(void)pthread_mutex_lock(&jobs->lock);
	answer = add(jobs, id, arguments);
	(void)pthread_mutex_unlock(&jobs->lock);
	return answer;
}

bool bake_jobs_cancel(struct bake_jobs *jobs, const char *id)
{
	struct task *task;
	size_t at;
	bool found;

	(void)pthread_mutex_lock(&jobs->lock);
	task = find(jobs, id, &at);
	found = task && !is_over(task);
	if (found) {
		jobs->changed = true;
		task->cancelled = true;
		if (task->view.state == BAKE_TASK_QUEUED)
			task->view.state = BAKE_TASK_CANCELLED;
		else if (!task->kill_ms && kill(jobs->pid, SIGTERM) == 0)
			task->kill_ms = bake_clock_ms() + KILL_MS;
	}
	(void)pthread_mutex_unlock(&jobs->lock);
	return found;
}

/* Signals as a program expects to find them, whatever they are here. */
static void set_signals(posix_spawnattr_t *attributes)
{
	static const int defaults[] = {SIGINT, SIGTERM, SIGPIPE, SIGXFSZ, SIGCHLD};
	sigset_t set;

	(void)sigemptyset(&set);
	(void)posix_spawnattr_setsigmask(attributes, &set);
	for (size_t i = 0; i < countof(defaults); i++)
		(void)sigaddset(&set, defaults[i]);
	(void)posix_spawnattr_setsigdefault(attributes, &set);
	(void)posix_spawnattr_setpgroup(attributes, 0);
	(void)posix_spawnattr_setflags(
		attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
}

static int spawn(struct task *task, int output, int talk, pid_t *out_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int failed;

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawnattr_init(&attributes);
	(void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	(void)posix_spawn_file_actions_adddup2(&actions, output, 1);
	(void)posix_spawn_file_actions_adddup2(&actions, talk, 2);
	set_signals(&attributes);
	failed = posix_spawn(
		out_pid, task->arguments[0], &actions, &attributes, task->arguments, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static void finish(struct bake_jobs *jobs, enum bake_task_state state, int exit_code)
{
	jobs->running->view.state = state;
	jobs->running->view.exit_code = exit_code;
	jobs->running->view.end_time = (int64_t)time(NULL);
	jobs->running = NULL;
	jobs->changed = true;
}

static void fail(struct bake_jobs *jobs, int exit_code, const char *id)
{
	struct task *task = jobs->running;

	(void)snprintf(task->view.error, sizeof(task->view.error), "%s", id);
	finish(jobs, BAKE_TASK_FAILED, exit_code);
}

static void start(struct bake_jobs *jobs, struct task *task)
{
	_cleanup_close_ int output_end = -1;
	_cleanup_close_ int talk_end = -1;
	int output[2];
	int talk[2];
	int failed;

	jobs->running = task;
	task->view.state = BAKE_TASK_RUNNING;
	jobs->changed = true;
	if (pipe2(output, O_CLOEXEC) != 0) {
		fail(jobs, bake_exit_code(BAKE_ERR_RESOURCES), "memory.exhausted");
		return;
	}
	output_end = output[1];
	jobs->output_fd = output[0];
	if (pipe2(talk, O_CLOEXEC) != 0) {
		best_effort(close(steal_fd(&jobs->output_fd)));
		fail(jobs, bake_exit_code(BAKE_ERR_RESOURCES), "memory.exhausted");
		return;
	}
	talk_end = talk[1];
	jobs->talk_fd = talk[0];
	best_effort(fcntl(output[0], F_SETFL, O_NONBLOCK));
	best_effort(fcntl(talk[0], F_SETFL, O_NONBLOCK));
	failed = spawn(task, output_end, talk_end, &jobs->pid);
	if (failed) {
		best_effort(close(steal_fd(&jobs->output_fd)));
		best_effort(close(steal_fd(&jobs->talk_fd)));
		fail(jobs, bake_exit_code(BAKE_ERR_NOINPUT), "fs.not-found");
	}
}

/* What is beyond the ceiling is read and thrown away: the writer must not be held up. */
static void drain(int fd, struct bake_buf *into)
{
	char piece[4096];
	ssize_t got;

	while (fd >= 0 && (got = read(fd, piece, sizeof(piece))) > 0) {
		if (into->len + (size_t)got < into->max)
			bake_buf_add(into, piece, (size_t)got);
	}
}

/* "bake-fetch: error[net.stalled]: ...": the id. */
static void read_error(const struct bake_buf *talk, char *out, size_t room)
{
	const char *begin = talk->len ? strstr(talk->ptr, ": error[") : NULL;
	size_t len = 0;

	out[0] = '\0';
	if (!begin)
		return;
	begin += strlen(": error[");
	while (len + 1 < room &&
		((begin[len] >= 'a' && begin[len] <= 'z') || begin[len] == '.' ||
			begin[len] == '-' || (begin[len] >= '0' && begin[len] <= '9')))
		len++;
	if (begin[len] != ']')
		return;
	memcpy(out, begin, len);
	out[len] = '\0';
}

static void end_running(struct bake_jobs *jobs, int status)
{
	struct task *task = jobs->running;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

	drain(jobs->output_fd, &task->output);
	drain(jobs->talk_fd, &task->talk);
	best_effort(close(steal_fd(&jobs->output_fd)));
	best_effort(close(steal_fd(&jobs->talk_fd)));
	read_error(&task->talk, task->view.error, sizeof(task->view.error));
	if (task->cancelled && code != 0)
		finish(jobs, BAKE_TASK_CANCELLED, code);
	else
		finish(jobs, code == 0 ? BAKE_TASK_DONE : BAKE_TASK_FAILED, code);
}

static void reap(struct bake_jobs *jobs)
{
	int status;
	pid_t pid;

	drain(jobs->output_fd, &jobs->running->output);
	drain(jobs->talk_fd, &jobs->running->talk);
	if (jobs->running->kill_ms && bake_clock_ms() > jobs->running->kill_ms)
		best_effort(kill(jobs->pid, SIGKILL));
	pid = waitpid(jobs->pid, &status, WNOHANG);
	if (pid == jobs->pid)
		end_running(jobs, status);
	else if (pid < 0 && errno == ECHILD) /* somebody else has waited for it */
		end_running(jobs, UNKNOWN_STATUS);
}

bool bake_jobs_tick(struct bake_jobs *jobs)
{
	bool changed;

	(void)pthread_mutex_lock(&jobs->lock);
	if (jobs->running)
		reap(jobs);
	for (size_t i = 0; i < jobs->count && !jobs->running; i++) {
		if (jobs->tasks[i]->view.state == BAKE_TASK_QUEUED)
			start(jobs, jobs->tasks[i]);
	}
	changed = jobs->changed;
	jobs->changed = false;
	(void)pthread_mutex_unlock(&jobs->lock);
	return changed;
}

size_t bake_jobs_list(struct bake_jobs *jobs, struct bake_task_view out[BAKE_JOBS_MAX])
{
	size_t count;

	(void)pthread_mutex_lock(&jobs->lock);
	count = jobs->count;
	for (size_t i = 0; i < count; i++)
		out[i] = jobs->tasks[i]->view;
	(void)pthread_mutex_unlock(&jobs->lock);
	return count;
}

bool bake_jobs_output(struct bake_jobs *jobs, const char *id, struct bake_buf *out)
{
	struct task *task;
	size_t at;
	bool found;

	(void)pthread_mutex_lock(&jobs->lock);
	task = find(jobs, id, &at);
	found = task && is_over(task) && task->output.len;
	if (found)
		bake_buf_add(out, task->output.ptr, task->output.len);
	(void)pthread_mutex_unlock(&jobs->lock);
	return found;
}

void bake_jobs_free(struct bake_jobs **pointer, unsigned grace_ms)
{
	struct bake_jobs *jobs = *pointer;
	uint64_t end_ms = bake_clock_ms() + grace_ms;

	if (!jobs)
		return;
	for (size_t i = 0; i < jobs->count; i++)
		(void)bake_jobs_cancel(jobs, jobs->tasks[i]->view.id);
	while (jobs->running) {
		if (bake_clock_ms() >= end_ms)
			best_effort(kill(jobs->pid, SIGKILL));
		reap(jobs);
		best_effort(usleep(WAIT_STEP_US));
	}
	while (jobs->count)
		remove_at(jobs, jobs->count - 1);
	(void)pthread_mutex_destroy(&jobs->lock);
	free(jobs);
	*pointer = NULL;
}
