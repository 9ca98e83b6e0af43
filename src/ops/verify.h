/* SPDX-License-Identifier: Apache-2.0 */
/* Does a models directory hold what its index, or a lock, says? Changes nothing. */
#ifndef OPS_VERIFY_H
#define OPS_VERIFY_H

#include "base/arena.h"
#include "base/error.h"
#include "base/event.h"
#include "ops/structure.h"
#include "store/check.h"
#include "store/layout.h"

struct bake_pickle_policy;

struct bake_verify_options {
	const char *models_dir;
	const char *lock_path;	  /* NULL: the index */
	enum bake_layout layout;  /* other than plain: only against a lock */
	const char *index_path;	  /* NULL: model-info.json in models_dir */
	const char *const *names; /* models; none: all */
	size_t name_count;
	unsigned jobs;
	bool quick;
	bool allow_extra;
	bool scan_values;
	const char *probe;			  /* a command to try each model with; NULL: none */
	uint64_t probe_timeout_ms;		  /* of each; 0: none */
	const struct bake_pickle_policy *pickles; /* what may execute code, besides what the index
						     says does */
	const struct bake_events *events;
};

struct bake_verify_model {
	const char *id;
	const char *title;
	size_t first_file; /* in the report's files */
	size_t file_count;
	size_t wrong;	 /* files that are not right */
	size_t broken;	 /* errors of structure, and a probe that failed */
	bool structured; /* something of it has a structure, and that was checked */
	const struct bake_error *structure; /* the worst error of structure, NULL: none */
	const struct bake_error *probe;	    /* why the probe failed, NULL: it did not */
	uint64_t bytes;			    /* of the right ones */
	bool expected; /* must be there; else only what is there must be right */
	bool present;  /* something of it is there */
	bool listed;   /* has files to check: an expected model without any is missing */
};

struct bake_verify_report {
	struct bake_arena arena;
	struct bake_verify_model *models;
	size_t model_count;
	struct bake_file_check *files;
	const char **names; /* of each of the first files: its path in a models directory */
	size_t name_count;
	size_t file_count;
	struct bake_structure structure; /* a file's tag is its place in files */
	const char **extras; /* paths of unlisted files, what an unfinished fetch left first */
	size_t extra_count;
	size_t unfinished;   /* how many of them are in .bake */
	const char *against; /* the document verified against */
	size_t verified;     /* files found right */
	uint64_t verified_bytes;
	size_t wrong;  /* files that are not, missing ones included */
	size_t broken; /* errors of structure, and probes that failed */
};

/*
 * Fills *out, which is the caller's to release, whenever there was something to verify; the status
 * is BAKE_OK when all is as it should be, else the worst finding's. Nothing to verify is
 * BAKE_ERR_NOINPUT verify.nothing.
 */
enum bake_status bake_verify(const struct bake_verify_options *options,
	struct bake_verify_report *out, struct bake_error *err) BAKE_CHECKED;

void bake_verify_report_release(struct bake_verify_report *report);

#endif
