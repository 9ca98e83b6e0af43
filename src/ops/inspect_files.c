/* SPDX-License-Identifier: Apache-2.0 */
/* A model's files as they are listed, and one of them looked at. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/stop.h"
#include "base/text.h"
#include "format/pickle.h"
#include "format/sniff.h"
#include "ops/inspecting.h"

static int compare_order(const void *a, const void *b, void *context)
{
	const struct bake_inspect_entry *entries = *(const struct bake_inspect_entry **)context;

	return strcmp(entries[*(const size_t *)a].path, entries[*(const size_t *)b].path);
}

enum bake_status bake_listing_make(const struct bake_inspect_source *source, const char *label,
	struct bake_listing *out, struct bake_error *err)
{
	const struct bake_inspect_entry *entries = source->entries;
	size_t *order;

	if (source->count > BAKE_INSPECT_FILES_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "inspect.limit", "more than %d files",
			BAKE_INSPECT_FILES_MAX);
	order = calloc(source->count + 1, sizeof(*order));
	if (!order)
		return bake_error_nomem(err);
	for (size_t i = 0; i < source->count; i++)
		order[i] = i;
	if (source->count)
		qsort_r(order, source->count, sizeof(*order), compare_order, &entries);
	*out = (struct bake_listing){source, order, label};
	return BAKE_OK;
}

void bake_listing_release(struct bake_listing *listing)
{
	free(listing->order);
	listing->order = NULL;
}

const struct bake_inspect_entry *bake_listing_at(const struct bake_listing *listing, size_t at)
{
	return &listing->source->entries[listing->order[at]];
}

ptrdiff_t bake_listing_find(const struct bake_listing *listing, const char *dir, const char *name)
{
	char path[BAKE_PATH_MAX + 1];
	size_t first = 0;
	size_t end = listing->source->count;
	int len = snprintf(path, sizeof(path), "%s%s%s", dir, dir[0] ? "/" : "", name);

	if (len < 0 || (size_t)len >= sizeof(path))
		return BAKE_LISTING_NONE;
	while (first < end) {
		size_t middle = first + (end - first) / 2;
		int order = strcmp(path, bake_listing_at(listing, middle)->path);

		if (order == 0)
			return (ptrdiff_t)middle;
		if (order < 0)
			end = middle;
		else
			first = middle + 1;
	}
	return BAKE_LISTING_NONE;
}

bool bake_path_in(const char *path, const char *dir, const char **out_name)
{
	size_t len = strlen(dir);

	if (len && (strncmp(path, dir, len) != 0 || path[len] != '/'))
		return false;
	path += len ? len + 1 : 0;
	if (strchr(path, '/'))
		return false;
	*out_name = path;
	return true;
}

enum bake_status bake_inspecting_text(
	const struct bake_listing *listing, size_t at, struct bake_buf *out, struct bake_error *err)
{
	const struct bake_inspect_source *source = listing->source;
	const struct bake_inspect_entry *entry = bake_listing_at(listing, at);
	_cleanup_free_ char *bytes = NULL;

	if (entry->bytes > BAKE_INSPECT_CONFIG_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "data.too-large", "larger than %d bytes",
			BAKE_INSPECT_CONFIG_MAX);
	bytes = malloc(entry->bytes + 1);
	if (!bytes)
		return bake_error_nomem(err);
	BAKE_TRY(source->read(source->context, listing->order[at], 0, bytes, entry->bytes, err));
	bake_buf_add(out, bytes, entry->bytes);
	return bake_buf_status(out, "file", err);
}

struct reading {
	const struct bake_inspect_source *source;
	size_t at;
};

static enum bake_status read_at(
	void *context, uint64_t offset, void *out, size_t len, struct bake_error *err)
{
	const struct reading *reading = context;

	return reading->source->read(reading->source->context, reading->at, offset, out, len, err);
}

static void take_gguf(const struct bake_gguf *gguf, struct bake_inspected_file *file)
{
	file->version = gguf->version;
	file->big_endian = gguf->big_endian;
	file->header_bytes = gguf->data_offset;
	file->tensors = gguf->tensor_count;
	file->keys = gguf->key_count;
}

static void take_safetensors(const struct bake_safetensors *st, struct bake_inspected_file *file)
{
	file->header_bytes = st->data_offset;
	file->tensors = st->tensor_count;
	file->keys = st->metadata_count;
}

/* The length of the file that a pointer stands for: its line "size N". */
static uint64_t pointer_size(struct bake_span head)
{
	const uint8_t *line = memmem(head.ptr, head.len, "\nsize ", 6);
	const uint8_t *end;
	uint64_t size;

	if (!line || !bake_sniff_is_lfs_pointer(head))
		return 0;
	line += 6;
	end = memchr(line, '\n', head.len - (size_t)(line - head.ptr));
	if (!end || !bake_number_parse((const char *)line, (size_t)(end - line), &size))
		return 0;
	return size < BAKE_SIZE_MAX ? size : 0;
}

/* What the bytes are instead, when that is known: it says more than the reader's complaint. */
static enum bake_status note_problem(struct bake_inspecting *inspecting, struct bake_span head,
	const struct bake_error *why, struct bake_inspected_file *file, struct bake_error *err)
{
	const struct bake_pickle_view view = {
		.name = file->path, .size = file->bytes, .head = head};
	const char *hint = NULL;
	const char *what = bake_sniff_describe(head, &hint);
	const char *pickle = bake_pickle_by_content(&view);

	file->pointer_bytes = pointer_size(head);
	file->problem_id = what ? "integrity.content" : why->id;
	if (bake_sniff_is_lfs_pointer(head))
		file->problem_id = "integrity.lfs-pointer";
	if (pickle) {
		file->problem_id = "policy.pickle";
		inspecting->out->executable_code = true;
		what = pickle;
	}
	file->problem = bake_arena_text(&inspecting->out->arena, what ? what : why->message);
	return file->problem ? BAKE_OK : bake_error_nomem(err);
}

/* The beginning of a file whose header is none. */
static enum bake_status read_head(
	const struct bake_model_bytes *from, uint8_t *out, size_t *out_len, struct bake_error *err)
{
	*out_len = (size_t)bake_u64_min(BAKE_SNIFF_BYTES, from->file_bytes);
	return from->read(from->context, 0, out, *out_len, err);
}

static enum bake_status read_header(struct bake_inspecting *inspecting,
	const struct bake_model_bytes *from, struct bake_inspected_file *file,
	struct bake_model_header *header, struct bake_error *err)
{
	struct bake_error why = BAKE_ERROR_INIT;
	uint8_t head[BAKE_SNIFF_BYTES];
	size_t head_len;

	if (bake_model_header_read(from, file->path, inspecting->options->mode, header, &why) !=
		BAKE_OK) {
		if (why.status != BAKE_ERR_DATA) {
			*err = why;
			return err->status;
		}
		BAKE_TRY(read_head(from, head, &head_len, err));
		return note_problem(inspecting, bake_span(head, head_len), &why, file, err);
	}
	file->format = header->format;
	if (header->gguf)
		take_gguf(header->gguf, file);
	if (header->safetensors)
		take_safetensors(header->safetensors, file);
	return BAKE_OK;
}

enum bake_status bake_inspecting_add(struct bake_inspecting *inspecting, size_t at,
	struct bake_inspected_file **out, struct bake_error *err)
{
	struct bake_inspection *inspection = inspecting->out;
	const struct bake_inspect_source *source = inspecting->files.source;
	const struct bake_inspect_entry *entry = bake_listing_at(&inspecting->files, at);
	struct reading reading = {source, inspecting->files.order[at]};
	const struct bake_model_bytes from = {read_at, &reading, entry->bytes};
	struct bake_inspected_file *file = &inspection->files[inspection->file_count];
	size_t prefix;

	BAKE_TRY(bake_stop_check(err));
	*file = (struct bake_inspected_file){
		.path = bake_arena_text(&inspection->arena, entry->path), .bytes = entry->bytes};
	if (!file->path)
		return bake_error_nomem(err);
	if (!bake_gguf_split_name(file->path, &prefix, &file->split_number, &file->split_count))
		file->split_number = file->split_count = 0;
	if (read_header(inspecting, &from, file, &inspecting->headers[inspection->file_count],
		    err) != BAKE_OK)
		return bake_error_wrap(err, "%s", BAKE_SHOW(entry->path));
	inspecting->looked_at[at] = ++inspection->file_count;
	*out = file;
	return BAKE_OK;
}

struct bake_model_header *bake_inspecting_header(
	struct bake_inspecting *inspecting, const struct bake_inspected_file *file)
{
	return &inspecting->headers[file - inspecting->out->files];
}

enum bake_status bake_inspecting_warn(struct bake_inspecting *inspecting,
	const struct bake_inspected_file *file, struct bake_error *err)
{
	if (file->pointer_bytes)
		inspecting->out->pointer_bytes =
			bake_u64_add_capped(inspecting->out->pointer_bytes, file->pointer_bytes);
	if (!file->problem || file->pointer_bytes) /* of pointers there are many: said once */
		return BAKE_OK;
	return bake_arch_warn(inspecting->out->arch, err, "%s: %s", BAKE_SHOW(file->path),
		BAKE_SHOW(file->problem));
}
