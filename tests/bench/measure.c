/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a command and writes what it took, as one line of JSON. A small program of its own, because
 * Linux counts the memory of whoever calls exec towards the peak of the command.
 *
 *   measure OUTPUT COMMAND [ARGUMENT...] */
#include <inttypes.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static uint64_t now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t to_us(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* The command ends with us: whoever stops us stops it. */
static _Noreturn void become(char **command)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)execvp(command[0], command);
	perror(command[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct rusage used = {0};
	uint64_t began = now_us();
	uint64_t took;
	FILE *out;
	pid_t pid;
	int status = 0;

	if (argc < 3) {
		(void)fputs("usage: measure OUTPUT COMMAND [ARGUMENT...]\n", stderr);
		return 64;
	}
	pid = fork();
	if (pid == 0)
		become(argv + 2);
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid)
		return 71;
	took = now_us() - began;
	out = fopen(argv[1], "we");
	if (!out)
		return 73;
	(void)fprintf(out,
		"{\"wall_us\": %" PRIu64 ", \"user_us\": %" PRIu64 ", \"system_us\": %" PRIu64
		", \"rss_kib\": %ld, \"exit\": %d}\n",
		took, to_us(used.ru_utime), to_us(used.ru_stime), used.ru_maxrss,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return fclose(out) == 0 ? 0 : 74;
}
