/* SPDX-License-Identifier: Apache-2.0 */
/* GET /estimate: what bake-index estimate says, from what the index has of the model's files. The
 * parameters are that command's options, with '_' for '-'. */
#ifndef SERVE_ESTIMATE_H
#define SERVE_ESTIMATE_H

#include "arch/memory.h"
#include "base/error.h"
#include "base/span.h"
#include "http/server.h"
#include "serve/snapshot.h"

enum {
	BAKE_ESTIMATE_TOKENS_MAX = 1 << 30,
	BAKE_ESTIMATE_SEQUENCES_MAX = 65536
};

enum bake_estimate_solve {
	BAKE_ESTIMATE_NOTHING,
	BAKE_ESTIMATE_CONTEXT,
	BAKE_ESTIMATE_SEQUENCES
};

/* A query, read. */
struct bake_estimate_query {
	char model[BAKE_HTTP_QUERY_VALUE_MAX + 1];
	uint64_t engine; /* 0: the usual one; else 1 + enum bake_engine */
	uint64_t context;
	uint64_t parallel;
	uint64_t batch;
	uint64_t ubatch;
	uint64_t flash_attention;
	uint64_t offload;
	uint64_t gpu_memory;
	uint64_t gpu_share; /* thousandths */
	uint64_t block_size;
	uint64_t solve; /* enum bake_estimate_solve */
	uint64_t beyond;
	uint64_t layers;
	uint64_t kv_heads;
	uint64_t head_dim;
	struct bake_kv_types types;
	char profile[64]; /* the calculator's; empty: the engine, part by part */
};

/* BAKE_ERR_USAGE usage.value, usage.option, usage.arguments. */
enum bake_status bake_estimate_parse(struct bake_span query, struct bake_estimate_query *out,
	struct bake_error *err) BAKE_CHECKED;

/* The report, as bake-index estimate --json has it. *out_fits: false when a GPU is named that has
 * not enough. BAKE_ERR_UNAVAILABLE index.unknown-model, BAKE_ERR_DATA estimate.unknown. */
enum bake_status bake_estimate_write(const struct bake_snapshot *snapshot,
	const struct bake_estimate_query *query, struct bake_buf *out,
	struct bake_error *err) BAKE_CHECKED;

/* In estimate_profile.c: the same with the calculator. */
enum bake_status bake_estimate_calculate(const struct bake_estimate_query *query,
	const struct bake_arch *arch, const struct bake_weights *weights, struct bake_buf *out,
	struct bake_error *err) BAKE_CHECKED;

/* The facts that figures rest on, with their sources. */
void bake_estimate_write_facts(const struct bake_arch *arch, struct bake_json_writer *writer);

#endif
