/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program whose wall clock jumps, while its monotonic clock goes on. Only for the tests.
 *
 *     clockjump PROGRAM [ARGUMENT...]
 *
 * Each look at the clock finds it elsewhere: hours behind, years ahead. The program is traced; it
 * is kept from finding the vDSO, where clocks are read without a system call.
 */
#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	THREADS_MAX = 256
};

static const int64_t jumps[] = {0, -7200, 86400, -86400, 315360000, -3600, 31536000, -946684800};
static size_t looks;

/* A system call that a thread is in. */
static struct entered {
	pid_t thread;
	uint64_t number;
	uint64_t args[2];
} entered[THREADS_MAX];

static struct entered *of(pid_t thread)
{
	for (size_t i = 0; i < THREADS_MAX; i++) {
		if (entered[i].thread == thread || entered[i].thread == 0) {
			entered[i].thread = thread;
			return &entered[i];
		}
	}
	return &entered[0];
}

static uint64_t peek(pid_t thread, uint64_t address)
{
	errno = 0;
	return (uint64_t)ptrace(PTRACE_PEEKDATA, thread, (void *)(uintptr_t)address, NULL);
}

static void poke(pid_t thread, uint64_t address, uint64_t value)
{
	(void)ptrace(PTRACE_POKEDATA, thread, (void *)(uintptr_t)address, (void *)(uintptr_t)value);
}

/* Walks a list of pointers on the stack to behind its end. */
static uint64_t behind_list(pid_t thread, uint64_t at)
{
	while (peek(thread, at) != 0)
		at += 8;
	return at + 8;
}

/* After an exec: the stack holds the count of arguments, these, the environment, and then the
 * pairs of which one says where the vDSO is. */
static void hide_vdso(pid_t thread)
{
	struct __ptrace_syscall_info info;
	uint64_t at;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof(info), &info) <= 0)
		return;
	at = behind_list(thread, behind_list(thread, info.stack_pointer + 8));
	for (; peek(thread, at) != AT_NULL; at += 16) {
		if (peek(thread, at) == AT_SYSINFO_EHDR)
			poke(thread, at, AT_IGNORE);
	}
}

static bool is_wall_clock(const struct entered *call)
{
	return (call->number == SYS_clock_gettime &&
		       (call->args[0] == CLOCK_REALTIME ||
			       call->args[0] == CLOCK_REALTIME_COARSE)) ||
#ifdef SYS_time
	       call->number == SYS_time ||
#endif
	       call->number == SYS_gettimeofday;
}

/* At the end of a system call that told the time: another one. */
static void jump(pid_t thread, const struct entered *call)
{
	int64_t change = jumps[looks++ % (sizeof(jumps) / sizeof(jumps[0]))];
	uint64_t where = call->number == SYS_gettimeofday ? call->args[0] : call->args[1];

#ifdef __x86_64__
	if (call->number == SYS_time) {
		void *result = (void *)offsetof(struct user, regs.rax);
		long now = ptrace(PTRACE_PEEKUSER, thread, result, NULL);

		(void)ptrace(PTRACE_POKEUSER, thread, result, (void *)(now + change));
		return;
	}
#endif
	poke(thread, where, peek(thread, where) + (uint64_t)change);
}

static void at_syscall(pid_t thread)
{
	struct __ptrace_syscall_info info;
	struct entered *call = of(thread);

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		call->number = info.entry.nr;
		call->args[0] = info.entry.args[0];
		call->args[1] = info.entry.args[1];
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && !info.exit.is_error &&
		   is_wall_clock(call)) {
		jump(thread, call);
	}
}

/* What a thread stopped for; returns the signal it is to have. */
static int handle(pid_t thread, int status)
{
	int number = WSTOPSIG(status);

	if (number == (SIGTRAP | 0x80)) {
		at_syscall(thread);
		return 0;
	}
	if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXEC << 8)) {
		hide_vdso(thread);
		return 0;
	}
	if (status >> 16 != 0 || number == SIGSTOP || number == SIGTRAP)
		return 0;
	return number;
}

static int trace(pid_t child)
{
	int status;
	pid_t thread;

	(void)waitpid(child, &status, 0);
	(void)ptrace(PTRACE_SETOPTIONS, child, NULL,
		(void *)(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE |
			 PTRACE_O_EXITKILL));
	(void)ptrace(PTRACE_SYSCALL, child, NULL, NULL);
	while ((thread = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			int number = handle(thread, status);

			(void)ptrace(
				PTRACE_SYSCALL, thread, NULL, (void *)(uintptr_t)(unsigned)number);
		} else if (thread == child) {
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
	}
	return 1;
}

int main(int argc, char **argv)
{
	pid_t child;

	if (argc < 2) {
		(void)fprintf(stderr, "usage: clockjump PROGRAM [ARGUMENT...]\n");
		return 64;
	}
	child = fork();
	if (child == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		(void)execvp(argv[1], argv + 1);
		return 127;
	}
	return trace(child);
}
