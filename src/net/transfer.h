/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transfer engine: brings the bytes of many files from their sources to their targets, several
 * files at a time and several connections per file, retrying what is worth it, resuming where the
 * target says, never trusting a length or a range that a server claims.
 *
 * A file is what is left of it: ranges that nobody has yet. Connections take parts of them from the
 * front, as large as they are fast; when nothing is left, an idle one takes half of what the
 * slowest still has to bring.
 */
#ifndef NET_TRANSFER_H
#define NET_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/event.h"
#include "base/extents.h"
#include "base/loan.h"
#include "base/span.h"
#include "net/http.h"

enum {
	BAKE_CONNECTIONS_MAX = 64 /* of one file */
};

/* Where the bytes of one file go. Called from the engine's thread only. */
struct bake_transfer_target {
	void *context;
	/* Called before the first request. *out_have: the ranges that are there already. Fails with
	 * BAKE_ERR_TEMPORARY lock.held while another process has the file: then it is called again
	 * until options->busy_timeout_ms have passed. */
	enum bake_status (*open)(
		void *context, struct bake_extents *out_have, struct bake_error *err);
	/* bytes of the file at offset: in order with one connection, in any order with several. */
	enum bake_status (*write)(
		void *context, uint64_t offset, struct bake_span bytes, struct bake_error *err);
	/* The same for loan's bytes. *out_kept: it is given back later. NULL: there is no use for
	 * loans. */
	enum bake_status (*lend)(
		void *context, struct bake_loan *loan, bool *out_kept, struct bake_error *err);
	/* All that was written is void. */
	enum bake_status (*restart)(void *context, struct bake_error *err);
	/* Every byte has been written: check and publish. Called again until *out_done, so that it
	 * need not wait. After BAKE_ERR_INTEGRITY the engine may call reopen and begin again. */
	enum bake_status (*finish)(void *context, bool *out_done, struct bake_error *err);
	enum bake_status (*reopen)(void *context, struct bake_error *err);
	/* Given up or stopped: keep what is worth keeping. Not called after a successful finish. */
	void (*close)(void *context);
};

enum bake_transfer_state {
	BAKE_TRANSFER_WAITING,
	BAKE_TRANSFER_BUSY,	 /* another process has the file */
	BAKE_TRANSFER_ACTIVE,	 /* bytes come, or are asked for again after a pause */
	BAKE_TRANSFER_FINISHING, /* all have come; the target checks and publishes */
	BAKE_TRANSFER_DONE,
	BAKE_TRANSFER_FAILED,
	BAKE_TRANSFER_STOPPED, /* not finished because another one failed or a signal came */
};

struct bake_work;

struct bake_transfer {
	/* Set by the caller: */
	const char *name;	 /* for events and messages */
	const char *const *urls; /* in the order they are tried */
	size_t url_count;
	bool has_size;
	uint64_t size; /* bytes that must come */
	struct bake_transfer_target target;
	/* Set by the engine: */
	enum bake_transfer_state state;
	struct bake_error error; /* of a FAILED one */
	const struct bake_response
		*response; /* of the answer that failed, while explain is called */
	uint64_t resumed;  /* bytes that were there */
	uint64_t received; /* bytes that came over the network, wasted ones included */
	uint64_t ms;	   /* from its beginning to its end */
	unsigned retries;
	unsigned connections;	/* most at a time */
	size_t url;		/* the source it came from, or failed at */
	struct bake_work *work; /* while it runs */
};

struct bake_transfer_options {
	unsigned max_concurrent;  /* files at a time */
	unsigned connections;	  /* of one file at a time; 1: bytes come in order */
	unsigned retries;	  /* attempts without progress after the first */
	bool keep_going;	  /* a failure does not stop the others */
	uint64_t busy_timeout_ms; /* how long to wait for a file another process works on */
	const struct bake_events *events;
	/* May say more about a failure than the engine knows; may be NULL. */
	void (*explain)(
		void *context, const struct bake_transfer *transfer, struct bake_error *err);
	void *explain_context;
	/* Tells what bytes that cannot be the file are ("an HTML page"), NULL when it cannot; sets
	 * *out_hint. May be NULL. */
	const char *(*recognise)(struct bake_span bytes, const char **out_hint);
};

/*
 * Runs all to their end. BAKE_OK when all are DONE; else the error that decides the exit code, with
 * the name of its file in front. Each transfer's own state and error are set in any case.
 */
enum bake_status bake_transfer_run(struct bake_http *http, struct bake_transfer *transfers,
	size_t count, const struct bake_transfer_options *options,
	struct bake_error *err) BAKE_CHECKED;

#endif
