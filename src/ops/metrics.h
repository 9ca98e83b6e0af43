/* SPDX-License-Identifier: Apache-2.0 */
/* A log of metrics, read line by line; only the last line of each model is kept. */
#ifndef OPS_METRICS_H
#define OPS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct bake_metrics_entry {
	char *model;
	char *served;		 /* served_model_id; NULL: not said */
	struct bake_buf runtime; /* an object: metrics, extra_args_snapshot, observed_at, source */
};

struct bake_metrics {
	struct bake_metrics_entry *entries; /* in the order models appear */
	size_t count;
	size_t room;
	uint32_t *slots; /* a hash table: index + 1 */
	size_t bytes;	 /* of all runtimes */
	uint64_t line;	 /* the last one's number */
	uint64_t good;
	uint64_t bad;
	uint64_t first_bad;
	struct bake_error bad_error;
};

/* path "-" is standard input. To be released whatever happens. */
enum bake_status bake_metrics_read(
	const char *path, struct bake_metrics *out, struct bake_error *err) BAKE_CHECKED;
void bake_metrics_release(struct bake_metrics *metrics);

#endif
