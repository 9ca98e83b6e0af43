/* SPDX-License-Identifier: Apache-2.0 */
/* A shard index against the headers of its files. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "format/shards.h"

/* The comparison of one file. */
struct checking {
	const struct bake_shards *shards;
	const char *name;
	const struct bake_safetensors *const *headers;
	struct bake_error *err;
};

static int compare_names(const void *left, const void *right)
{
	const char *const *a = left;
	const char *const *b = right;

	return strcmp(*a, *b);
}

/* The tensors of a file by name. */
static const char **sorted_names(const struct bake_safetensors *header)
{
	const char **names = calloc(header->tensor_count + 1, sizeof(*names));

	if (!names)
		return NULL;
	for (size_t i = 0; i < header->tensor_count; i++)
		names[i] = header->tensors[i].name;
	qsort(names, header->tensor_count, sizeof(*names), compare_names);
	return names;
}

static bool has_tensor(const struct bake_safetensors *header, const char *tensor)
{
	for (size_t i = 0; i < header->tensor_count; i++) {
		if (strcmp(header->tensors[i].name, tensor) == 0)
			return true;
	}
	return false;
}

static enum bake_status missing(const struct checking *checking, const char *tensor, size_t file)
{
	return bake_error_set(checking->err, BAKE_ERR_DATA, "shard.missing-tensor",
		"%s: tensor '%s' is not in '%s'", BAKE_SHOW(checking->name), BAKE_SHOW(tensor),
		BAKE_SHOW(checking->shards->files[file]));
}

/* A tensor of file that the index does not map to it: it belongs to another one, or to none. Ends
 * the check, so it may look at every entry. */
static enum bake_status surplus(const struct checking *checking, const char *tensor, size_t file)
{
	const struct bake_shards *shards = checking->shards;

	for (size_t i = 0; i < shards->entry_count; i++) {
		const struct bake_shard_entry *entry = &shards->entries[i];

		if (strcmp(entry->tensor, tensor) != 0)
			continue;
		if (!has_tensor(checking->headers[entry->file], tensor))
			return missing(checking, tensor, entry->file);
		return bake_error_set(checking->err, BAKE_ERR_DATA, "shard.duplicate",
			"%s: tensor '%s' is in '%s' and in '%s'", BAKE_SHOW(checking->name),
			BAKE_SHOW(tensor), BAKE_SHOW(shards->files[entry->file]),
			BAKE_SHOW(shards->files[file]));
	}
	return bake_error_set(checking->err, BAKE_ERR_DATA, "shard.extra-tensor",
		"%s: tensor '%s' of '%s' is not in the index", BAKE_SHOW(checking->name),
		BAKE_SHOW(tensor), BAKE_SHOW(shards->files[file]));
}

/* The entries of file begin at *at, which moves behind them: both sides are sorted. */
static enum bake_status check_file(const struct checking *checking, size_t file, size_t *at)
{
	const struct bake_shards *shards = checking->shards;
	const struct bake_safetensors *header = checking->headers[file];
	_cleanup_free_ const char **names = sorted_names(header);
	size_t i = 0;

	if (!names)
		return bake_error_nomem(checking->err);
	for (; *at < shards->entry_count && shards->entries[*at].file == file; (*at)++) {
		const char *tensor = shards->entries[*at].tensor;
		int order = i < header->tensor_count ? strcmp(names[i], tensor) : 1;

		if (order < 0)
			return surplus(checking, names[i], file);
		if (order > 0)
			return missing(checking, tensor, file);
		i++;
	}
	if (i < header->tensor_count)
		return surplus(checking, names[i], file);
	return BAKE_OK;
}

enum bake_status bake_shards_check(const struct bake_shards *shards, const char *name,
	const struct bake_safetensors *const *headers, bool *out_stale_size, struct bake_error *err)
{
	const struct checking checking = {shards, name, headers, err};
	uint64_t bytes = 0;
	size_t at = 0;

	for (size_t file = 0; file < shards->file_count; file++) {
		BAKE_TRY(check_file(&checking, file, &at));
		bytes = bake_u64_add_capped(bytes, headers[file]->data_bytes);
	}
	*out_stale_size = shards->has_total_size && shards->total_size != bytes;
	return BAKE_OK;
}
