/* SPDX-License-Identifier: Apache-2.0 */
/* A GGUF model in several files: "NAME-00001-of-00003.gguf". */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/names.h"
#include "ops/structuring.h"

enum {
	NAMES_BYTES_MAX = 256 * 1024 * 1024
};

struct split {
	struct bake_structure *structure;
	struct bake_structure_file *first; /* of those that are there */
	size_t prefix;
	uint32_t count;	    /* that the names promise */
	uint32_t next;	    /* number that is expected next */
	uint32_t missing;   /* numbers */
	uint32_t a_missing; /* the first of them */
	bool whole;	    /* all were there and could be read */
	bool others;	    /* it begins with another file */
	struct bake_arena arena;
	const char **names; /* of tensors */
	size_t name_count;
	size_t name_room;
	bool has_total;
	uint64_t total; /* tensors in all files */
};

static void release(struct split *split)
{
	bake_arena_release(&split->arena);
	free(split->names);
}

static enum bake_status add_names(
	struct split *split, const struct bake_gguf *gguf, struct bake_error *err)
{
	void *names = split->names;
	bool grown = bake_grow(&names, &split->name_room, split->name_count + gguf->tensor_count,
		sizeof(*split->names));

	split->names = names;
	if (!grown)
		return bake_error_nomem(err);
	for (size_t i = 0; i < gguf->tensor_count; i++) {
		struct bake_span name = gguf->tensors[i].name;
		const char *copy = bake_arena_copy(&split->arena, (const char *)name.ptr, name.len);

		if (!copy)
			return bake_error_set(err, BAKE_ERR_DATA, "shard.limit",
				"the parts of %s name more tensors than are read",
				BAKE_SHOW(split->first->name));
		split->names[split->name_count++] = copy;
	}
	return BAKE_OK;
}

static enum bake_status disagree(const struct bake_structure_file *file, const char *key,
	uint64_t got, uint64_t want, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_DATA, "shard.split",
		"%s: %s is %" PRIu64 " and should be %" PRIu64, BAKE_SHOW(file->name), key, got,
		want);
}

/* What a part says of itself, against its name and the other parts. */
static enum bake_status check_keys(struct split *split, const struct bake_structure_file *file,
	uint32_t number, const struct bake_gguf *gguf, struct bake_error *err)
{
	uint64_t no;
	uint64_t count;
	uint64_t total;

	if (!bake_gguf_u64(gguf, "split.count", &count) || !bake_gguf_u64(gguf, "split.no", &no))
		return bake_error_set(err, BAKE_ERR_DATA, "shard.split",
			"%s is named as a part and does not say that it is one",
			BAKE_SHOW(file->name));
	if (count != split->count)
		return disagree(file, "split.count", count, split->count, err);
	if (no != number - 1)
		return disagree(file, "split.no", no, number - 1, err);
	if (!bake_gguf_u64(gguf, "split.tensors.count", &total))
		return BAKE_OK;
	if (split->has_total && total != split->total)
		return disagree(file, "split.tensors.count", total, split->total, err);
	split->has_total = true;
	split->total = total;
	return BAKE_OK;
}

static enum bake_status read_part(struct split *split, struct bake_structure_file *file,
	uint32_t number, struct bake_error *err)
{
	_cleanup_(bake_model_header_release) struct bake_model_header header = {
		.format = BAKE_WEIGHTS_NONE};

	BAKE_TRY(bake_structuring_header(split->structure, file, &header, err));
	for (size_t i = 0; i < header.gguf->warning_count; i++)
		bake_structuring_remark(split->structure, BAKE_FINDING_WARNING, file, "%s: %s",
			BAKE_SHOW(file->name), header.gguf->warnings[i]);
	BAKE_TRY(check_keys(split, file, number, header.gguf, err));
	return add_names(split, header.gguf, err);
}

static void note_missing(struct split *split, uint32_t up_to)
{
	if (split->next >= up_to)
		return;
	if (!split->missing)
		split->a_missing = split->next;
	split->missing += up_to - split->next;
	split->whole = false;
}

/* Names are in order, and so are the numbers in them. */
static bool take_part(void *context, struct bake_structure_file *file)
{
	struct split *split = context;
	struct bake_error error = BAKE_ERROR_INIT;
	size_t prefix;
	uint32_t number;
	uint32_t count;

	if (!bake_gguf_split_name(file->name, &prefix, &number, &count) ||
		prefix != split->prefix || count != split->count)
		return true;
	if (split->next == 1 && file != split->first) {
		split->others = true;
		return false;
	}
	note_missing(split, number);
	split->next = number + 1;
	if (!file->readable) {
		split->whole = false;
	} else if (read_part(split, file, number, &error) != BAKE_OK) {
		bake_structuring_found(split->structure, BAKE_FINDING_ERROR, file, &error);
		split->whole = false;
	}
	return true;
}

static enum bake_status check_whole(struct split *split, struct bake_error *err)
{
	const char *twice = NULL;

	if (split->has_total && split->total != split->name_count)
		return disagree(
			split->first, "split.tensors.count", split->total, split->name_count, err);
	BAKE_TRY(bake_names_find_twice(
		split->names, split->name_count, sizeof(*split->names), &twice, err));
	if (twice)
		return bake_error_set(err, BAKE_ERR_DATA, "shard.duplicate",
			"%s: the tensor '%s' is in two of the parts", BAKE_SHOW(split->first->name),
			BAKE_SHOW(twice));
	return BAKE_OK;
}

void bake_structuring_split(struct bake_structure *structure, struct bake_structure_file *file)
{
	_cleanup_(release) struct split split = {
		.structure = structure,
		.first = file,
		.next = 1,
		.whole = true,
		.arena = BAKE_ARENA_INIT(NAMES_BYTES_MAX),
	};
	struct bake_error error = BAKE_ERROR_INIT;
	uint32_t number;

	(void)bake_gguf_split_name(file->name, &split.prefix, &number, &split.count);
	bake_structuring_each(structure, file->name, split.prefix, take_part, &split);
	if (split.others)
		return;
	note_missing(&split, split.count + 1);
	if (split.missing) {
		bake_error_set(&error, BAKE_ERR_DATA, "shard.missing",
			"%.*s: part %" PRIu32 " of %" PRIu32 " is not there (%" PRIu32
			" are missing)",
			200, BAKE_SHOW(file->name), split.a_missing, split.count, split.missing);
		bake_structuring_found(structure, BAKE_FINDING_ERROR, file, &error);
	} else if (split.whole && check_whole(&split, &error) != BAKE_OK) {
		bake_structuring_found(structure, BAKE_FINDING_ERROR, file, &error);
	}
}
