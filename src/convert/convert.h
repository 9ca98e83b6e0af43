/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Converts one model: opens it, plans, carries the plan out, looks at what was written, and only then
 * gives it its name. The source is only ever read.
 */
#ifndef CONVERT_CONVERT_H
#define CONVERT_CONVERT_H

#include "base/event.h"
#include "convert/plan.h"
#include "digest/digest.h"

enum bake_convert_optimize {
	BAKE_OPTIMIZE_NONE,
	BAKE_OPTIMIZE_SIZE,
	BAKE_OPTIMIZE_SPEED
};

struct bake_convert_request {
	const char *input;
	const char *output; /* a file, or a directory that exists; NULL: beside the input */
	/* options.format NONE: by output's name, else the one that the input is not. options.target
	 * NULL: by optimize. */
	struct bake_convert_options options;
	enum bake_convert_optimize optimize;
	/* What the output's content is to be, or kind NONE. A file output that has it already is left,
	 * and the input is not looked at; what has another is not published. */
	struct bake_digest pinned;
	bool force;   /* replaces a file */
	bool dry_run; /* plans, and writes nothing */
	unsigned jobs;
	const struct bake_events *events;
};

struct bake_convert_report {
	struct bake_convert_model *model; /* NULL when it could not be opened */
	struct bake_convert_plan *plan;	  /* NULL when none could be made */
	char *output;			  /* where it goes */
	bool written;
	bool present;		     /* the output was there, as pinned: model and plan are NULL */
	struct bake_digest *digests; /* of the model's files, once written */
	struct bake_digest out_digest;
	uint64_t out_bytes;
	uint64_t elapsed_ms;
};

/* out is the caller's to release whatever happened. Errors: those of the parts, convert.exists,
 * convert.same (the output is the input), convert.option, convert.written (what was written is not
 * what was planned), integrity.sha256 (the output would not be as pinned). */
enum bake_status bake_convert_run(const struct bake_convert_request *request,
	struct bake_convert_report *out, struct bake_error *err) BAKE_CHECKED;
void bake_convert_report_release(struct bake_convert_report *report);

/* Who reads the output, for people. */
const char *bake_convert_loader(const struct bake_convert_plan *plan);

/* A type that is written, by its name in any case: F32, F16, BF16, Q8_0, Q5_1, Q5_0, Q4_1, Q4_0. NULL
 * when it is no such. */
const struct bake_ggml_type *bake_convert_target_named(const char *name);

#endif
