/* SPDX-License-Identifier: Apache-2.0 */
/* The descriptions of a GGUF header's tensors, and where their data is. */
#include <inttypes.h>

#include "base/num.h"
#include "base/text.h"
#include "format/gguf_reader.h"

enum {
	GGML_NAME_MAX = 63 /* GGML_MAX_NAME without its NUL */
};

/* ggml's condition for a number of elements that it can represent, after each dimension. */
static bool multiply(uint64_t *product, uint64_t dim, bool first)
{
	if (dim >= INT64_MAX || (dim && !first && (uint64_t)INT64_MAX / dim <= *product))
		return false;
	*product *= dim;
	return true;
}

static bool take_dims(struct bake_gguf_reader *reader, struct bake_gguf_tensor *tensor)
{
	uint64_t begin = reader->at;

	if (!bake_gguf_take_u32(reader, &tensor->dim_count))
		return false;
	if (tensor->dim_count > BAKE_GGUF_DIMS_MAX) {
		return bake_gguf_refuse(reader, begin, "gguf.tensor",
			"%" PRIu32 " dimensions; at most %d are read", tensor->dim_count,
			BAKE_GGUF_DIMS_MAX);
	}
	if (tensor->dim_count > BAKE_GGUF_DIMS_GGML) {
		bake_gguf_warn(reader, BAKE_GGUF_ODD_DIMS,
			"tensor '%s': %" PRIu32 " dimensions; ggml reads at most %d",
			BAKE_SHOW_SPAN((const char *)tensor->name.ptr, tensor->name.len),
			tensor->dim_count, BAKE_GGUF_DIMS_GGML);
	}
	tensor->elements = 1;
	for (uint32_t i = 0; i < BAKE_GGUF_DIMS_MAX; i++) {
		begin = reader->at;
		tensor->dims[i] = 1;
		if (i < tensor->dim_count && !bake_gguf_take_size(reader, &tensor->dims[i]))
			return false;
		if (!multiply(&tensor->elements, tensor->dims[i], i == 0)) {
			return bake_gguf_refuse(reader, begin, "gguf.tensor",
				"dimension %" PRIu32 " is %" PRIu64 ": too many elements", i,
				tensor->dims[i]);
		}
	}
	return true;
}

/* What stands for a type without a size. */
static const char *type_trouble(const struct bake_ggml_type *type)
{
	return type ? "removed, requantise from Q4_0" : "unknown";
}

static bool take_type(struct bake_gguf_reader *reader, struct bake_gguf_tensor *tensor)
{
	uint64_t begin = reader->at;
	const struct bake_ggml_type *type;

	if (!bake_gguf_take_u32(reader, &tensor->type_id))
		return false;
	type = bake_ggml_type_find(tensor->type_id);
	if (type && !type->removed) {
		tensor->type = type;
		if (bake_ggml_type_bytes(type, tensor->dims[0], tensor->elements, &tensor->bytes))
			return true;
		return bake_gguf_refuse(reader, begin, "gguf.tensor",
			"rows of %" PRIu64 " elements are no whole blocks of %" PRIu32
			", as %s has them, or too many",
			tensor->dims[0], type->block, type->name);
	}
	if (reader->mode == BAKE_GGUF_STRICT) {
		return bake_gguf_refuse(reader, begin, "gguf.tensor", "type %" PRIu32 "%s%s is %s",
			tensor->type_id, type ? " " : "", type ? type->name : "",
			type_trouble(type));
	}
	bake_gguf_warn(reader, BAKE_GGUF_ODD_TYPE, "tensor '%s': type %" PRIu32 "%s%s is %s",
		BAKE_SHOW_SPAN((const char *)tensor->name.ptr, tensor->name.len), tensor->type_id,
		type ? " " : "", type ? type->name : "", type_trouble(type));
	return true;
}

static bool take_name(struct bake_gguf_reader *reader, struct bake_gguf_tensor *tensor)
{
	uint64_t begin = reader->at;

	reader->what = NULL;
	if (!bake_gguf_take_string(reader, BAKE_GGUF_NAME_MAX, "gguf.tensor", &tensor->name))
		return false;
	reader->what = "tensor";
	reader->whose = tensor->name;
	if (!bake_gguf_check_name(reader, begin, "gguf.tensor", tensor->name))
		return false;
	if (tensor->name.len > GGML_NAME_MAX) {
		bake_gguf_warn(reader, BAKE_GGUF_ODD_NAME,
			"tensor '%s': a name of %zu bytes; ggml reads at most %d",
			BAKE_SHOW_SPAN((const char *)tensor->name.ptr, tensor->name.len),
			tensor->name.len, GGML_NAME_MAX);
	}
	return true;
}

static bool take_tensor(struct bake_gguf_reader *reader, struct bake_gguf_tensor *tensor)
{
	if (!take_name(reader, tensor) || !take_dims(reader, tensor) ||
		!take_type(reader, tensor) || !bake_gguf_take_u64(reader, &tensor->offset))
		return false;
	if (tensor->elements == 0) {
		bake_gguf_warn(reader, BAKE_GGUF_ODD_EMPTY, "tensor '%s' has no elements",
			BAKE_SHOW_SPAN((const char *)tensor->name.ptr, tensor->name.len));
	}
	return true;
}

/* Where the description begins: the name's length is in front of the name. */
static uint64_t offset_of(
	const struct bake_gguf_reader *reader, const struct bake_gguf_tensor *tensor)
{
	size_t before = reader->gguf->version == 1 ? sizeof(uint32_t) : sizeof(uint64_t);

	return (uint64_t)(tensor->name.ptr - reader->head.ptr) - before;
}

static bool sort_tensors(struct bake_gguf_reader *reader)
{
	struct bake_gguf *gguf = reader->gguf;
	struct bake_gguf_name *names =
		bake_arena_array(&gguf->arena, gguf->tensor_count, sizeof(*names));
	size_t again;

	if (!names)
		return bake_gguf_refuse_memory(reader);
	for (size_t i = 0; i < gguf->tensor_count; i++)
		names[i] = (struct bake_gguf_name){.name = &gguf->tensors[i].name, .index = i};
	bake_gguf_sort_names(names, gguf->tensor_count, &again);
	if (again < gguf->tensor_count) {
		reader->what = "tensor";
		reader->whose = gguf->tensors[again].name;
		return bake_gguf_refuse(reader, offset_of(reader, &gguf->tensors[again]),
			"gguf.tensor", "stands there twice");
	}
	gguf->tensors_by_name = names;
	return true;
}

bool bake_gguf_read_tensors(struct bake_gguf_reader *reader)
{
	struct bake_gguf *gguf = reader->gguf;

	gguf->tensors = bake_arena_array(&gguf->arena, gguf->tensor_count, sizeof(*gguf->tensors));
	if (!gguf->tensors)
		return bake_gguf_refuse_memory(reader);
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		if (!take_tensor(reader, &gguf->tensors[i]))
			return false;
	}
	gguf->header_bytes = reader->at;
	return sort_tensors(reader);
}

static bool pad(uint64_t value, uint64_t alignment, uint64_t *out)
{
	uint64_t sum;

	if (!bake_u64_add(value, alignment - 1, &sum))
		return false;
	*out = sum & ~(alignment - 1);
	return true;
}

/* The bytes of a tensor of an unknown type: up to the next one, or to the end of the file. That they
 * are in the file, and that the next one is aligned, is seen when both are placed. */
static bool guess_bytes(struct bake_gguf_reader *reader, size_t index, uint64_t room)
{
	struct bake_gguf_tensor *tensor = &reader->gguf->tensors[index];
	bool last = index + 1 == reader->gguf->tensor_count;
	uint64_t end = last ? room : reader->gguf->tensors[index + 1].offset;

	if (end < tensor->offset) {
		return bake_gguf_refuse(reader, offset_of(reader, tensor), "gguf.bounds",
			"it begins at %" PRIu64 ", but the data behind it at %" PRIu64,
			tensor->offset, end);
	}
	tensor->bytes = end - tensor->offset;
	return true;
}

/* Places the tensor behind the others, whose data ends at *next, and moves *next on. */
static bool place(struct bake_gguf_reader *reader, size_t index, uint64_t room, uint64_t *next)
{
	struct bake_gguf_tensor *tensor = &reader->gguf->tensors[index];
	uint64_t end;

	reader->what = "tensor";
	reader->whose = tensor->name;
	if (tensor->offset != *next) {
		return bake_gguf_refuse(reader, offset_of(reader, tensor), "gguf.bounds",
			"its offset is %" PRIu64 ", but the data before it ends at %" PRIu64,
			tensor->offset, *next);
	}
	if (!tensor->type && !guess_bytes(reader, index, room))
		return false;
	if (!bake_u64_add(tensor->offset, tensor->bytes, &end) || end > room) {
		return bake_gguf_refuse(reader, offset_of(reader, tensor), "gguf.bounds",
			"its %" PRIu64 " bytes at %" PRIu64 " go past the %" PRIu64
			" bytes of data that the file has",
			tensor->bytes, tensor->offset, room);
	}
	reader->gguf->data_bytes = end;
	if (!pad(end, reader->gguf->alignment, next)) {
		return bake_gguf_refuse(reader, offset_of(reader, tensor), "gguf.bounds",
			"the data ends at %" PRIu64 ", too far for its padding", end);
	}
	return true;
}

/* Nothing to point to: no padding either, and no place that would have to exist. */
static bool lay_out_nothing(struct bake_gguf_reader *reader)
{
	reader->gguf->data_offset = reader->gguf->header_bytes;
	bake_gguf_warn(reader, BAKE_GGUF_ODD_NONE, "the file has metadata only");
	return true;
}

bool bake_gguf_lay_out(struct bake_gguf_reader *reader)
{
	struct bake_gguf *gguf = reader->gguf;
	uint64_t next = 0;
	uint64_t room;

	reader->what = NULL;
	if (gguf->tensor_count == 0)
		return lay_out_nothing(reader);
	if (!pad(gguf->header_bytes, gguf->alignment, &gguf->data_offset) ||
		gguf->data_offset > reader->file_bytes) {
		return bake_gguf_refuse(reader, gguf->header_bytes, "gguf.bounds",
			"the file ends at %" PRIu64 ", before its tensors begin",
			reader->file_bytes);
	}
	room = reader->file_bytes - gguf->data_offset;
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		if (!place(reader, i, room, &next))
			return false;
	}
	if (room > next) {
		bake_gguf_warn(reader, BAKE_GGUF_ODD_TAIL,
			"%" PRIu64 " bytes behind the last tensor", room - next);
	}
	return true;
}
