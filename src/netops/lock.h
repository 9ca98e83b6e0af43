/* SPDX-License-Identifier: Apache-2.0 */
/* Resolving a manifest into a lock: what bake-lock does. */
#ifndef NETOPS_LOCK_H
#define NETOPS_LOCK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/event.h"
#include "netops/origins.h"

enum {
	BAKE_LOCK_PATH_MAX = 4096
};

struct bake_lock_options {
	const char *manifest_path;
	const char *lock_path;	  /* NULL: beside the manifest, by its name; "-": standard output */
	const char *const *names; /* models to resolve; the others keep their pins. None: all */
	size_t name_count;
	bool upgrade;	 /* resolve anew what has pins */
	bool keep_going; /* leave out what cannot be resolved */
	struct bake_origins origins;
	const struct bake_events *events;
};

struct bake_lock_report {
	size_t models;
	size_t files;
	uint64_t bytes;
	size_t kept;	 /* models whose pins stayed */
	size_t resolved; /* models pinned anew */
	size_t failed;	 /* with keep_going */
	size_t unlocked; /* models that the lock lacks: it is partial */
	bool changed;	 /* the lock was written */
	char path[BAKE_LOCK_PATH_MAX];
};

/*
 * Pins are kept for every model whose specification is unchanged, so that a run without news
 * needs no network and changes nothing.
 */
enum bake_status bake_lock_run(const struct bake_lock_options *options,
	struct bake_lock_report *out, struct bake_error *err) BAKE_CHECKED;

struct bake_lock_freshness {
	struct bake_arena arena;
	bool answered;	    /* the question could be answered; else there is only the error */
	bool fresh;	    /* the lock answers the manifest */
	const char **stale; /* ids of models whose pins do not; in the manifest's order */
	size_t stale_count;
	char path[BAKE_LOCK_PATH_MAX];
};

/* No network: BAKE_OK when the lock answers the manifest (for names only, when there are some),
 * else BAKE_ERR_CONFIG lock.stale or lock.missing. out is to be released whatever happens. */
enum bake_status bake_lock_verify_fresh(const struct bake_lock_options *options,
	struct bake_lock_freshness *out, struct bake_error *err) BAKE_CHECKED;
void bake_lock_freshness_release(struct bake_lock_freshness *freshness);

/*
 * Prints the part of a lock that one layer is made of. files_dir, when not NULL, receives the
 * local files that it needs, under the names it gives them.
 */
enum bake_status bake_lock_slice(const char *lock_path, unsigned layer, const char *files_dir,
	struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

#endif
