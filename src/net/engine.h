/* SPDX-License-Identifier: Apache-2.0 */
/* What the transfer engine is made of. Inside net only. */
#ifndef NET_ENGINE_H
#define NET_ENGINE_H

#include "net/pace.h"
#include "net/stage.h"
#include "net/transfer.h"

enum {
	BAKE_STREAM_HEAD = 512, /* bytes that tell what an answer of the wrong size is */
};

/* One connection of one file: the part it has to bring, and how fast it does. */
struct bake_stream {
	struct bake_work *work;
	struct bake_exchange *exchange; /* NULL: idle */
	uint64_t next;			/* offset of the next byte expected */
	uint64_t end;			/* exclusive; UINT64_MAX while the size is not known */
	uint64_t asked_end;		/* exclusive end of the range that was asked for */
	bool whole;			/* a 200 answer: the file from its beginning */
	bool answered;			/* a good head has come */
	bool doomed;			/* to be cancelled: what it has left goes back */
	bool wrong_size;
	uint64_t received; /* of this exchange */
	uint64_t asked_us;
	uint64_t staged_us; /* since when something is staged */
	uint64_t born_us;   /* first request since it was last replaced */
	unsigned replaced;
	uint64_t last_speed; /* at the end of the last exchange, 0: not known */
	struct bake_meter meter;
	struct bake_stage stage; /* what has come and is not written yet: ends at next */
	uint8_t head[BAKE_STREAM_HEAD];
	size_t head_len;
};

/* A file that is being worked on. */
struct bake_work {
	struct bake_engine *engine;
	struct bake_transfer *transfer;
	struct bake_response response; /* of the last answer that failed */
	struct bake_extents todo;      /* what is neither there nor in a stream */
	uint64_t got;		       /* bytes of the file that are there */
	uint64_t mark;		       /* got at the last real progress */
	unsigned attempt;	       /* failures since then */
	uint64_t failed_us;	       /* when the last of them was counted */
	uint64_t shown;		       /* got as it was last told, */
	uint64_t shown_us;	       /* and when */
	uint64_t look_us;	       /* when speeds are compared again */
	unsigned forbidden;	       /* 403s from a signed URL */
	uint64_t wake_us;	       /* no request before */
	uint64_t busy_ms;	       /* since when another process has it, 0: it has not */
	uint64_t begun_ms;
	bool opened;
	bool begun_again; /* restarted from 0 after a mismatch */
	bool ranged;	  /* the source has answered a range with that range */
	bool unranged;	  /* it has not, and will not be asked in parts */
	bool spread;	  /* one connection alone is not fast enough */
	uint64_t first_byte_us;
	uint64_t watch_us;	  /* since when it is watched how much comes, */
	uint64_t watch_got;	  /* and got at that time */
	uint64_t latency_us;	  /* from a request to the first byte, smoothed */
	unsigned streams_max;	  /* what the server seems to allow */
	uint64_t streams_more_us; /* when one more is tried */
	struct bake_etag etag;	  /* of the present source, as its first answer said */
	bool changed;		  /* it changed once */
	unsigned stream_count;
	struct bake_stream streams[];
};

struct bake_engine {
	struct bake_http *http;
	const struct bake_transfer_options *options;
	struct bake_transfer *transfers;
	size_t count;
	size_t next;		  /* first one not begun */
	struct bake_work **works; /* those begun and not ended */
	size_t work_count;
	size_t works_room;
	struct bake_stages stages;
	uint64_t hold_us; /* no request before: the server asked for a pause */
	bool spread;	  /* a file was spread: the next one is at once */
	bool stopping;	  /* begin nothing more */
};

/* transfer.c: what a failure means for the file. */

/* The stream's exchange failed; what it had left is in work->todo again. */
void bake_work_failed(
	struct bake_work *work, const struct bake_stream *stream, const struct bake_error *error);

/* Ends a file for good. */
void bake_work_give_up(struct bake_work *work, const struct bake_error *error);

/* Everything written is void. */
enum bake_status bake_work_restart(struct bake_work *work, struct bake_error *err) BAKE_CHECKED;

void bake_work_emit(const struct bake_work *work, enum bake_event_kind kind,
	const struct bake_error *error, uint64_t wait_ms);

/* stream.c: one exchange. */

/* Asks for the stream's range. */
void bake_stream_start(struct bake_stream *stream);

/* Writes what waits for the rest of its megabyte for a second already: a slow link must not keep in
 * memory what a crash would lose. */
enum bake_status bake_stream_settle(
	struct bake_stream *stream, uint64_t now_us, struct bake_error *err) BAKE_CHECKED;

/* Cancels what is under way. What came is written; the rest goes back into work->todo. */
void bake_stream_cancel(struct bake_stream *stream);

/* schedule.c: who brings what. */

/* Bytes from first on, below end, are to be brought. */
void bake_work_want(struct bake_work *work, uint64_t first, uint64_t end);

/* Gives idle streams something to do, has slow ones replaced. */
void bake_work_schedule(struct bake_work *work, uint64_t now_us);

unsigned bake_work_busy(const struct bake_work *work);

/* Cancels all streams. */
void bake_work_halt(struct bake_work *work);

#endif
