/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stop.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* Lock-free, so that a handler may set it; atomic, because every thread looks at it. */
static atomic_int stop_signal;

_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a signal handler sets it");

static void on_signal(int signal)
{
	stop_signal = signal;
}

void bake_stop_install(void)
{
	struct sigaction catch_once = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	(void)sigemptyset(&catch_once.sa_mask);
	(void)sigaction(SIGINT, &catch_once, NULL);
	(void)sigaction(SIGTERM, &catch_once, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGXFSZ, &ignore, NULL);
}

int bake_stop_signal(void)
{
	return stop_signal;
}

int bake_stop_exit_code(enum bake_status status)
{
	if (status == BAKE_ERR_INTERRUPTED && stop_signal)
		return 128 + stop_signal;
	return bake_exit_code(status);
}

enum bake_status bake_stop_check(struct bake_error *err)
{
	if (!stop_signal)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_INTERRUPTED, "interrupted", "stopped by %s",
		stop_signal == SIGINT ? "SIGINT" : "SIGTERM");
}
