/* SPDX-License-Identifier: Apache-2.0 */
/* GET /estimate?profile=NAME: the calculator, with what the index says of the model. */
#include <string.h>

#include "arch/calculator.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "serve/estimate.h"

#define GIB ((double)((uint64_t)1 << 30))

enum {
	CONTEXT_USUAL = 8192
};

static enum bake_status take_inputs(const struct bake_estimate_query *query,
	const struct bake_arch *arch, const struct bake_weights *weights,
	struct bake_calculator_input *in, struct bake_error *err)
{
	const struct bake_calculator_profile *profile = bake_calculator_profile(query->profile);
	const struct {
		enum bake_arch_field field;
		double *out;
	} facts[] = {
		{BAKE_ARCH_NUM_LAYERS, &in->layers},
		{BAKE_ARCH_NUM_KV_HEADS, &in->kv_heads},
		{BAKE_ARCH_HEAD_DIM, &in->head_dim},
	};

	if (!profile)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"profile: there is no '%s'", BAKE_SHOW(query->profile));
	in->profile = *profile;
	for (size_t i = 0; i < countof(facts); i++) {
		uint64_t value = bake_arch_u64(arch, facts[i].field, 0);

		if (!value)
			return bake_error_set(err, BAKE_ERR_DATA, "estimate.unknown",
				"%s is not known", bake_arch_field_name(facts[i].field));
		*facts[i].out = (double)value;
	}
	if (!weights->bytes)
		return bake_error_set(err, BAKE_ERR_DATA, "estimate.unknown",
			"the bytes of the weights are not known");
	in->weights_gib = (double)weights->bytes / GIB;
	in->kv_bytes = bake_calculator_kv_bytes(
		query->types.key ? query->types.key->name : bake_memory_kv_type(arch)->name, NULL);
	in->context_k = (double)(query->context ? query->context : CONTEXT_USUAL) / 1024;
	in->batch = (double)(query->batch ? query->batch : query->parallel ? query->parallel : 1);
	return BAKE_OK;
}

static void put(struct bake_json_writer *writer, const char *key, double value)
{
	bake_json_key(writer, key);
	bake_json_write_f64(writer, value);
}

static void put_estimate(struct bake_json_writer *writer, const struct bake_calculator_input *in)
{
	struct bake_calculator_estimate estimate = bake_calculator_estimate(in);

	put(writer, "weights_gib", estimate.weights_gib);
	put(writer, "kv_gib", estimate.kv_gib);
	put(writer, "overhead_gib", estimate.overhead_gib);
	put(writer, "vision_gib", estimate.vision_gib);
	put(writer, "frag_factor", estimate.frag_factor);
	put(writer, "total_gib", estimate.total_gib);
}

static void put_context(struct bake_json_writer *writer, struct bake_calculator_context found)
{
	put(writer, "context_k", found.context_k);
	put(writer, "context_tokens", found.context_tokens);
	put(writer, "kv_gib", found.kv_gib);
	put(writer, "total_gib", found.total_gib);
}

static void put_inputs(struct bake_json_writer *writer, const struct bake_estimate_query *query,
	const struct bake_calculator_input *in)
{
	bake_json_put_text(writer, "profile", query->profile);
	bake_json_put_text(writer, "model", query->model);
	bake_json_key(writer, "inputs");
	bake_json_object(writer);
	bake_json_put_text(writer, "weights_from", "the bytes of the tensors");
	put(writer, "layers", in->layers);
	put(writer, "kv_heads", in->kv_heads);
	put(writer, "head_dim", in->head_dim);
	if (!query->solve)
		put(writer, "context_k", in->context_k);
	put(writer, "batch", in->batch);
	bake_json_end_object(writer);
}

enum bake_status bake_estimate_calculate(const struct bake_estimate_query *query,
	const struct bake_arch *arch, const struct bake_weights *weights, struct bake_buf *out,
	struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);
	struct bake_calculator_input in = {.weights_gib = 0};
	struct bake_calculator_context found;
	double gib = (double)query->gpu_memory / GIB;
	bool fits;

	BAKE_TRY(take_inputs(query, arch, weights, &in, err));
	found = bake_calculator_solve(&in, gib);
	fits = !query->gpu_memory ||
	       (query->solve ? found.total_gib : bake_calculator_estimate(&in).total_gib) <= gib;
	bake_json_object(&writer);
	bake_json_put_bool(&writer, "ok", fits);
	if (!fits) {
		bake_json_put_text(&writer, "error", "estimate.no-fit");
		bake_json_put_text(&writer, "message", "it does not fit");
	}
	if (query->solve)
		put_context(&writer, found);
	else
		put_estimate(&writer, &in);
	put_inputs(&writer, query, &in);
	bake_json_key(&writer, "facts");
	bake_estimate_write_facts(arch, &writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return bake_buf_status(out, "reply", err);
}
