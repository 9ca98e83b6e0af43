/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What servers logged about models, brought to where models are described. A log has one object a
 * line: {"timestamp", "model", "backend", "served_model_id", "payload": {"source", "metrics": {...},
 * "extra_args": [...]}}. The last line of each model counts.
 */
#ifndef OPS_RECONCILE_H
#define OPS_RECONCILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"

enum {
	BAKE_RECONCILE_LINE_MAX = 256 * 1024, /* a longer line counts as bad */
	BAKE_RECONCILE_MODELS_MAX = 10000,
	BAKE_RECONCILE_BYTES_MAX = 64 * 1024 * 1024 /* of all that is kept of a log */
};

struct bake_reconcile_options {
	const char *metrics_path;  /* "-": standard input */
	const char *models_dir;	   /* where model-info.runtime.json is */
	const char *registry_path; /* write into this registry instead; NULL: do not */
	bool dry_run;
};

enum bake_reconcile_outcome {
	BAKE_RECONCILE_NEW,
	BAKE_RECONCILE_UPDATED,
	BAKE_RECONCILE_UNCHANGED,
	BAKE_RECONCILE_UNKNOWN, /* the registry has no such entry: nothing is written for it */
};

/* Stable words: "new", "updated", "unchanged", "unknown". */
const char *bake_reconcile_outcome_name(enum bake_reconcile_outcome outcome);

struct bake_reconcile_line {
	const char *name; /* of the entry, or of the model as it was logged */
	enum bake_reconcile_outcome outcome;
	bool indexed;	      /* the index has it; true for a registry's */
	const char **changes; /* "runtime_context_tokens: 4096 -> 8192" */
	size_t change_count;
};

struct bake_reconcile_report {
	struct bake_arena arena;
	struct bake_reconcile_line *lines; /* in the order models appear in the log */
	size_t line_count;
	uint64_t good; /* lines of the log */
	uint64_t bad;
	uint64_t first_bad;	     /* its number; 0: none is */
	struct bake_error bad_error; /* of that one */
	const char *path;	     /* of the document */
	bool changed;		     /* it is another than before; written, but in a dry run */
};

/* *out is to be released whatever happens. A log without a good line is BAKE_ERR_NOINPUT
 * reconcile.nothing. */
enum bake_status bake_reconcile(const struct bake_reconcile_options *options,
	struct bake_reconcile_report *out, struct bake_error *err) BAKE_CHECKED;
void bake_reconcile_report_release(struct bake_reconcile_report *report);

#endif
