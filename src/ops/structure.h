/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are files what their names say, and complete together? GGUF and safetensors headers, shard
 * indexes, split GGUF files, the components of a diffusers pipeline. Only headers are read, so that
 * it costs the same whatever the size of the weights; nothing is changed.
 */
#ifndef OPS_STRUCTURE_H
#define OPS_STRUCTURE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/relpath.h"

struct bake_pickle_policy;

struct bake_structure_file {
	/* In: */
	const char *name;	  /* path by which a loader knows it; "/" between components */
	struct bake_relpath path; /* where its bytes are, beneath root */
	uint64_t size;
	bool readable; /* else it is known to be wrong: nothing is said about it, or for lack of it */
	bool silent;   /* is only there for the others: what it is by itself is not asked */
	size_t tag;    /* the caller's */
	/* Out: */
	bool checked; /* something was there to check */
	bool covered; /* checked together with others */
};

enum bake_finding_level {
	BAKE_FINDING_NOTE,
	BAKE_FINDING_WARNING,
	BAKE_FINDING_ERROR
};

/* "note", "warning", "error". */
const char *bake_finding_level_name(enum bake_finding_level level);

struct bake_finding {
	enum bake_finding_level level;
	const struct bake_structure_file *file;
	struct bake_error error; /* of a warning or note only message counts */
};

enum {
	/* More findings say nothing new. */
	BAKE_FINDINGS_MAX = 4096
};

struct bake_structure {
	/* In: */
	int root;
	struct bake_structure_file *files; /* is sorted by name */
	size_t file_count;
	unsigned jobs; /* 0: one per processor */
	bool selected; /* the files are those that somebody chose: what a pipeline lacks was left out
			  on purpose, and is a note */
	bool scan_values; /* read all tensors, for what is no number */
	const struct bake_pickle_policy
		*pickles; /* NULL: files that execute code are not looked for */
	/* Out: */
	struct bake_arena arena;
	struct bake_finding **findings; /* by name of the file, then in the order they were found */
	size_t finding_count;
	size_t finding_room;
	size_t dropped; /* findings past the ceiling */
	size_t checked; /* files */
	pthread_mutex_t lock;
};

/* Fails only when it cannot go on (BAKE_ERR_INTERRUPTED, memory). Whatever happened, what it made
 * is the caller's to release. */
enum bake_status bake_structure_check(
	struct bake_structure *structure, struct bake_error *err) BAKE_CHECKED;
void bake_structure_release(struct bake_structure *structure);

#endif
