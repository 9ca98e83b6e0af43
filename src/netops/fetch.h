/* SPDX-License-Identifier: Apache-2.0 */
/* Putting what a lock names under the models directory: what bake-fetch does. */
#ifndef NETOPS_FETCH_H
#define NETOPS_FETCH_H

#include "base/arena.h"
#include "base/error.h"
#include "base/event.h"
#include "manifest/select.h"
#include "netops/origins.h"
#include "store/layout.h"

struct bake_pickle_policy;

struct bake_fetch_options {
	const char *lock_path;
	const char *models_dir;
	const char *cache_dir; /* NULL: none */
	struct bake_select select;
	enum bake_layout layout;
	struct bake_origins origins;
	unsigned max_concurrent;
	unsigned connections; /* per file */
	uint64_t lock_timeout_ms;
	bool quick; /* what is there with the pinned size is taken to be right */
	bool dry_run;
	bool keep_going;
	bool keep_parts; /* what other runs left unfinished stays */
	bool sidecar;	 /* FILE.json beside each file of weights; not in hf-cache */
	const struct bake_pickle_policy *pickles; /* what may execute code */
	const struct bake_events *events;
	const char
		*events_path; /* JSON lines go there too, "-" is standard output; NULL: nowhere */
};

enum bake_fetch_outcome {
	BAKE_FETCH_PENDING = 0, /* to be fetched: in a dry run, or stopped before */
	BAKE_FETCH_PRESENT,	/* was there and right */
	BAKE_FETCH_FETCHED,	/* over the network */
	BAKE_FETCH_CACHED,	/* from the cache */
	BAKE_FETCH_COPIED,	/* from beside the lock, or from another file of the same content */
	BAKE_FETCH_CONVERTED,	/* made from what was fetched for it */
	BAKE_FETCH_FAILED,
};

/* Stable words: "pending", "present", "fetched", "cached", "copied", "converted", "failed". */
const char *bake_fetch_outcome_name(enum bake_fetch_outcome outcome);

/* How a file would come to its place. */
enum bake_fetch_way {
	BAKE_FETCH_BY_NETWORK = 0,
	BAKE_FETCH_BY_CACHE, /* it is there with the right size; its content is checked on copying */
	BAKE_FETCH_BY_COPY,  /* from beside the lock, or from another file of the same content */
	BAKE_FETCH_BY_CONVERSION,
};

/* Stable words: "fetch", "cache", "copy", "convert". */
const char *bake_fetch_way_name(enum bake_fetch_way way);

struct bake_fetch_file {
	const char *model;
	const char *path; /* where it is found: in hf-cache that is a link */
	const char *from; /* where it comes from, without secrets */
	uint64_t size;
	uint64_t resumed;	  /* bytes found from an earlier run */
	uint64_t received;	  /* bytes over the network */
	uint64_t source_received; /* the same of what a CONVERTED one is made from */
	uint64_t have;		  /* bytes that are here, whole or as a part that is kept */
	uint64_t ms;		  /* from its first byte, or request, to its end */
	unsigned retries;
	unsigned connections; /* most at a time; 0: it did not come over the network */
	bool required;
	enum bake_fetch_outcome outcome;
	enum bake_fetch_way way; /* of a PENDING one in a dry run */
	struct bake_error error; /* of a failed one */
};

struct bake_fetch_report {
	struct bake_arena arena; /* these two own all text below */
	struct bake_lock *lock;
	struct bake_fetch_file *files;
	size_t file_count;
	size_t models;
	uint64_t bytes;	       /* of all files */
	uint64_t needed_bytes; /* of those that were not there */
	uint64_t free_bytes;   /* before */
	uint64_t fetch_bytes;  /* in a dry run: of those that must come over the network */
	int64_t begun;	       /* seconds since 1970, of the wall clock */
	uint64_t ms;	       /* of the whole run */
	bool events_lost;      /* not every line could be written to events_path */
};

/*
 * *out is the caller's to release whatever the status. BAKE_OK: every file is there and right.
 * With keep_going, files that need not be there count as BAKE_ERR_PARTIAL. A dry run ends as the
 * real one would, as far as that is known without the network: BAKE_ERR_NOSPACE disk.space when it
 * does not fit, BAKE_ERR_UNAVAILABLE net.offline when the network is needed and forbidden.
 */
enum bake_status bake_fetch_run(const struct bake_fetch_options *options,
	struct bake_fetch_report *out, struct bake_error *err) BAKE_CHECKED;

void bake_fetch_report_release(struct bake_fetch_report *report);

#endif
