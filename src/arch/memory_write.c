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
