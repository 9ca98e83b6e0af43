/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The transfer engine: brings the bytes of many files from their sources to their targets, several
 * files at a time, retrying what is worth it, resuming where the target says, never trusting a
 * length or a range that a server claims.
 *
 * A file is fetched in segments, each by one exchange; today a file is one segment that begins at
 * the target's frontier.
 */
#ifndef NET_TRANSFER_H
#define NET_TRANSFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/event.h"
#include "base/span.h"
#include "net/http.h"

/* Where the bytes of one file go. Called from the engine's thread only. */
struct bake_transfer_target {
	void *context;
	/* Called before the first request. *out_offset: bytes that are there already. Fails with
	 * BAKE_ERR_TEMPORARY lock.held while another process has the file: then it is called again
	 * until options->busy_timeout_ms have passed. */
	enum bake_status (*open)(void *context, uint64_t *out_offset, struct bake_error *err);
	/* bytes of the file at offset. */
	enum bake_status (*write)(
		void *context, uint64_t offset, struct bake_span bytes, struct bake_error *err);
	/* All that was written is void; the next write is at 0. */
	enum bake_status (*restart)(void *context, struct bake_error *err);
	/* Every byte has been written: check and publish. After BAKE_ERR_INTEGRITY the engine may
	 * call reopen and begin again at 0. */
	enum bake_status (*finish)(void *context, struct bake_error *err);
	enum bake_status (*reopen)(void *context, struct bake_error *err);
	/* Given up or stopped: keep what is worth keeping. Not called after a successful finish. */
	void (*close)(void *context);
};

enum bake_transfer_state {
	BAKE_TRANSFER_WAITING,
	BAKE_TRANSFER_ACTIVE,  /* an exchange is under way */
	BAKE_TRANSFER_RESTING, /* until the next attempt */
	BAKE_TRANSFER_DONE,
	BAKE_TRANSFER_FAILED,
	BAKE_TRANSFER_STOPPED, /* not finished because another one failed or a signal came */
};

struct bake_segment {
	uint64_t next; /* offset of the next byte expected */
	uint64_t end;  /* exclusive; UINT64_MAX while the size is not known */
	struct bake_exchange *exchange;
};

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
	uint64_t resumed;	 /* bytes that were there */
	uint64_t received;	 /* bytes that came over the network, wasted ones included */
	unsigned retries;
	/* The engine's own: */
	struct bake_segment segment;
	struct bake_response response; /* of the last attempt */
	size_t url;
	unsigned attempt; /* failures since the last real progress */
	uint64_t mark;	  /* offset of the last real progress */
	uint64_t wake_ms; /* when a RESTING one goes on */
	uint64_t busy_ms; /* since when another process has it, 0: it has not */
	bool opened;
	bool begun_again;   /* restarted from 0 after a mismatch */
	unsigned forbidden; /* 403s from a signed URL */
	uint8_t head[512];  /* first bytes of an answer of the wrong size, to tell what it is */
	size_t head_len;
	bool wrong_size;
	void *engine;
};

struct bake_transfer_options {
	unsigned max_concurrent;  /* files at a time */
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
