/* SPDX-License-Identifier: Apache-2.0 */
/* bake.lock/1: exactly which bytes. Written by bake-lock only, read by everything else. */
#ifndef MANIFEST_LOCK_H
#define MANIFEST_LOCK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "digest/digest.h"
#include "manifest/manifest.h"

#define BAKE_LOCK_SCHEMA "bake.lock/1"

enum {
	BAKE_LOCK_BYTES_MAX = 64 * 1024 * 1024,
	BAKE_LOCK_FILES_MAX = 200000,
};

struct bake_lock_file {
	const char *path; /* below the models directory */
	const char
		*name; /* at the source; for a url source without a base the last part of the URL */
	uint64_t size; /* bytes */
	struct bake_digest sha256;
	struct bake_digest git_sha1; /* kind NONE for LFS and other sources */
};

struct bake_lock_model {
	const char *id;
	struct bake_source source;
	struct bake_digest
		spec;	   /* of the manifest's fields it answers; see bake_model_spec_digest */
	const char *group; /* NULL when none */
	const char *const *aliases;
	size_t alias_count;
	const char *const *mirrors;
	size_t mirror_count;
	struct bake_lock_file *files; /* sorted by path */
	size_t file_count;
	/* When not NULL, the one file is made from the sources, which are pinned as files are, under the
	 * paths that they would have. They are not among what is baked. */
	const struct bake_conversion *convert;
	struct bake_lock_file *sources; /* sorted by path */
	size_t source_count;
	unsigned layer;
	bool required;
	bool is_default;
	bool gated;    /* the repository asks for a token and an accepted licence */
	bool complete; /* hub: the commit has no files but these */
};

struct bake_lock {
	struct bake_arena arena;   /* owns everything below */
	struct bake_digest sha256; /* of the document's bytes */
	const char *name;
	struct bake_digest manifest_sha256; /* kind NONE in a slice */
	unsigned slice;			    /* the layer a slice is of, 0 for a whole lock */
	struct bake_lock_model *models;	    /* sorted by id */
	size_t model_count;
	/* Models of the manifest that have no pins here, sorted by id: the lock is partial. They have
	 * no files, and as source what they were pinned to before, of kind 0 when they were not. */
	struct bake_lock_model *unlocked;
	size_t unlocked_count;
	struct bake_profile *profiles; /* sorted by name */
	size_t profile_count;
};

/*
 * Parses and checks: a digest for every file (pin.missing), a commit for every hub source
 * (pin.mutable), no two pins for one path (BAKE_ERR_CONFIG pin.conflict), and paths that can live
 * in one tree.
 */
enum bake_status bake_lock_parse(struct bake_span text, const char *document,
	struct bake_lock **out, struct bake_error *err) BAKE_CHECKED;
void bake_lock_free(struct bake_lock **lock);

/* The checks on the set of files alone: for a lock made in memory. */
enum bake_status bake_lock_check(const struct bake_lock *lock, struct bake_error *err) BAKE_CHECKED;

/* The part of that which needs no digests: whether all files can be in one tree. */
enum bake_status bake_lock_check_paths(
	const struct bake_lock *lock, struct bake_error *err) BAKE_CHECKED;

/* Writes the one canonical form: sorted, one file per line. slice 0: the whole; else only the
 * models of that layer, without what other layers or the manifest's prose can change. */
enum bake_status bake_lock_write(const struct bake_lock *lock, unsigned slice, struct bake_buf *out,
	struct bake_error *err) BAKE_CHECKED;

/* The model of that id or alias, NULL when there is none. */
const struct bake_lock_model *bake_lock_find(const struct bake_lock *lock, const char *name);

/* The same among those that have no pins. */
const struct bake_lock_model *bake_lock_find_unlocked(
	const struct bake_lock *lock, const char *name);

/* Brings models, files and profiles into the order of the canonical form. */
void bake_lock_sort(struct bake_lock *lock);

#endif
