/* SPDX-License-Identifier: Apache-2.0 */
/* A shard index and the files that it names. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "format/shards.h"
#include "json/json.h"
#include "ops/structuring.h"

enum {
	CONFIG_BYTES_MAX = 4 * 1024 * 1024
};

/* Bytes of headers that are held for one index: real ones have a megabyte. */
static const uint64_t HEADERS_MAX = (uint64_t)512 * 1024 * 1024;

struct sharded {
	struct bake_structure *structure;
	struct bake_structure_file *index;
	struct bake_shards *shards;
	struct bake_safetensors **headers; /* by file; NULL: it could not be read */
	uint64_t header_bytes;
	size_t missing;
	const char *first_missing;
	bool whole; /* all headers are there */
};

static void release(struct sharded *sharded)
{
	for (size_t i = 0; sharded->headers && i < sharded->shards->file_count; i++)
		bake_safetensors_free(&sharded->headers[i]);
	free(sharded->headers);
	bake_shards_free(&sharded->shards);
}

static void fail(const struct sharded *sharded, const struct bake_structure_file *file,
	const struct bake_error *error)
{
	bake_structuring_found(sharded->structure, BAKE_FINDING_ERROR, file, error);
}

/* The header of the file that is the index's at that place. */
static enum bake_status read_shard(struct sharded *sharded, struct bake_structure_file *file,
	size_t at, struct bake_error *err)
{
	struct bake_model_header header = {.format = BAKE_WEIGHTS_NONE};

	BAKE_TRY(bake_structuring_header(sharded->structure, file, &header, err));
	if (!header.safetensors) {
		bake_model_header_release(&header);
		return bake_error_set(err, BAKE_ERR_DATA, "shard.index",
			"%s is in a shard index and is no safetensors file", BAKE_SHOW(file->name));
	}
	sharded->headers[at] = header.safetensors;
	header.safetensors = NULL;
	bake_model_header_release(&header);
	sharded->header_bytes += sharded->headers[at]->header_bytes;
	if (sharded->header_bytes > HEADERS_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "shard.limit",
			"%s: the headers of its files have more than %" PRIu64 " bytes",
			BAKE_SHOW(sharded->index->name), HEADERS_MAX);
	return BAKE_OK;
}

static void look_at_shard(struct sharded *sharded, size_t at)
{
	const char *name = sharded->shards->files[at];
	struct bake_structure_file *file =
		bake_structuring_beside(sharded->structure, name, sharded->index->name);
	struct bake_error error = BAKE_ERROR_INIT;

	if (!file) {
		if (!sharded->missing++)
			sharded->first_missing = name;
		sharded->whole = false;
		return;
	}
	bake_structuring_mark(sharded->structure, file, true);
	if (!file->readable) {
		sharded->whole = false;
	} else if (read_shard(sharded, file, at, &error) != BAKE_OK) {
		fail(sharded, file, &error);
		sharded->whole = false;
	}
}

static bool has(const struct sharded *sharded, const char *name)
{
	return bake_structuring_beside(sharded->structure, name, sharded->index->name) != NULL;
}

static bool has_value(const struct bake_json *object, const char *key)
{
	struct bake_json value;

	return bake_json_find(object, key, &value) && !bake_json_is_null(&value);
}

/* Tools that quantise leave the total of the model that they began with. */
static bool is_quantised(const struct sharded *sharded)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(CONFIG_BYTES_MAX);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_structure_file *config =
		bake_structuring_beside(sharded->structure, "config.json", sharded->index->name);
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json root;

	if (has(sharded, "quantize_config.json") || has(sharded, "quant_config.json") ||
		has(sharded, "hf_quant_config.json"))
		return true;
	if (!config || !config->readable ||
		bake_structuring_read(sharded->structure, config, &text, &ignored) != BAKE_OK ||
		bake_json_open(bake_buf_span(&text), config->name, &doc, &ignored) != BAKE_OK)
		return false;
	root = bake_json_root(doc);
	return has_value(&root, "quantization_config") || has_value(&root, "compression_config");
}

static void tell_stale(const struct sharded *sharded)
{
	const char *name = sharded->index->name;
	struct bake_error error = BAKE_ERROR_INIT;
	uint64_t bytes = 0;

	for (size_t i = 0; i < sharded->shards->file_count; i++)
		bytes = bake_u64_add_capped(bytes, sharded->headers[i]->data_bytes);
	bake_error_set(&error, BAKE_ERR_DATA, "shard.size",
		"%s says that the tensors have %" PRIu64 " bytes, and they have %" PRIu64,
		BAKE_SHOW(name), sharded->shards->total_size, bytes);
	bake_structuring_found(sharded->structure,
		is_quantised(sharded) ? BAKE_FINDING_WARNING : BAKE_FINDING_ERROR, sharded->index,
		&error);
}

static void tell_missing(const struct sharded *sharded)
{
	struct bake_error error = BAKE_ERROR_INIT;

	bake_error_set(&error, BAKE_ERR_DATA, "shard.missing",
		"%s names %s, which is not there (%zu of %zu files are missing)",
		BAKE_SHOW(sharded->index->name), BAKE_SHOW(sharded->first_missing),
		sharded->missing, sharded->shards->file_count);
	fail(sharded, sharded->index, &error);
}

static void check_whole(struct sharded *sharded)
{
	struct bake_error error = BAKE_ERROR_INIT;
	bool stale = false;

	if (bake_shards_check(sharded->shards, sharded->index->name,
		    (const struct bake_safetensors *const *)sharded->headers, &stale,
		    &error) != BAKE_OK)
		fail(sharded, sharded->index, &error);
	else if (stale)
		tell_stale(sharded);
}

static enum bake_status open_index(struct sharded *sharded, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_SHARDS_BYTES_MAX);

	BAKE_TRY(bake_structuring_read(sharded->structure, sharded->index, &text, err));
	BAKE_TRY(bake_shards_parse(
		bake_buf_span(&text), sharded->index->name, &sharded->shards, err));
	sharded->headers =
		calloc(sharded->shards->file_count + 1, sizeof(struct bake_safetensors *));
	return sharded->headers ? BAKE_OK : bake_error_nomem(err);
}

void bake_structuring_index(struct bake_structure *structure, struct bake_structure_file *file)
{
	_cleanup_(release) struct sharded sharded = {
		.structure = structure, .index = file, .whole = true};
	struct bake_error error = BAKE_ERROR_INIT;

	bake_structuring_mark(structure, file, false);
	if (open_index(&sharded, &error) != BAKE_OK) {
		fail(&sharded, file, &error);
		return;
	}
	for (size_t i = 0; i < sharded.shards->warning_count; i++)
		bake_structuring_remark(
			structure, BAKE_FINDING_WARNING, file, "%s", sharded.shards->warnings[i]);
	for (size_t i = 0; i < sharded.shards->file_count; i++) {
		look_at_shard(&sharded, i);
		if (sharded.header_bytes > HEADERS_MAX)
			return;
	}
	if (sharded.missing)
		tell_missing(&sharded);
	if (sharded.whole)
		check_whole(&sharded);
}
