/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

enum {
	LAYER_MAX = 65535, /* a number beyond is no layer's */
	PROBES_MAX = 16
};

static const char unknown_type[] = "unknown";

/* The last parts of names that are no weights but say how quantised ones are read: of GPTQ, AWQ,
 * compressed-tensors, ModelOpt, bitsandbytes, scaled fp8, and Nunchaku. */
static const char *const helpers[] = {
	"SCB",
	"absmax",
	"comfy_quant",
	"g_idx",
	"input_global_scale",
	"input_scale",
	"input_zero_point",
	"k_scale",
	"nested_absmax",
	"nested_quant_map",
	"qscales",
	"quant_map",
	"qzeros",
	"scale_input",
	"scale_weight",
	"scaled_fp8",
	"scales",
	"smooth_factor",
	"smooth_factor_orig",
	"v_scale",
	"wcscales",
	"weight_format",
	"weight_g_idx",
	"weight_global_scale",
	"weight_scale",
	"weight_scale_2",
	"weight_scale_inv",
	"weight_shape",
	"weight_zero_point",
	"wscales",
	"wtscale",
	"wzeros",
	"zeros",
};

static const char *const embeddings[] = {
	"embed_in.weight",
	"embed_tokens.weight",
	"shared.weight",
	"tok_embeddings.weight",
	"token_embd.weight",
	"word_embeddings.weight",
	"wte.weight",
};

static const char *const outputs[] = {"embed_out.weight", "lm_head.qweight", "lm_head.weight"};

/* Names end in such a part, before which there may be a number. */
static const char *const block_words[] = {"blk", "block", "blocks", "h", "layer", "layers"};

static bool is_text(struct bake_span span, const char *text)
{
	return span.len == strlen(text) && memcmp(span.ptr, text, span.len) == 0;
}

/* Whether name is the tail, or ends in "." and the tail. */
static bool ends_in_part(struct bake_span name, const char *tail)
{
	size_t len = strlen(tail);

	return name.len >= len && memcmp(name.ptr + name.len - len, tail, len) == 0 &&
	       (name.len == len || name.ptr[name.len - len - 1] == '.');
}

static bool ends_in_any(struct bake_span name, const char *const *tails, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ends_in_part(name, tails[i]))
			return true;
	}
	return false;
}

static bool is_helper(struct bake_span name)
{
	static const char state[] = ".quant_state.";

	return ends_in_any(name, helpers, countof(helpers)) ||
	       memmem(name.ptr, name.len, state, sizeof(state) - 1);
}

/* "single_transformer_blocks" is a word for blocks, too. */
static bool is_block_word(struct bake_span part)
{
	for (size_t i = 0; i < countof(block_words); i++) {
		size_t len = strlen(block_words[i]);

		if (is_text(part, block_words[i]))
			return true;
		if (part.len > len && part.ptr[part.len - len - 1] == '_' &&
			memcmp(part.ptr + part.len - len, block_words[i], len) == 0)
			return true;
	}
	return false;
}

/* The first number in name behind a word for blocks. *out_len is how far it goes. */
static bool find_block(struct bake_span name, uint64_t *out_number, size_t *out_len)
{
	struct bake_span before = bake_span(name.ptr, 0);
	size_t begin = 0;

	for (size_t at = 0; at < name.len; at++) {
		struct bake_span part;

		if (name.ptr[at] != '.')
			continue;
		part = bake_span(name.ptr + begin, at - begin);
		if (is_block_word(before) && part.len <= 5 &&
			bake_number_parse((const char *)part.ptr, part.len, out_number) &&
			*out_number <= LAYER_MAX) {
			*out_len = at;
			return true;
		}
		before = part;
		begin = at + 1;
	}
	return false;
}

/* A few places are looked at; a block that finds none free is not weighed. */
static void weigh_block(struct bake_weights *weights, uint64_t name, uint64_t bytes)
{
	size_t slot = (size_t)name;

	for (unsigned i = 0; i < PROBES_MAX; i++, slot++) {
		uint64_t *at = &weights->blocks[slot % BAKE_WEIGHTS_BLOCKS_MAX].name;
		uint64_t *sum = &weights->blocks[slot % BAKE_WEIGHTS_BLOCKS_MAX].bytes;

		if (*at && *at != name)
			continue;
		*at = name;
		*sum = bake_u64_add_capped(*sum, bytes);
		weights->layer_bytes_max = bake_u64_max(weights->layer_bytes_max, *sum);
		return;
	}
}

static void add_block(struct bake_weights *weights, struct bake_span name, uint64_t bytes)
{
	uint64_t number;
	uint64_t hash;
	size_t len;

	if (!find_block(name, &number, &len))
		return;
	hash = bake_text_hash((const char *)name.ptr, len);
	weights->layers = bake_u64_max(weights->layers, number + 1);
	weigh_block(weights, hash ? hash : 1, bytes);
}

static void add_type(struct bake_weights *weights, const struct bake_weights_type *more)
{
	struct bake_weights_type *type = weights->types;

	for (size_t i = 0; i < weights->type_count && strcmp(type->name, more->name) != 0; i++)
		type++;
	if (type == weights->types + BAKE_WEIGHTS_TYPES_MAX)
		return;
	if (type == weights->types + weights->type_count) {
		weights->type_count++;
		*type = *more;
		return;
	}
	type->tensors = bake_u64_add_capped(type->tensors, more->tensors);
	type->bytes = bake_u64_add_capped(type->bytes, more->bytes);
	type->elements = bake_u64_add_capped(type->elements, more->elements);
}

static int by_bytes(const void *a, const void *b)
{
	const struct bake_weights_type *first = a;
	const struct bake_weights_type *second = b;

	if (first->bytes != second->bytes)
		return first->bytes > second->bytes ? -1 : 1;
	return strcmp(first->name, second->name);
}

static void sort_types(struct bake_weights *weights)
{
	qsort(weights->types, weights->type_count, sizeof(weights->types[0]), by_bytes);
}

/* parameters are what the elements stand for, when they are weights at all. */
static void add_tensor(struct bake_weights *weights, struct bake_span name,
	const struct bake_weights_type *tensor, uint64_t parameters)
{
	add_type(weights, tensor);
	weights->tensors = bake_u64_add_capped(weights->tensors, tensor->tensors);
	weights->bytes = bake_u64_add_capped(weights->bytes, tensor->bytes);
	add_block(weights, name, tensor->bytes);
	if (is_helper(name))
		return;
	weights->parameters = bake_u64_add_capped(weights->parameters, parameters);
	if (ends_in_any(name, embeddings, countof(embeddings)))
		weights->embedding_bytes = bake_u64_max(weights->embedding_bytes, tensor->bytes);
	if (ends_in_any(name, outputs, countof(outputs)) || is_text(name, "output.weight"))
		weights->has_output = true;
}

void bake_weights_add_gguf(struct bake_weights *weights, const struct bake_gguf *gguf)
{
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct bake_gguf_tensor *tensor = &gguf->tensors[i];
		struct bake_weights_type one = {
			.name = tensor->type ? tensor->type->name : unknown_type,
			.tensors = 1,
			.bytes = tensor->bytes,
			.elements = tensor->elements,
		};

		add_tensor(weights, tensor->name, &one, tensor->elements);
	}
	sort_types(weights);
}

/* GPTQ and AWQ pack into int32, Nunchaku into int8; bitsandbytes and ModelOpt into uint8, under the
 * name that the weight has always had. */
static bool is_packed(const struct bake_st_tensor *tensor)
{
	struct bake_span name = bake_span_text(tensor->name);

	if (bake_dtype_is_float(tensor->dtype) || tensor->dtype == BAKE_DTYPE_BOOL)
		return false;
	return ends_in_part(name, "qweight") || ends_in_part(name, "weight_packed") ||
	       (ends_in_part(name, "weight") && tensor->dtype == BAKE_DTYPE_U8);
}

void bake_weights_add_safetensors(
	struct bake_weights *weights, const struct bake_safetensors *file, uint64_t packed_bits)
{
	for (size_t i = 0; i < file->tensor_count; i++) {
		const struct bake_st_tensor *tensor = &file->tensors[i];
		struct bake_weights_type one = {
			.name = bake_dtype_name(tensor->dtype),
			.tensors = 1,
			.bytes = tensor->end - tensor->begin,
			.elements = tensor->elements,
		};
		uint64_t parameters = tensor->elements;
		unsigned bits = bake_dtype_bits(tensor->dtype);

		if (packed_bits && packed_bits < bits && is_packed(tensor))
			parameters = bake_u64_scale(parameters, bits, packed_bits);
		add_tensor(weights, bake_span_text(tensor->name), &one, parameters);
	}
	sort_types(weights);
}

void bake_weights_add(struct bake_weights *weights, const struct bake_weights *more)
{
	for (size_t i = 0; i < more->type_count; i++)
		add_type(weights, &more->types[i]);
	sort_types(weights);
	weights->bytes = bake_u64_add_capped(weights->bytes, more->bytes);
	weights->absent_bytes = bake_u64_add_capped(weights->absent_bytes, more->absent_bytes);
	weights->tensors = bake_u64_add_capped(weights->tensors, more->tensors);
	weights->parameters = bake_u64_add_capped(weights->parameters, more->parameters);
	weights->layer_bytes_max = bake_u64_max(weights->layer_bytes_max, more->layer_bytes_max);
	for (size_t i = 0; i < BAKE_WEIGHTS_BLOCKS_MAX; i++) {
		if (more->blocks[i].name)
			weigh_block(weights, more->blocks[i].name, more->blocks[i].bytes);
	}
	weights->layers = bake_u64_max(weights->layers, more->layers);
	weights->embedding_bytes = bake_u64_max(weights->embedding_bytes, more->embedding_bytes);
	weights->has_output |= more->has_output;
}

bool bake_weights_any(const struct bake_weights *weights)
{
	return weights->tensors || weights->absent_bytes;
}

uint64_t bake_weights_all_bytes(const struct bake_weights *weights)
{
	return bake_u64_add_capped(weights->bytes, weights->absent_bytes);
}

const char *bake_weights_main_type(const struct bake_weights *weights)
{
	return weights->type_count ? weights->types[0].name : NULL;
}

/* A sum that was capped, or is of a file that lies, is written as what can be read again. */
static void put_u64(struct bake_json_writer *writer, const char *key, uint64_t value)
{
	bake_json_put_u64(writer, key, bake_u64_min(value, BAKE_SIZE_MAX));
}

void bake_weights_write(const struct bake_weights *weights, struct bake_json_writer *writer)
{
	bake_json_object(writer);
	put_u64(writer, "bytes", weights->bytes);
	put_u64(writer, "parameters", weights->parameters);
	put_u64(writer, "tensors", weights->tensors);
	bake_json_key(writer, "types");
	bake_json_object_line(writer);
	for (size_t i = 0; i < weights->type_count; i++)
		put_u64(writer, weights->types[i].name, weights->types[i].bytes);
	bake_json_end_object(writer);
	put_u64(writer, "layers", weights->layers);
	put_u64(writer, "layer_bytes_max", weights->layer_bytes_max);
	put_u64(writer, "embedding_bytes", weights->embedding_bytes);
	bake_json_put_bool(writer, "has_output", weights->has_output);
	bake_json_end_object(writer);
}

/* The name as it is in static storage; NULL when no type is so named. */
static const char *type_name(const char *name)
{
	enum bake_dtype dtype = bake_dtype_find(name, strlen(name));
	const struct bake_ggml_type *type = bake_ggml_type_named(name);

	if (dtype != BAKE_DTYPE_NONE)
		return bake_dtype_name(dtype);
	if (type && strcmp(type->name, name) == 0)
		return type->name;
	return strcmp(name, unknown_type) == 0 ? unknown_type : NULL;
}

static enum bake_status parse_type(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_weights *weights = out;
	struct bake_weights_type type = {.name = type_name(value->key)};

	if (!type.name)
		return bake_json_error(value, "json.value", err, "not a type of tensors");
	BAKE_TRY(bake_json_u64(value, BAKE_SIZE_MAX, &type.bytes, err));
	add_type(weights, &type);
	return BAKE_OK;
}

static enum bake_status parse_types(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_each_member(value, parse_type, out, err);
}

#define NUMBER(field)                                                                              \
	static enum bake_status parse_##field(                                                     \
		const struct bake_json *value, void *out, struct bake_error *err)                  \
	{                                                                                          \
		return bake_json_u64(                                                              \
			value, BAKE_SIZE_MAX, &((struct bake_weights *)out)->field, err);          \
	}
NUMBER(bytes)
NUMBER(parameters)
NUMBER(tensors)
NUMBER(layers)
NUMBER(layer_bytes_max)
NUMBER(embedding_bytes)

static enum bake_status parse_has_output(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_bool(value, &((struct bake_weights *)out)->has_output, err);
}

enum bake_status bake_weights_parse(
	const struct bake_json *value, struct bake_weights *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"bytes", parse_bytes, true},
		{"parameters", parse_parameters, true},
		{"tensors", parse_tensors, true},
		{"types", parse_types, true},
		{"layers", parse_layers, false},
		{"layer_bytes_max", parse_layer_bytes_max, false},
		{"embedding_bytes", parse_embedding_bytes, false},
		{"has_output", parse_has_output, false},
	};
	_cleanup_free_ struct bake_weights *read = calloc(1, sizeof(*read));

	if (!read)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, read, err));
	sort_types(read);
	*out = *read;
	return BAKE_OK;
}
