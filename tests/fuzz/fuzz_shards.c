/* SPDX-License-Identifier: Apache-2.0 */
/* The shard index reader: what it accepts is sorted, its files are plain names, and the files that
 * it describes agree with it. */
#include "fuzz/fuzz.h"
#include "format/shards.h"

enum {
	FILES_MAX = 64 /* of which headers are made */
};

static void check_shards(const struct bake_shards *shards)
{
	for (size_t i = 0; i < shards->file_count; i++) {
		CLAIM(shards->files[i][0] && !strpbrk(shards->files[i], "/\\"));
		CLAIM(strcmp(shards->files[i], "..") != 0);
		CLAIM(!i || strcmp(shards->files[i - 1], shards->files[i]) < 0);
	}
	for (size_t i = 0; i < shards->entry_count; i++) {
		const struct bake_shard_entry *entry = &shards->entries[i];

		CLAIM(entry->file < shards->file_count);
		CLAIM(!i || entry[-1].file < entry->file ||
			(entry[-1].file == entry->file &&
				strcmp(entry[-1].tensor, entry->tensor) < 0));
	}
	for (size_t i = 0; i < shards->warning_count; i++)
		keep_text(shards->warnings[i]);
}

/* Headers with the tensors that the index maps to each file; drop leaves one of them out. */
static void check_against_files(const struct bake_shards *shards, size_t drop)
{
	struct bake_safetensors headers[FILES_MAX] = {{.tensors = NULL}};
	const struct bake_safetensors *all[FILES_MAX];
	struct bake_st_tensor *tensors = calloc(shards->entry_count + 1, sizeof(*tensors));
	struct bake_error err = BAKE_ERROR_INIT;
	bool stale = false;
	size_t used = 0;

	CLAIM(tensors);
	for (size_t i = 0; i < shards->file_count; i++) {
		headers[i].tensors = tensors + used;
		all[i] = &headers[i];
		for (size_t e = 0; e < shards->entry_count; e++) {
			if (shards->entries[e].file != i || e == drop)
				continue;
			tensors[used++].name = shards->entries[e].tensor;
			headers[i].tensor_count++;
		}
	}
	if (succeeded(bake_shards_check(shards, "fuzz", all, &stale, &err), &err)) {
		CLAIM(drop >= shards->entry_count);
		CLAIM(stale == (shards->has_total_size && shards->total_size != 0));
	} else {
		CLAIM(drop < shards->entry_count);
	}
	free(tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_shards_free) struct bake_shards *shards = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	if (!succeeded(bake_shards_parse(bake_span(data, size), "fuzz", &shards, &err), &err)) {
		CLAIM(!shards);
		return 0;
	}
	check_shards(shards);
	if (shards->file_count > FILES_MAX || shards->entry_count > 1024)
		return 0;
	check_against_files(shards, SIZE_MAX);
	if (shards->entry_count)
		check_against_files(shards, shards->entry_count / 2);
	return 0;
}
