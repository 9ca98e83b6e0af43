/* SPDX-License-Identifier: Apache-2.0 */
/* What an open sink is made of. Inside fs only. */
#ifndef FS_SINK_INNER_H
#define FS_SINK_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "digest/hasher.h"
#include "fs/journal.h"
#include "fs/sink.h"

struct bake_sink_inner {
	struct bake_job job; /* hashes behind the frontier; publishes once finishing */
	struct bake_crew *crew;
	struct bake_sink *sink;
	bake_sink_vet_fn *vet;
	const void *vet_context;
	bool behind; /* hashing is the job's, not the writer's */
	struct bake_hasher hasher;
	_Atomic uint64_t hashed; /* [0, hashed) is in the hasher */
	_Atomic uint64_t ready;	 /* the frontier as the job may see it */
	_Atomic bool halt;	 /* the job is to end soon */
	_Atomic bool finishing;	 /* every byte is written: publish */
	_Atomic bool ended;	 /* the job has nothing left to do: error says how it went */
	bool published;
	struct bake_error error;
	pthread_mutex_t lock;	 /* of all below */
	struct bake_loan *loans; /* what can be hashed from memory, in order */
	size_t loan_count;
	struct bake_extents ahead; /* written behind gaps */
	int journal;		   /* -1: none yet */
	bool mute;		   /* the journal cannot be written and is gone */
	struct bake_journal_record record;
	uint64_t synced; /* hashed bytes at the last sync */
	uint64_t synced_ms;
};

/* The part's name, and its journal's. */
const char *bake_sink_part(const struct bake_sink *sink, char name[BAKE_PART_NAME_MAX]);
const char *bake_sink_journal(const struct bake_sink *sink, char name[BAKE_PART_NAME_MAX]);
#define PART(sink)    bake_sink_part((sink), (char[BAKE_PART_NAME_MAX]){0})
#define JOURNAL(sink) bake_sink_journal((sink), (char[BAKE_PART_NAME_MAX]){0})

/* Whether the final name is free or holds a regular file, which a rename may replace. */
enum bake_status bake_sink_check_destination(
	int parent, const struct bake_sink *sink, struct bake_error *err) BAKE_CHECKED;

/* The journal that an earlier run left for the part of that many bytes: takes over what it says is
 * there. The part is emptied when nothing is known of it. */
enum bake_status bake_sink_recall(
	struct bake_sink *sink, const struct bake_sink_target *target, struct bake_error *err);

/* Removes what an earlier run left for the same place under another digest, with a notice. */
void bake_sink_drop_former(const struct bake_sink *sink, const struct bake_sink_target *target);

/* Records what is there. Failures only mean that more comes again after a crash. The lock is
 * held. */
void bake_sink_record(struct bake_sink *sink);

/* Hashes what is written and not hashed yet, until told to halt. */
enum bake_status bake_sink_catch_up(struct bake_sink *sink, struct bake_error *err) BAKE_CHECKED;

/* Gives all loans back. */
void bake_sink_give_back(struct bake_sink_inner *inner);

/* Compares, syncs, renames. */
enum bake_status bake_sink_publish(struct bake_sink *sink, struct bake_error *err) BAKE_CHECKED;

/* The job. */
void bake_sink_follow(struct bake_job *job);

#endif
