/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from a GGUF file's tensors alone: one walk over them. */
#include "arch/gguf_facts.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"

enum {
	TYPES_MAX = 64
};

/* How numbered blocks begin: language models, then diffusion transformers. Of a model with two
 * kinds of blocks (Flux) the first kind counts, as in its configuration. */
static const char *const block_prefixes[] = {
	"blk.", "transformer_blocks.", "double_blocks.", "joint_blocks.", "blocks."};

static bool starts(struct bake_span name, const char *prefix)
{
	size_t len = strlen(prefix);

	return name.len >= len && memcmp(name.ptr, prefix, len) == 0;
}

static bool is(struct bake_span name, const char *text)
{
	return name.len == strlen(text) && starts(name, text);
}

/* 1 + N of "blk.N.", 0 when the name is none of that kind. */
static uint64_t block_of(struct bake_span name, const char *prefix)
{
	size_t begin = strlen(prefix);
	size_t end = begin;
	uint64_t number;

	if (!starts(name, prefix))
		return 0;
	while (end < name.len && name.ptr[end] >= '0' && name.ptr[end] <= '9')
		end++;
	if (end == name.len || name.ptr[end] != '.' ||
		!bake_number_parse((const char *)name.ptr + begin, end - begin, &number))
		return 0;
	return number < BAKE_GGUF_BLOCKS_MAX ? number + 1 : 0;
}

/* The type with most bytes; of two with as many, the one with the smaller id. */
static const struct bake_ggml_type *main_type(const struct bake_gguf *gguf)
{
	uint64_t bytes[TYPES_MAX] = {0};
	const struct bake_ggml_type *main = NULL;

	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct bake_gguf_tensor *tensor = &gguf->tensors[i];

		if (tensor->type && !tensor->type->removed && tensor->type->id < TYPES_MAX)
			bytes[tensor->type->id] =
				bake_u64_add_capped(bytes[tensor->type->id], tensor->bytes);
	}
	for (uint32_t id = 0; id < TYPES_MAX; id++)
		if (bytes[id] > (main ? bytes[main->id] : 0))
			main = bake_ggml_type_find(id);
	return main;
}

void bake_gguf_sum_tensors(const struct bake_gguf *gguf, struct bake_gguf_tensors *out)
{
	uint64_t blocks[countof(block_prefixes)] = {0};
	uint64_t parts;

	*out = (struct bake_gguf_tensors){.main = main_type(gguf)};
	out->whole = !bake_gguf_u64(gguf, "split.count", &parts) || parts <= 1;
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct bake_gguf_tensor *tensor = &gguf->tensors[i];

		out->elements = bake_u64_add_capped(out->elements, tensor->elements);
		for (size_t k = 0; k < countof(block_prefixes); k++)
			blocks[k] =
				bake_u64_max(blocks[k], block_of(tensor->name, block_prefixes[k]));
		if (is(tensor->name, "token_embd.weight"))
			out->embedding = tensor;
		if (is(tensor->name, "output.weight"))
			out->has_output = true;
	}
	for (size_t k = 0; k < countof(block_prefixes) && out->blocks == 0; k++)
		out->blocks = blocks[k];
}
