/* SPDX-License-Identifier: Apache-2.0 */
#include "format/st_header.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "format/names.h"
#include "json/pull.h"

enum {
	JSON_OFFSET = 8 /* in the file: messages count from there */
};

/* What was read of one tensor's description. */
enum field {
	DTYPE = 1,
	SHAPE = 2,
	OFFSETS = 4
};

struct reading {
	struct bake_json_pull pull;
	struct bake_safetensors *file;
	struct bake_error *err;
	struct bake_st_tensor *tensors; /* grows; the arena gets them when they are counted */
	size_t tensor_room;
	struct bake_st_metadata *metadata;
	size_t metadata_room;
	bool has_metadata;
};

static void release(struct reading *reading)
{
	free(reading->tensors);
	free(reading->metadata);
}

static enum bake_status next(struct reading *reading, struct bake_pull_token *token)
{
	return bake_json_pull_next(&reading->pull, token, reading->err);
}

/* A complaint about a tensor: token is where. */
static enum bake_status fail(struct reading *reading, const struct bake_pull_token *token,
	const char *id, const char *tensor, const char *what)
{
	return bake_json_pull_error(&reading->pull, token->offset, id, reading->err,
		"tensor '%s': %s", BAKE_SHOW(tensor), what);
}

static enum bake_status copy_text(
	struct reading *reading, const struct bake_pull_token *token, const char **out)
{
	*out = bake_json_pull_copy(token, &reading->file->arena);
	return *out ? BAKE_OK : bake_error_nomem(reading->err);
}

static enum bake_status read_dtype(struct reading *reading, struct bake_st_tensor *tensor)
{
	struct bake_pull_token token;

	BAKE_TRY(next(reading, &token));
	if (token.kind != BAKE_PULL_STRING)
		return fail(reading, &token, "st.dtype", tensor->name, "its dtype is no string");
	for (unsigned i = BAKE_DTYPE_NONE + 1; i < BAKE_DTYPES; i++) {
		if (bake_json_pull_says(&token, bake_dtype_name((enum bake_dtype)i)))
			tensor->dtype = (enum bake_dtype)i;
	}
	if (tensor->dtype == BAKE_DTYPE_NONE)
		return bake_json_pull_error(&reading->pull, token.offset, "st.dtype", reading->err,
			"tensor '%s': unknown dtype '%s'", BAKE_SHOW(tensor->name),
			BAKE_SHOW_SPAN((const char *)token.text.ptr, token.text.len));
	return BAKE_OK;
}

static enum bake_status read_shape(struct reading *reading, struct bake_st_tensor *tensor)
{
	uint64_t shape[BAKE_ST_RANK_MAX];
	struct bake_pull_token token;
	uint64_t *copy;

	BAKE_TRY(next(reading, &token));
	if (token.kind != BAKE_PULL_ARRAY)
		return fail(reading, &token, "st.shape", tensor->name, "its shape is no array");
	for (;;) {
		BAKE_TRY(next(reading, &token));
		if (token.kind == BAKE_PULL_END_ARRAY)
			break;
		if (token.kind != BAKE_PULL_U64)
			return fail(reading, &token, "st.shape", tensor->name,
				"a dimension is no integer in [0, 2^64)");
		if (tensor->rank == BAKE_ST_RANK_MAX)
			return fail(reading, &token, "st.limit", tensor->name,
				"more than 64 dimensions");
		shape[tensor->rank++] = token.u64;
	}
	copy = bake_arena_array(&reading->file->arena, tensor->rank, sizeof(*copy));
	if (!copy)
		return bake_error_nomem(reading->err);
	memcpy(copy, shape, tensor->rank * sizeof(*copy));
	tensor->shape = copy;
	return BAKE_OK;
}

static enum bake_status read_offsets(struct reading *reading, struct bake_st_tensor *tensor)
{
	uint64_t offsets[2];
	size_t count = 0;
	struct bake_pull_token token;

	BAKE_TRY(next(reading, &token));
	if (token.kind != BAKE_PULL_ARRAY)
		return fail(reading, &token, "st.offsets", tensor->name,
			"its data_offsets are no array");
	for (;;) {
		BAKE_TRY(next(reading, &token));
		if (token.kind == BAKE_PULL_END_ARRAY)
			break;
		if (token.kind != BAKE_PULL_U64)
			return fail(reading, &token, "st.offsets", tensor->name,
				"an offset is no integer in [0, 2^64)");
		if (count == countof(offsets))
			break;
		offsets[count++] = token.u64;
	}
	if (count != countof(offsets) || token.kind != BAKE_PULL_END_ARRAY)
		return fail(reading, &token, "st.offsets", tensor->name,
			"its data_offsets are not two numbers");
	tensor->begin = offsets[0];
	tensor->end = offsets[1];
	return BAKE_OK;
}

static enum bake_status read_field(struct reading *reading, struct bake_st_tensor *tensor,
	const struct bake_pull_token *key, unsigned *had)
{
	static const struct {
		const char *name;
		enum field field;
		enum bake_status (*read)(struct reading *reading, struct bake_st_tensor *tensor);
	} fields[] = {
		{"dtype", DTYPE, read_dtype},
		{"shape", SHAPE, read_shape},
		{"data_offsets", OFFSETS, read_offsets},
	};

	for (size_t i = 0; i < countof(fields); i++) {
		if (!bake_json_pull_says(key, fields[i].name))
			continue;
		if (*had & fields[i].field)
			return bake_json_pull_error(&reading->pull, key->offset, "st.header",
				reading->err, "tensor '%s': its %s stands twice",
				BAKE_SHOW(tensor->name), fields[i].name);
		*had |= fields[i].field;
		return fields[i].read(reading, tensor);
	}
	return bake_json_pull_error(&reading->pull, key->offset, "st.header", reading->err,
		"tensor '%s': unknown key '%s'", BAKE_SHOW(tensor->name),
		BAKE_SHOW_SPAN((const char *)key->text.ptr, key->text.len));
}

/* The bytes that its shape takes are those between its offsets. */
static enum bake_status check_size(
	struct reading *reading, const struct bake_pull_token *token, struct bake_st_tensor *tensor)
{
	uint64_t bytes = 0;

	tensor->elements = 1;
	for (uint32_t i = 0; i < tensor->rank; i++) {
		if (__builtin_mul_overflow(tensor->elements, tensor->shape[i], &tensor->elements))
			return fail(reading, token, "st.shape", tensor->name,
				"its dimensions multiply to more than 2^64");
	}
	if (!bake_dtype_bytes(tensor->dtype, tensor->elements, &bytes))
		return fail(reading, token, "st.shape", tensor->name,
			"its elements fill no whole number of bytes, or more than there can be");
	if (tensor->end < tensor->begin)
		return fail(reading, token, "st.offsets", tensor->name, "ends before it begins");
	if (tensor->end - tensor->begin != bytes)
		return bake_json_pull_error(&reading->pull, token->offset, "st.offsets",
			reading->err,
			"tensor '%s': %" PRIu64 " bytes are described, its shape takes %" PRIu64,
			BAKE_SHOW(tensor->name), tensor->end - tensor->begin, bytes);
	return BAKE_OK;
}

static enum bake_status read_tensor(struct reading *reading, const struct bake_pull_token *key)
{
	struct bake_safetensors *file = reading->file;
	struct bake_st_tensor tensor = {.dtype = BAKE_DTYPE_NONE};
	struct bake_pull_token token;
	unsigned had = 0;

	if (file->tensor_count == BAKE_ST_TENSORS_MAX)
		return bake_json_pull_error(&reading->pull, key->offset, "st.limit", reading->err,
			"more than %d tensors", BAKE_ST_TENSORS_MAX);
	BAKE_TRY(copy_text(reading, key, &tensor.name));
	BAKE_TRY(next(reading, &token));
	if (token.kind != BAKE_PULL_OBJECT)
		return fail(
			reading, &token, "st.header", tensor.name, "not described by an object");
	for (;;) {
		BAKE_TRY(next(reading, &token));
		if (token.kind == BAKE_PULL_END_OBJECT)
			break;
		BAKE_TRY(read_field(reading, &tensor, &token, &had));
	}
	if (had != (DTYPE | SHAPE | OFFSETS))
		return fail(reading, key, "st.header", tensor.name,
			"not described by dtype, shape and data_offsets");
	BAKE_TRY(check_size(reading, key, &tensor));
	if (!bake_grow((void **)&reading->tensors, &reading->tensor_room, file->tensor_count + 1,
		    sizeof(tensor)))
		return bake_error_nomem(reading->err);
	reading->tensors[file->tensor_count++] = tensor;
	return BAKE_OK;
}

static enum bake_status read_metadata(struct reading *reading, const struct bake_pull_token *key)
{
	struct bake_safetensors *file = reading->file;
	struct bake_st_metadata *entry;
	struct bake_pull_token token;

	if (reading->has_metadata)
		return bake_json_pull_error(&reading->pull, key->offset, "st.header", reading->err,
			"__metadata__ stands twice");
	reading->has_metadata = true;
	BAKE_TRY(next(reading, &token));
	if (token.kind != BAKE_PULL_OBJECT)
		return bake_json_pull_error(&reading->pull, token.offset, "st.header", reading->err,
			"__metadata__ is %s, not an object", bake_json_pull_kind_name(token.kind));
	for (;;) {
		BAKE_TRY(next(reading, &token));
		if (token.kind == BAKE_PULL_END_OBJECT)
			return BAKE_OK;
		if (file->metadata_count == BAKE_ST_METADATA_MAX)
			return bake_json_pull_error(&reading->pull, token.offset, "st.limit",
				reading->err, "more than %d entries in __metadata__",
				BAKE_ST_METADATA_MAX);
		if (!bake_grow((void **)&reading->metadata, &reading->metadata_room,
			    file->metadata_count + 1, sizeof(*entry)))
			return bake_error_nomem(reading->err);
		entry = &reading->metadata[file->metadata_count++];
		BAKE_TRY(copy_text(reading, &token, &entry->key));
		BAKE_TRY(next(reading, &token));
		if (token.kind != BAKE_PULL_STRING)
			return bake_json_pull_error(&reading->pull, token.offset, "st.header",
				reading->err, "__metadata__ '%s' is %s, not a string",
				BAKE_SHOW(entry->key), bake_json_pull_kind_name(token.kind));
		BAKE_TRY(copy_text(reading, &token, &entry->value));
	}
}

static enum bake_status read_members(struct reading *reading)
{
	struct bake_pull_token token;

	BAKE_TRY(next(reading, &token));
	if (token.kind != BAKE_PULL_OBJECT)
		return bake_json_pull_error(&reading->pull, token.offset, "st.header", reading->err,
			"the header is %s, not an object", bake_json_pull_kind_name(token.kind));
	for (;;) {
		BAKE_TRY(next(reading, &token));
		if (token.kind == BAKE_PULL_END_OBJECT)
			return next(reading, &token); /* nothing but blanks may follow */
		if (bake_json_pull_says(&token, "__metadata__"))
			BAKE_TRY(read_metadata(reading, &token));
		else
			BAKE_TRY(read_tensor(reading, &token));
	}
}

/* An array that has grown, into the arena. */
static enum bake_status settle(
	struct reading *reading, const void *array, size_t count, size_t size, void *out)
{
	void *copy = bake_arena_array(&reading->file->arena, count, size);

	if (!copy)
		return bake_error_nomem(reading->err);
	if (count)
		memcpy(copy, array, count * size);
	memcpy(out, &copy, sizeof(copy));
	return BAKE_OK;
}

static enum bake_status check_names(
	struct reading *reading, const void *names, size_t count, size_t stride, const char *what)
{
	const char *twice;

	BAKE_TRY(bake_names_find_twice(names, count, stride, &twice, reading->err));
	if (!twice)
		return BAKE_OK;
	return bake_error_set(reading->err, BAKE_ERR_DATA, "st.header", "%s: %s '%s' stands twice",
		BAKE_SHOW(reading->pull.name), what, BAKE_SHOW(twice));
}

enum bake_status bake_st_header_parse(struct bake_span json, const char *name,
	struct bake_safetensors *file, struct bake_error *err)
{
	_cleanup_(release) struct reading reading = {.file = file, .err = err};

	bake_json_pull_init(&reading.pull, json, name);
	reading.pull.id = "st.header";
	reading.pull.offset = JSON_OFFSET;
	BAKE_TRY(read_members(&reading));
	BAKE_TRY(settle(&reading, reading.tensors, file->tensor_count, sizeof(*file->tensors),
		&file->tensors));
	BAKE_TRY(settle(&reading, reading.metadata, file->metadata_count, sizeof(*file->metadata),
		&file->metadata));
	_Static_assert(offsetof(struct bake_st_tensor, name) == 0, "names are found by stride");
	_Static_assert(offsetof(struct bake_st_metadata, key) == 0, "names are found by stride");
	BAKE_TRY(check_names(
		&reading, file->tensors, file->tensor_count, sizeof(*file->tensors), "tensor"));
	return check_names(&reading, file->metadata, file->metadata_count, sizeof(*file->metadata),
		"__metadata__");
}
