/* SPDX-License-Identifier: Apache-2.0 */
/* What long operations tell while they run. Libraries emit, tools render. */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum bake_event_kind {
	BAKE_EVENT_PLAN,     /* total bytes and count of files ahead; name is NULL */
	BAKE_EVENT_QUEUED,   /* name is to be brought, and waits for its turn */
	BAKE_EVENT_START,    /* work on name begins; done bytes are already there (a resume) */
	BAKE_EVENT_PROGRESS, /* done of total bytes of name */
	BAKE_EVENT_VERIFY,   /* the last byte of name is there, its digest is awaited */
	BAKE_EVENT_RETRY,    /* name failed with error and is tried again after wait_ms */
	BAKE_EVENT_DONE,     /* name is there and verified; note says how */
	BAKE_EVENT_FAIL,     /* name failed for good with error */
	BAKE_EVENT_NOTICE,   /* note is worth a line: a part dropped, a lock waited for */
	BAKE_EVENT_WARNING,  /* note is worth a warning */
	BAKE_EVENT_TICK,     /* nothing happened; time passes */
};

struct bake_event {
	enum bake_event_kind kind;
	const char *name; /* path below the models directory, or a description */
	const char *note;
	uint64_t done;
	uint64_t total;
	size_t count;
	uint64_t wait_ms;
	const struct bake_error *error;
};

/* Where events go. emit may be NULL. It is called by one thread at a time. */
struct bake_events {
	void (*emit)(void *context, const struct bake_event *event);
	void *context;
};

static inline void bake_emit(const struct bake_events *events, const struct bake_event *event)
{
	if (events && events->emit)
		events->emit(events->context, event);
}

void bake_emit_plan(const struct bake_events *events, size_t count, uint64_t total);

/* QUEUED, START, PROGRESS or VERIFY: done of total bytes of name. */
void bake_emit_bytes(const struct bake_events *events, enum bake_event_kind kind, const char *name,
	uint64_t done, uint64_t total);

/* note: how it came to be there, e.g. "fetched". */
void bake_emit_done(
	const struct bake_events *events, const char *name, const char *note, uint64_t total);

void bake_emit_fail(
	const struct bake_events *events, const char *name, const struct bake_error *error);

/* Emits a NOTICE or WARNING made from a format. */
void bake_emitf(const struct bake_events *events, enum bake_event_kind kind, const char *format,
	...) BAKE_PRINTF(3, 4);

#endif
