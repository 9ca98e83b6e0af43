/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogcli/fetching.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"

#define PROGRAM "bake-fetch"

enum {
	PATH_ROOM = 4096
};

static enum bake_status check_locked(const struct bake_recommend_plan *plan, struct bake_error *err)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct bake_catalog_entry *entry = plan->items[i].entry;

		if (plan->items[i].verdict != BAKE_RECOMMEND_IN || entry->locked)
			continue;
		bake_error_set(err, BAKE_ERR_CONFIG, "catalog.unlocked",
			"%s has no pins that answer its manifest", entry->key);
		return bake_error_hint(err, "bake-lock %s pins it",
			entry->source->manifest_path ? BAKE_SHOW(entry->source->manifest_path)
						     : "MANIFEST");
	}
	return BAKE_OK;
}

/* Anything but yes is no. */
static bool is_yes(void)
{
	char answer[16] = "";

	if (!fgets(answer, sizeof(answer), stdin))
		return false;
	answer[strcspn(answer, "\n")] = '\0';
	return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

static enum bake_status ask(
	const struct bake_recommend_plan *plan, bool yes, bool *out_wanted, struct bake_error *err)
{
	*out_wanted = yes;
	if (yes)
		return BAKE_OK;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		bake_error_set(err, BAKE_ERR_USAGE, "catalog.unconfirmed",
			"nobody is there to say whether to fetch %s", BAKE_BYTES(plan->bytes));
		return bake_error_hint(err, "--yes fetches without asking");
	}
	(void)fflush(stdout);
	(void)fprintf(stderr, "Fetch %zu model%s, %s? [y/N] ", plan->chosen,
		plan->chosen == 1 ? "" : "s", BAKE_BYTES(plan->bytes));
	(void)fflush(stderr); /* it is written by lines */
	*out_wanted = is_yes();
	return BAKE_OK;
}

/* The bake-fetch beside this program, else the one that $PATH finds. */
static void find_program(char *out, size_t room)
{
	ssize_t len = readlink("/proc/self/exe", out, room - sizeof(PROGRAM));
	char *slash;

	if (len > 0) {
		out[len] = '\0';
		slash = strrchr(out, '/');
		if (slash) {
			memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
			if (access(out, X_OK) == 0)
				return;
		}
	}
	memcpy(out, PROGRAM, sizeof(PROGRAM));
}

static enum bake_status status_of(int code)
{
	unsigned count;
	const struct bake_status_info *table = bake_status_table(&count);

	for (unsigned i = 0; i < count; i++) {
		if (table[i].status != BAKE_OK && bake_exit_code(table[i].status) == code)
			return table[i].status;
	}
	return BAKE_ERR_INTERNAL;
}

/* Its standard output is ours to write the plan to: it gets standard error. */
static int start(char **argv, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all;
	int failed = posix_spawn_file_actions_init(&actions);

	if (failed)
		return failed;
	failed = posix_spawnattr_init(&attributes);
	if (failed) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return failed;
	}
	(void)sigfillset(&all);
	failed = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	if (!failed)
		failed = posix_spawnattr_setsigdefault(&attributes, &all);
	if (!failed)
		failed = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	if (!failed)
		failed = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return failed;
}

static enum bake_status run_program(char **argv, struct bake_error *err)
{
	pid_t pid;
	int state = 0;
	int failed = start(argv, &pid);

	if (failed)
		return bake_error_errno(err, failed, "cannot run %s", BAKE_SHOW(argv[0]));
	while (waitpid(pid, &state, 0) < 0) {
		if (errno != EINTR)
			return bake_error_errno(err, errno, "cannot wait for " PROGRAM);
	}
	if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
		return BAKE_OK;
	if (WIFSIGNALED(state))
		return bake_error_set(err, BAKE_ERR_INTERRUPTED, "interrupted",
			PROGRAM " was ended by signal %d", WTERMSIG(state));
	return bake_error_set(err, status_of(WEXITSTATUS(state)), "catalog.fetch",
		PROGRAM " ended with %d", WEXITSTATUS(state));
}

/* Arguments of a program: copies, because they are no constants to it. */
struct arguments {
	char **items; /* NULL-ended */
	size_t count;
	bool nomem;
};

static void add_argument(struct arguments *arguments, const char *text)
{
	char *copy = strdup(text);

	if (copy)
		arguments->items[arguments->count++] = copy;
	else
		arguments->nomem = true;
}

static void release_arguments(struct arguments *arguments)
{
	for (size_t i = 0; i < arguments->count; i++)
		free(arguments->items[i]);
	free(arguments->items);
}

/* All that was chosen of one lock. */
static enum bake_status fetch_source(const struct bake_recommend_plan *plan,
	const struct bake_catalog_source *source, const char *models_dir, struct bake_error *err)
{
	char program[PATH_ROOM];
	const char *const fixed[] = {
		program, "--lock", source->lock_path, "--models", models_dir, "--"};
	_cleanup_(release_arguments) struct arguments arguments = {
		.items = calloc(plan->count + countof(fixed) + 1, sizeof(char *))};

	if (!arguments.items)
		return bake_error_nomem(err);
	find_program(program, sizeof(program));
	for (size_t i = 0; i < countof(fixed); i++)
		add_argument(&arguments, fixed[i]);
	for (size_t i = 0; i < plan->count; i++) {
		if (plan->items[i].verdict == BAKE_RECOMMEND_IN &&
			plan->items[i].entry->source == source)
			add_argument(&arguments, plan->items[i].entry->id);
	}
	return arguments.nomem ? bake_error_nomem(err) : run_program(arguments.items, err);
}

/* Whether an earlier item was of the same lock: then it was fetched with it. */
static bool is_done(const struct bake_recommend_plan *plan, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (plan->items[i].verdict == BAKE_RECOMMEND_IN &&
			plan->items[i].entry->source == plan->items[at].entry->source)
			return true;
	}
	return false;
}

enum bake_status catalogcli_fetch(const struct bake_recommend_plan *plan, const char *models_dir,
	bool yes, bool *out_done, struct bake_error *err)
{
	*out_done = false;
	if (plan->chosen == 0)
		return BAKE_OK;
	BAKE_TRY(check_locked(plan, err));
	BAKE_TRY(ask(plan, yes, out_done, err));
	for (size_t i = 0; i < plan->count && *out_done; i++) {
		if (plan->items[i].verdict == BAKE_RECOMMEND_IN && !is_done(plan, i))
			BAKE_TRY(fetch_source(plan, plan->items[i].entry->source, models_dir, err));
	}
	return BAKE_OK;
}
