/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/memory.h"

const struct bake_kv_type *bake_memory_kv_type(const struct bake_arch *arch)
{
	const struct bake_arch_fact *own = bake_arch_get(arch, BAKE_ARCH_KV_PRECISION);
	const struct bake_arch_fact *weights = bake_arch_get(arch, BAKE_ARCH_WEIGHT_PRECISION);
	const struct bake_kv_type *type = own && own->text ? bake_kv_type_find(own->text) : NULL;

	if (!type && weights && weights->text)
		type = bake_kv_type_find(weights->text);
	/* Weights alone in fewer or more bits do not change the cache: it is of what is computed
	 * with. */
	if (!type || (!own && type->bytes != 2))
		type = bake_kv_type_find("f16");
	return type;
}

void bake_memory_write_facts(const struct bake_arch *arch, const struct bake_weights *weights,
	struct bake_json_writer *writer)
{
	const struct bake_kv_type *type = bake_memory_kv_type(arch);
	const struct bake_kv_types types = {type, type};
	struct bake_kv kv;

	bake_kv_read(arch, &kv);
	bake_json_object(writer);
	if (weights->tensors)
		bake_json_put_u64(writer, "weights_bytes", weights->bytes);
	if (kv.known) {
		bake_json_put_text(writer, "kv_dtype", type->name);
		bake_json_put_u64(
			writer, "kv_bytes_per_token", bake_kv_token_bytes_max(&kv, types));
		bake_json_put_u64(
			writer, "kv_bytes_per_token_min", bake_kv_token_bytes_min(&kv, types));
		if (bake_kv_window_max(&kv))
			bake_json_put_u64(writer, "sliding_window", bake_kv_window_max(&kv));
	} else {
		bake_json_put_text(writer, "kv_unknown", kv.because);
	}
	if (kv.recurrent_max && kv.state_known)
		bake_json_put_u64(writer, "recurrent_state_bytes",
			bake_kv_state_bytes(&kv, kv.recurrent_max, 1));
	bake_json_end_object(writer);
}

static void write_part(const struct bake_memory_part *part, struct bake_json_writer *writer)
{
	bake_json_object(writer);
	bake_json_put_text(writer, "name", part->name);
	bake_json_put_text(writer, "place", part->host ? "host" : "gpu");
	bake_json_put_bool(writer, "known", part->known);
	if (part->known) {
		bake_json_put_u64(writer, "min_bytes", part->min);
		bake_json_put_u64(writer, "max_bytes", part->max);
	}
	bake_json_put_text(writer, "because", part->because);
	bake_json_end_object(writer);
}

static void write_cache(const struct bake_memory *memory, struct bake_json_writer *writer)
{
	const struct bake_kv *kv = &memory->kv;

	if (!memory->types.key)
		return;
	if (kv->group_count) {
		bake_json_put_text(writer, "kv_dtype", memory->types.key->name);
		if (memory->types.value != memory->types.key)
			bake_json_put_text(writer, "kv_value_dtype", memory->types.value->name);
	}
	if (!kv->known)
		return;
	bake_json_put_u64(writer, "kv_bytes_per_token", bake_kv_token_bytes_max(kv, memory->types));
	bake_json_put_u64(
		writer, "kv_bytes_per_token_min", bake_kv_token_bytes_min(kv, memory->types));
	if (bake_kv_window_max(kv))
		bake_json_put_u64(writer, "sliding_window", bake_kv_window_max(kv));
}

/* What vLLM makes of what is left. */
static void write_pages(const struct bake_memory *memory, struct bake_json_writer *writer)
{
	if (!memory->pool_bytes)
		return;
	bake_json_put_u64(writer, "pool_max_bytes", memory->pool_bytes);
	if (!memory->pool_tokens)
		return;
	bake_json_put_u64(writer, "pool_max_tokens", memory->pool_tokens);
	bake_json_key(writer, "concurrency_max");
	bake_json_write_f64(writer, (double)memory->concurrency / 100);
}

void bake_memory_write(const struct bake_memory *memory, struct bake_json_writer *writer)
{
	bake_json_put_text(writer, "engine", bake_engine_name(memory->engine));
	if (memory->context)
		bake_json_put_u64(writer, "context", memory->context);
	if (memory->context_model)
		bake_json_put_u64(writer, "context_length", memory->context_model);
	bake_json_put_u64(writer, "sequences", memory->sequences);
	write_cache(memory, writer);
	bake_json_key(writer, "parts");
	bake_json_array(writer);
	for (size_t i = 0; i < memory->part_count; i++)
		write_part(&memory->parts[i], writer);
	bake_json_end_array(writer);
	bake_json_put_bool(writer, "complete", memory->known);
	bake_json_put_u64(writer, "min_bytes", memory->min);
	bake_json_put_u64(writer, "max_bytes", memory->max);
	bake_json_put_u64(writer, "host_bytes", memory->host_max);
	if (memory->budget) {
		bake_json_put_u64(writer, "budget_bytes", memory->budget);
		bake_json_put_text(
			writer, "verdict", bake_memory_verdict_name(bake_memory_verdict(memory)));
		write_pages(memory, writer);
	}
	bake_json_key(writer, "assumptions");
	bake_json_array(writer);
	for (size_t i = 0; i < memory->note_count; i++)
		bake_json_write_text(writer, memory->notes[i]);
	bake_json_end_array(writer);
}
