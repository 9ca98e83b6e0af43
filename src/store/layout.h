/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a models directory is laid out: a mapping from a file of a lock to where its bytes are, and
 * to the links and small texts around them by which a Hub client knows what it has.
 *
 *   plain     DIR/PATH, and nothing else.
 *   hf-local  the same; beside each model's files .cache/huggingface/, as `hf download --local-dir`
 *             leaves it.
 *   hf-cache  models--ORG--NAME/{blobs,snapshots,refs,trees}, as $HF_HUB_CACHE has it.
 *
 * Nothing here touches a file system: see store/arrange.h.
 */
#ifndef STORE_LAYOUT_H
#define STORE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/relpath.h"
#include "digest/digest.h"

enum bake_layout {
	BAKE_LAYOUT_PLAIN = 0,
	BAKE_LAYOUT_HF_LOCAL,
	BAKE_LAYOUT_HF_CACHE,
};

/* "plain", "hf-local", "hf-cache", NULL: indexed by enum bake_layout. */
extern const char *const bake_layout_names[];

/* A file as a lock has it. */
struct bake_layout_file {
	const char *repository; /* "org/name" or "name"; NULL: not of the Hub */
	const char *commit;	/* 40 hex digits */
	const char *path;	/* beneath the models directory, in the layout plain */
	const char *name;	/* in the repository */
	uint64_t size;
	const struct bake_digest *sha256;
	const struct bake_digest *git_sha1; /* kind NONE for LFS files */
};

struct bake_layout_place {
	struct bake_relpath bytes; /* the regular file: what is fetched and verified */
	const char *shown;	   /* what is opened by name: the link to it, or the same */
	bool known;		   /* whether the client finds it there by its name */
};

/*
 * Where the file goes; text lives in arena. BAKE_ERR_CONFIG layout.source for what hf-cache has no
 * place for, path.unsafe or path.too-long for what the file system has none for.
 */
enum bake_status bake_layout_place(enum bake_layout layout, const struct bake_layout_file *file,
	struct bake_arena *arena, struct bake_layout_place *out,
	struct bake_error *err) BAKE_CHECKED;

enum bake_layout_kind {
	BAKE_LAYOUT_TEXT = 1,
	BAKE_LAYOUT_TIMED, /* text, and behind it the time of another file */
	BAKE_LAYOUT_LINK,  /* text is where it leads to */
};

/* What is found by what: a snapshot is announced when all of it is there. */
enum bake_layout_turn {
	BAKE_LAYOUT_FILES = 0,
	BAKE_LAYOUT_TREES,
	BAKE_LAYOUT_REFS,
	BAKE_LAYOUT_TURNS,
};

struct bake_layout_entry {
	enum bake_layout_kind kind;
	enum bake_layout_turn turn;
	struct bake_relpath path; /* beneath the models directory */
	const char *text;
	struct bake_relpath of; /* TIMED: whose time */
};

/* All that surrounds a set of files. Caller's storage; release it whatever happened. */
struct bake_layout_plan {
	enum bake_layout layout;
	struct bake_arena arena; /* owns the text */
	struct bake_layout_entry *entries;
	size_t count;
	size_t room;
};

#define BAKE_LAYOUT_PLAN_INIT(which)                                                               \
	{                                                                                          \
		.layout = (which), .arena = BAKE_ARENA_INIT((size_t)1 << 30)                       \
	}

/* Adds the entries of one file. */
enum bake_status bake_layout_add_file(struct bake_layout_plan *plan,
	const struct bake_layout_file *file, struct bake_error *err) BAKE_CHECKED;

/*
 * Adds what says of files, all of one commit and all there, that they are a snapshot: the ref of
 * the revision they were asked for by, when it is another word than the commit; and, when complete
 * says that the commit has no other files, the listing from which the client concludes the same.
 */
enum bake_status bake_layout_add_snapshot(struct bake_layout_plan *plan,
	const struct bake_layout_file *files, size_t count, const char *revision, bool complete,
	struct bake_error *err) BAKE_CHECKED;

/*
 * Brings the entries into order and drops repetitions. BAKE_ERR_CONFIG pin.conflict when one path
 * is to say two things, path.collision when they and the count places cannot be in one tree.
 */
enum bake_status bake_layout_settle(struct bake_layout_plan *plan,
	const struct bake_relpath *places, size_t count, struct bake_error *err) BAKE_CHECKED;

void bake_layout_plan_release(struct bake_layout_plan *plan);

#endif
