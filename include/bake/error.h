/* SPDX-License-Identifier: Apache-2.0 */
/* Failures as values: a status that is also the exit code, a stable id, and a story. */
#ifndef BAKE_ERROR_H
#define BAKE_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the installed library exports; everything else of it is hidden. */
#define BAKE_API __attribute__((visibility("default")))

/*
 * What went wrong, coarse. The value of each failure is minus the exit code every tool ends with,
 * so there is one table (see bake_status_info) and no second mapping. The numbers follow
 * <sysexits.h> where it has a word for the case.
 */
enum bake_status {
	BAKE_OK = 0,
	BAKE_ERR_INTEGRITY = -20,   /* size, digest, extra or changed file */
	BAKE_ERR_SIGNATURE = -21,   /* signature missing, bad or by another key */
	BAKE_ERR_POLICY = -22,	    /* refused: http, private address, secret in a URL, ... */
	BAKE_ERR_NOSPACE = -23,	    /* the file system, or the GPU asked about, cannot hold it */
	BAKE_ERR_PARTIAL = -24,	    /* optional parts failed, the rest is there */
	BAKE_ERR_USAGE = -64,	    /* the command line */
	BAKE_ERR_DATA = -65,	    /* malformed manifest, lock, index, model, path */
	BAKE_ERR_NOINPUT = -66,	    /* a named local file is absent, or there is nothing to do */
	BAKE_ERR_UNAVAILABLE = -69, /* the server does not have it */
	BAKE_ERR_INTERNAL = -70,    /* a bug here */
	BAKE_ERR_RESOURCES = -71,   /* memory or descriptors */
	BAKE_ERR_CANTCREATE = -73,  /* the destination is of the wrong kind */
	BAKE_ERR_IO = -74,	    /* read, write or sync failed */
	BAKE_ERR_TEMPORARY = -75,   /* trying again later may help */
	BAKE_ERR_PROTOCOL = -76,    /* TLS, or a server that does not keep to HTTP */
	BAKE_ERR_PERMISSION = -77,  /* 401, 403, EACCES */
	BAKE_ERR_CONFIG = -78,	    /* stale lock, pin conflict, unknown schema version */
	BAKE_ERR_INTERRUPTED = -130 /* SIGINT or SIGTERM; tools end by the signal */
};

/*
 * The story of one failure. Caller-allocated, fixed size, never heap: reporting a failure cannot
 * fail. A function that succeeds leaves it untouched. Its size is fixed for as long as the shared
 * library's name is; callers that cannot declare it use bake_runtime_error_new.
 */
struct bake_error {
	enum bake_status status;
	int sys_errno;	   /* 0 when no system call failed */
	uint32_t detail;   /* HTTP status, or line of a document; 0 when there is none */
	bool transient;	   /* worth another attempt; decided where the failure is seen */
	const char *id;	   /* stable, e.g. "net.short"; static storage, NULL until set */
	char message[640]; /* one line, outermost context first, printable ASCII or UTF-8 */
	char hint[240];	   /* one line saying what to do, or empty */
};

#ifdef __cplusplus
#define BAKE_ERROR_INIT (bake_error())
#else
#define BAKE_ERROR_INIT ((struct bake_error){.status = BAKE_OK})
#endif

/* One row of the table of statuses, for --help-exit-codes and the manual. */
struct bake_status_info {
	enum bake_status status;
	const char *name;  /* one word */
	const char *text;  /* what it means */
	const char *retry; /* does running again help: "no", "yes", "after ..." */
};

/* The table, ordered by exit code. *out_count receives the number of rows. */
BAKE_API const struct bake_status_info *bake_status_table(unsigned *out_count);

/* The exit code for a status: 0, or the positive code of the table. */
BAKE_API int bake_exit_code(enum bake_status status);

#ifdef __cplusplus
}
#endif

#endif
