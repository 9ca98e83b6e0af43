/* SPDX-License-Identifier: Apache-2.0 */
#include "format/shards.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/relpath.h"
#include "base/text.h"
#include "format/names.h"
#include "json/pull.h"

enum {
	ENTRIES_MAX = 1000000, /* of a weight_map, as many as one file may have tensors */
	RECENT_BITS = 10,
	RECENT = 1 << RECENT_BITS,
	WARNINGS_MAX = 4
};

/* More than a document of BAKE_SHARDS_BYTES_MAX can become. */
#define ARENA_MAX ((size_t)768 << 20)

/* A file as it was named. Names chosen to be forgotten are kept more than once: that costs memory
 * in proportion to the document, and never time for looking through a chain. */
struct mention {
	const char *file;
	size_t number; /* what entries call it */
};

struct reading {
	struct bake_json_pull pull;
	struct bake_shards *shards;
	struct bake_error *err;
	struct bake_shard_entry
		*entries; /* grows; file is a mention's number until all are known */
	size_t entry_room;
	struct mention *mentions;
	size_t mention_room;
	size_t mention_count;
	size_t recent[RECENT]; /* by hash: one more than the last mention's number */
	bool has_map;
	bool has_metadata;
};

static void release(struct reading *reading)
{
	free(reading->entries);
	free(reading->mentions);
}

void bake_shards_free(struct bake_shards **shards)
{
	if (*shards)
		bake_arena_release(&(*shards)->arena);
	free(*shards);
	*shards = NULL;
}

/* Writers of variants ("fp16") have put their name in front of each of the last three parts. */
bool bake_shards_is_index(const char *path)
{
	static const char middle[] = ".safetensors.";
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *found = strstr(name, middle);
	const char *rest = found ? found + strlen(middle) : "";
	const char *dot = strchr(rest, '.');

	if (found == name || !dot)
		return false;
	if (strcmp(rest, "index.json") == 0)
		return true;
	if (bake_text_starts(rest, "index.")) {
		const char *variant = dot + 1;

		dot = strchr(variant, '.');
		return dot && dot > variant && strcmp(dot, ".json") == 0;
	}
	return dot > rest && strcmp(dot, ".index.json") == 0;
}

static enum bake_status next(struct reading *reading, struct bake_pull_token *token)
{
	return bake_json_pull_next(&reading->pull, token, reading->err);
}

static enum bake_status fail(struct reading *reading, const struct bake_pull_token *token,
	const char *id, const char *what)
{
	return bake_json_pull_error(&reading->pull, token->offset, id, reading->err, "%s", what);
}

static enum bake_status twice(struct reading *reading, const struct bake_pull_token *key)
{
	return bake_json_pull_error(&reading->pull, key->offset, "json.duplicate-key", reading->err,
		"the key '%s' stands twice",
		BAKE_SHOW_SPAN((const char *)key->text.ptr, key->text.len));
}

/* A file of the model lies beside its index: anything else would be a way out of the directory. */
static enum bake_status check_file(
	struct reading *reading, const struct bake_pull_token *token, const char *file)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_relpath path;

	if (!strchr(file, '/') && bake_relpath_parse(file, &path, &ignored) == BAKE_OK)
		return BAKE_OK;
	return bake_json_pull_error(&reading->pull, token->offset, "shard.path", reading->err,
		"'%s' is no plain file name", BAKE_SHOW(file));
}

/* The file of the entry just read: the number of a mention that says the same. */
static enum bake_status add_mention(
	struct reading *reading, const struct bake_pull_token *token, size_t *out_number)
{
	uint64_t hash = bake_text_hash((const char *)token->text.ptr, token->text.len);
	size_t *recent = &reading->recent[hash >> (64 - RECENT_BITS)];
	struct mention mention = {.number = reading->mention_count};

	if (*recent && bake_json_pull_says(token, reading->mentions[*recent - 1].file)) {
		*out_number = *recent - 1;
		return BAKE_OK;
	}
	mention.file = bake_json_pull_copy(token, &reading->shards->arena);
	if (!mention.file || !bake_grow((void **)&reading->mentions, &reading->mention_room,
				     mention.number + 1, sizeof(mention)))
		return bake_error_nomem(reading->err);
	BAKE_TRY(check_file(reading, token, mention.file));
	reading->mentions[reading->mention_count++] = mention;
	*recent = reading->mention_count;
	*out_number = mention.number;
	return BAKE_OK;
}

static enum bake_status read_entry(struct reading *reading, const struct bake_pull_token *key)
{
	struct bake_shards *shards = reading->shards;
	struct bake_shard_entry entry = {.tensor = NULL};
	struct bake_pull_token token;

	if (shards->entry_count == ENTRIES_MAX)
		return fail(reading, key, "shard.limit", "more than 1000000 tensors");
	entry.tensor = bake_json_pull_copy(key, &shards->arena);
	if (!entry.tensor || !bake_grow((void **)&reading->entries, &reading->entry_room,
				     shards->entry_count + 1, sizeof(entry)))
		return bake_error_nomem(reading->err);
	BAKE_TRY(next(reading, &token));
	if (token.kind != BAKE_PULL_STRING)
		return bake_json_pull_error(&reading->pull, token.offset, "shard.index",
			reading->err, "the file of tensor '%s' is %s, not a string",
			BAKE_SHOW(entry.tensor), bake_json_pull_kind_name(token.kind));
	BAKE_TRY(add_mention(reading, &token, &entry.file));
	reading->entries[shards->entry_count++] = entry;
	return BAKE_OK;
}

static enum bake_status read_map(struct reading *reading, const struct bake_pull_token *key)
{
	struct bake_pull_token token;

	if (reading->has_map)
		return twice(reading, key);
	reading->has_map = true;
	BAKE_TRY(next(reading, &token));
	if (token.kind != BAKE_PULL_OBJECT)
		return fail(reading, &token, "shard.index", "weight_map is no object");
	for (;;) {
		BAKE_TRY(next(reading, &token));
		if (token.kind == BAKE_PULL_END_OBJECT)
			return BAKE_OK;
		BAKE_TRY(read_entry(reading, &token));
	}
}

static enum bake_status warn(struct reading *reading, const char *text)
{
	struct bake_shards *shards = reading->shards;

	if (!shards->warnings)
		shards->warnings =
			bake_arena_array(&shards->arena, WARNINGS_MAX, sizeof(*shards->warnings));
	if (!shards->warnings)
		return bake_error_nomem(reading->err);
	if (shards->warning_count < WARNINGS_MAX)
		shards->warnings[shards->warning_count++] = text;
	return BAKE_OK;
}

static enum bake_status read_total_size(struct reading *reading)
{
	struct bake_pull_token token;

	BAKE_TRY(next(reading, &token));
	if (token.kind == BAKE_PULL_U64) {
		reading->shards->total_size = token.u64;
		reading->shards->has_total_size = true;
		return BAKE_OK;
	}
	BAKE_TRY(bake_json_pull_skip(&reading->pull, &token, reading->err));
	return warn(reading, "its total_size is no integer");
}

static enum bake_status read_metadata(struct reading *reading, const struct bake_pull_token *key)
{
	struct bake_pull_token token;
	bool had_size = false;

	if (reading->has_metadata)
		return twice(reading, key);
	reading->has_metadata = true;
	BAKE_TRY(next(reading, &token));
	if (token.kind != BAKE_PULL_OBJECT) {
		BAKE_TRY(bake_json_pull_skip(&reading->pull, &token, reading->err));
		return warn(reading, "its metadata is no object");
	}
	for (;;) {
		BAKE_TRY(next(reading, &token));
		if (token.kind == BAKE_PULL_END_OBJECT)
			return BAKE_OK;
		if (!bake_json_pull_says(&token, "total_size")) {
			BAKE_TRY(bake_json_pull_skip(&reading->pull, &token, reading->err));
			continue;
		}
		if (had_size)
			return twice(reading, &token);
		had_size = true;
		BAKE_TRY(read_total_size(reading));
	}
}

static enum bake_status read_members(struct reading *reading)
{
	struct bake_pull_token token;

	BAKE_TRY(next(reading, &token));
	if (token.kind != BAKE_PULL_OBJECT)
		return fail(reading, &token, "shard.index", "a shard index is an object");
	for (;;) {
		BAKE_TRY(next(reading, &token));
		if (token.kind == BAKE_PULL_END_OBJECT)
			break;
		if (bake_json_pull_says(&token, "weight_map"))
			BAKE_TRY(read_map(reading, &token));
		else if (bake_json_pull_says(&token, "metadata"))
			BAKE_TRY(read_metadata(reading, &token));
		else
			BAKE_TRY(bake_json_pull_skip(&reading->pull, &token, reading->err));
	}
	if (!reading->has_map)
		return fail(reading, &token, "shard.index", "it has no weight_map");
	if (!reading->shards->entry_count)
		BAKE_TRY(warn(reading, "its weight_map is empty"));
	return next(reading, &token); /* nothing but blanks may follow */
}

static int compare_mentions(const void *left, const void *right)
{
	const struct mention *a = left;
	const struct mention *b = right;

	return strcmp(a->file, b->file);
}

static int compare_entries(const void *left, const void *right)
{
	const struct bake_shard_entry *a = left;
	const struct bake_shard_entry *b = right;

	if (a->file != b->file)
		return a->file < b->file ? -1 : 1;
	return strcmp(a->tensor, b->tensor);
}

/* The names of the files, each once, and for each mention which of them it is. */
static enum bake_status number_files(struct reading *reading, size_t *file_of)
{
	struct bake_shards *shards = reading->shards;
	struct mention *mentions = reading->mentions;

	if (reading->mention_count)
		qsort(mentions, reading->mention_count, sizeof(*mentions), compare_mentions);
	shards->files =
		bake_arena_array(&shards->arena, reading->mention_count, sizeof(*shards->files));
	if (!shards->files)
		return bake_error_nomem(reading->err);
	for (size_t i = 0; i < reading->mention_count; i++) {
		if (!i || strcmp(mentions[i - 1].file, mentions[i].file) != 0)
			shards->files[shards->file_count++] = mentions[i].file;
		file_of[mentions[i].number] = shards->file_count - 1;
	}
	if (shards->file_count > BAKE_SHARDS_MAX)
		return bake_error_set(reading->err, BAKE_ERR_DATA, "shard.limit",
			"%s: more than %d files", BAKE_SHOW(reading->pull.name), BAKE_SHARDS_MAX);
	return BAKE_OK;
}

static enum bake_status check_tensors(struct reading *reading)
{
	const char *name = NULL;

	_Static_assert(offsetof(struct bake_shard_entry, tensor) == 0, "names are found by stride");
	BAKE_TRY(bake_names_find_twice(reading->entries, reading->shards->entry_count,
		sizeof(*reading->entries), &name, reading->err));
	if (!name)
		return BAKE_OK;
	return bake_error_set(reading->err, BAKE_ERR_DATA, "json.duplicate-key",
		"%s: weight_map: the tensor '%s' stands twice", BAKE_SHOW(reading->pull.name),
		BAKE_SHOW(name));
}

/* From what was read in its order to what is looked things up in. */
static enum bake_status arrange(struct reading *reading)
{
	struct bake_shards *shards = reading->shards;
	_cleanup_free_ size_t *file_of = calloc(reading->mention_count + 1, sizeof(*file_of));

	if (!file_of)
		return bake_error_nomem(reading->err);
	BAKE_TRY(check_tensors(reading));
	BAKE_TRY(number_files(reading, file_of));
	shards->entries =
		bake_arena_array(&shards->arena, shards->entry_count, sizeof(*shards->entries));
	if (!shards->entries)
		return bake_error_nomem(reading->err);
	for (size_t i = 0; i < shards->entry_count; i++) {
		shards->entries[i] = reading->entries[i];
		shards->entries[i].file = file_of[reading->entries[i].file];
	}
	qsort(shards->entries, shards->entry_count, sizeof(*shards->entries), compare_entries);
	return BAKE_OK;
}

static enum bake_status read_shards(struct reading *reading)
{
	BAKE_TRY(read_members(reading));
	return arrange(reading);
}

enum bake_status bake_shards_parse(
	struct bake_span text, const char *name, struct bake_shards **out, struct bake_error *err)
{
	_cleanup_(bake_shards_free) struct bake_shards *shards = NULL;
	_cleanup_(release) struct reading reading = {.err = err};

	if (text.len > BAKE_SHARDS_BYTES_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "shard.limit",
			"%s: a shard index of %zu bytes, more than %d", BAKE_SHOW(name), text.len,
			BAKE_SHARDS_BYTES_MAX);
	shards = calloc(1, sizeof(*shards));
	if (!shards)
		return bake_error_nomem(err);
	shards->arena = (struct bake_arena)BAKE_ARENA_INIT(ARENA_MAX);
	reading.shards = shards;
	bake_json_pull_init(&reading.pull, text, name);
	BAKE_TRY(read_shards(&reading));
	*out = shards;
	shards = NULL;
	return BAKE_OK;
}
