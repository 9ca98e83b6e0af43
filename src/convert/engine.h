/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries a plan out. The source is read once, from front to back; pieces of it are hashed, converted,
 * written and hashed again by a few threads at the same time, in a ring of buffers that bounds memory
 * whatever the size of a tensor. Pieces end where blocks of both types end, so that the bytes do not
 * depend on the number of threads.
 */
#ifndef CONVERT_ENGINE_H
#define CONVERT_ENGINE_H

#include "base/event.h"
#include "convert/output.h"
#include "convert/plan.h"
#include "digest/digest.h"

struct bake_engine_options {
	unsigned jobs;	  /* threads; 0: one per processor */
	const char *name; /* for events */
	const struct bake_events *events;
};

/*
 * Writes header and data to output. digests has room for one of each of the model's files. Errors:
 * convert.value (NaN, infinity, overflow, with tensor and element: the first one, whatever the
 * number of threads), integrity.size (a source that became shorter), input and output.
 */
enum bake_status bake_engine_run(const struct bake_convert_plan *plan,
	const struct bake_output *output, const struct bake_engine_options *options,
	struct bake_digest *digests, struct bake_digest *out_digest,
	struct bake_error *err) BAKE_CHECKED;

#endif
