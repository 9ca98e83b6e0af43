/* SPDX-License-Identifier: Apache-2.0 */
/* All numbers of a file of weights: those that are none. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"
#include "format/values.h"
#include "fs/file.h"
#include "ops/structuring.h"

enum {
	PIECE_BYTES = 256 * 1024
};

/* What there is of one kind in a file: the first tensor that has it speaks for the others. */
struct seen {
	const char *id;
	const char *what;
	size_t tensors;
	struct bake_error error;
};

struct scan {
	int fd;
	const struct bake_structure_file *file;
	uint8_t *piece;
	struct seen nan;
	struct seen inf;
};

static enum bake_status read_values(struct scan *scan, struct bake_values *values, uint64_t at,
	uint64_t bytes, struct bake_error *err)
{
	size_t most = PIECE_BYTES / bake_values_unit(values) * bake_values_unit(values);

	while (bytes) {
		size_t want = (size_t)bake_u64_min(bytes, most);
		size_t got;

		BAKE_TRY(bake_stop_check(err));
		BAKE_TRY(bake_file_read_at(scan->fd, at, scan->piece, want, &got, err));
		if (got < want)
			return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
				"%s became shorter while it was read", BAKE_SHOW(scan->file->name));
		bake_values_scan(values, bake_span(scan->piece, got));
		at += got;
		bytes -= got;
	}
	return BAKE_OK;
}

static void note(struct scan *scan, struct seen *seen, struct bake_span tensor, uint64_t count,
	const struct bake_values *values)
{
	if (!count || seen->tensors++)
		return;
	bake_error_set(&seen->error, BAKE_ERR_INTEGRITY, seen->id,
		"%s: the tensor '%s' has %" PRIu64 " %s, the first wrong value at %" PRIu64,
		BAKE_SHOW(scan->file->name), BAKE_SHOW_SPAN((const char *)tensor.ptr, tensor.len),
		count, seen->what, values->first);
}

static enum bake_status scan_tensor(struct scan *scan, struct bake_values *values,
	struct bake_span name, uint64_t at, uint64_t bytes, struct bake_error *err)
{
	BAKE_TRY(read_values(scan, values, at, bytes, err));
	note(scan, &scan->nan, name, values->nan, values);
	note(scan, &scan->inf, name, values->inf, values);
	return BAKE_OK;
}

static enum bake_status scan_gguf(
	struct scan *scan, const struct bake_gguf *gguf, struct bake_error *err)
{
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		const struct bake_gguf_tensor *tensor = &gguf->tensors[i];
		struct bake_values values;

		if (bake_values_init_ggml(&values, tensor->type))
			BAKE_TRY(scan_tensor(scan, &values, tensor->name,
				gguf->data_offset + tensor->offset, tensor->bytes, err));
	}
	return BAKE_OK;
}

static enum bake_status scan_safetensors(
	struct scan *scan, const struct bake_safetensors *file, struct bake_error *err)
{
	for (size_t i = 0; i < file->tensor_count; i++) {
		const struct bake_st_tensor *tensor = &file->tensors[i];
		struct bake_values values;

		if (bake_values_init_dtype(&values, tensor->dtype))
			BAKE_TRY(scan_tensor(scan, &values, bake_span_text(tensor->name),
				file->data_offset + tensor->begin, tensor->end - tensor->begin,
				err));
	}
	return BAKE_OK;
}

static void tell(struct bake_structure *structure, const struct scan *scan, struct seen *seen)
{
	if (!seen->tensors)
		return;
	if (seen->tensors > 1)
		bake_error_hint(
			&seen->error, "%zu tensors of the file have such values", seen->tensors);
	bake_structuring_found(structure, BAKE_FINDING_ERROR, scan->file, &seen->error);
}

enum bake_status bake_structuring_values(struct bake_structure *structure,
	const struct bake_structure_file *file, int fd, const struct bake_model_header *header,
	struct bake_error *err)
{
	_cleanup_free_ uint8_t *piece = malloc(PIECE_BYTES);
	struct scan scan = {
		.fd = fd,
		.file = file,
		.piece = piece,
		.nan = {.id = "values.nan", .what = "NaN"},
		.inf = {.id = "values.inf", .what = "infinite"},
	};

	if (!piece)
		return bake_error_nomem(err);
	if (header->gguf)
		BAKE_TRY(scan_gguf(&scan, header->gguf, err));
	if (header->safetensors)
		BAKE_TRY(scan_safetensors(&scan, header->safetensors, err));
	tell(structure, &scan, &scan.nan);
	tell(structure, &scan, &scan.inf);
	return BAKE_OK;
}
