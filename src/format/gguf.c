/* SPDX-License-Identifier: Apache-2.0 */
#include "format/gguf.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "format/gguf_reader.h"

enum {
	VERSION_MAX = 3,
	ARENA_BYTES_MAX = 256 * 1024 * 1024 /* a million tensors take half of it */
};

static const struct {
	char magic[5];
	const char *what;
} foreign[] = {
	{"lmgg", "the legacy format ggml: convert it to GGUF"},
	{"fmgg", "the legacy format ggmf: convert it to GGUF"},
	{"tjgg", "the legacy format ggjt: convert it to GGUF"},
	{"algg", "the legacy format ggla: convert it to GGUF"},
	{"FUGG", "GGUF with its magic in the wrong byte order"},
};

static bool read_magic(struct bake_gguf_reader *reader)
{
	struct bake_span magic;

	if (!bake_gguf_take(reader, 4, &magic))
		return false;
	if (memcmp(magic.ptr, "GGUF", 4) == 0)
		return true;
	for (size_t i = 0; i < countof(foreign); i++) {
		if (memcmp(magic.ptr, foreign[i].magic, 4) == 0)
			return bake_gguf_refuse(reader, 0, "gguf.magic", "%s", foreign[i].what);
	}
	return bake_gguf_refuse(reader, 0, "gguf.magic", "not a GGUF file: it begins with '%s'",
		BAKE_SHOW_SPAN((const char *)magic.ptr, magic.len));
}

/* There is no flag for the byte order: a version of the other one is a multiple of 65536. */
static bool read_version(struct bake_gguf_reader *reader)
{
	struct bake_gguf *gguf = reader->gguf;
	uint64_t begin = reader->at;

	if (!bake_gguf_take_u32(reader, &gguf->version))
		return false;
	gguf->big_endian = gguf->version && !(gguf->version & 0xffff);
	if (gguf->big_endian)
		gguf->version = __builtin_bswap32(gguf->version);
	if (gguf->version == 0 || gguf->version > VERSION_MAX) {
		return bake_gguf_refuse(reader, begin, "gguf.version",
			"version %" PRIu32 "%s; 1 to %d are known", gguf->version,
			gguf->big_endian ? " (big-endian)" : "", VERSION_MAX);
	}
	if (reader->mode == BAKE_GGUF_STRICT && gguf->big_endian) {
		return bake_gguf_refuse(reader, begin, "gguf.version",
			"a big-endian file (version %" PRIu32 "), which only big-endian machines "
			"load",
			gguf->version);
	}
	if (reader->mode == BAKE_GGUF_STRICT && gguf->version == 1) {
		return bake_gguf_refuse(reader, begin, "gguf.version",
			"version 1, which is no longer loaded: convert the model again");
	}
	if (gguf->big_endian)
		bake_gguf_warn(reader, BAKE_GGUF_ODD_ENDIAN, "only big-endian machines load it");
	if (gguf->version == 1)
		bake_gguf_warn(reader, BAKE_GGUF_ODD_VERSION, "version 1 is no longer loaded");
	return true;
}

/* Nothing is allocated for what the file cannot hold. */
static bool check_counts(
	struct bake_gguf_reader *reader, uint64_t begin, uint64_t tensors, uint64_t keys)
{
	bool old = reader->gguf->version == 1;
	uint64_t kv_min = old ? BAKE_GGUF_KV_BYTES_MIN_V1 : BAKE_GGUF_KV_BYTES_MIN;
	uint64_t tensor_min = old ? BAKE_GGUF_TENSOR_BYTES_MIN_V1 : BAKE_GGUF_TENSOR_BYTES_MIN;
	uint64_t left = reader->file_bytes - reader->at;

	if (tensors > left / tensor_min || keys > (left - tensors * tensor_min) / kv_min) {
		return bake_gguf_refuse(reader, begin, "gguf.count",
			"%" PRIu64 " tensors and %" PRIu64 " keys, for which %" PRIu64
			" bytes are too few",
			tensors, keys, left);
	}
	if (tensors > BAKE_GGUF_TENSORS_MAX || keys > BAKE_GGUF_KEYS_MAX) {
		return bake_gguf_refuse(reader, begin, "gguf.limit",
			"%" PRIu64 " tensors and %" PRIu64 " keys; at most %d and %d are read",
			tensors, keys, BAKE_GGUF_TENSORS_MAX, BAKE_GGUF_KEYS_MAX);
	}
	return bake_gguf_expect(reader, tensors * tensor_min + keys * kv_min);
}

static bool read_header(struct bake_gguf_reader *reader)
{
	uint64_t begin;
	uint64_t tensors;
	uint64_t keys;

	if (!read_magic(reader) || !read_version(reader))
		return false;
	begin = reader->at;
	if (!bake_gguf_take_size(reader, &tensors) || !bake_gguf_take_size(reader, &keys) ||
		!check_counts(reader, begin, tensors, keys))
		return false;
	reader->gguf->tensor_count = (size_t)tensors;
	reader->gguf->key_count = (size_t)keys;
	return bake_gguf_read_keys(reader) && bake_gguf_read_tensors(reader) &&
	       bake_gguf_lay_out(reader);
}

static const char *const oddity_names[BAKE_GGUF_ODDITIES] = {
	[BAKE_GGUF_ODD_VERSION] = "version",
	[BAKE_GGUF_ODD_ENDIAN] = "big-endian",
	[BAKE_GGUF_ODD_ALIGNMENT] = "alignment",
	[BAKE_GGUF_ODD_NAME] = "name-long",
	[BAKE_GGUF_ODD_TYPE] = "type",
	[BAKE_GGUF_ODD_EMPTY] = "empty",
	[BAKE_GGUF_ODD_NONE] = "no-tensors",
	[BAKE_GGUF_ODD_TAIL] = "tail",
};

static bool keep_warnings(struct bake_gguf_reader *reader)
{
	struct bake_gguf *gguf = reader->gguf;

	gguf->warnings =
		bake_arena_array(&gguf->arena, BAKE_GGUF_ODDITIES, sizeof(*gguf->warnings));
	if (!gguf->warnings)
		return bake_gguf_refuse_memory(reader);
	for (size_t i = 0; i < BAKE_GGUF_ODDITIES; i++) {
		uint64_t count = reader->oddities[i].count;
		char text[BAKE_GGUF_WARNING_MAX + 64];
		char more[48] = "";

		if (count == 0)
			continue;
		if (count > 1)
			(void)snprintf(more, sizeof(more), " (and %" PRIu64 " more)", count - 1);
		(void)snprintf(text, sizeof(text), "%s: %s%s", oddity_names[i],
			reader->oddities[i].first, more);
		gguf->warnings[gguf->warning_count] = bake_arena_text(&gguf->arena, text);
		if (!gguf->warnings[gguf->warning_count])
			return bake_gguf_refuse_memory(reader);
		gguf->warning_count++;
	}
	return true;
}

enum bake_status bake_gguf_parse(struct bake_span head, uint64_t file_bytes, const char *name,
	enum bake_gguf_mode mode, uint64_t *out_need, struct bake_gguf **out,
	struct bake_error *err)
{
	_cleanup_(bake_gguf_free) struct bake_gguf *gguf = calloc(1, sizeof(*gguf));
	struct bake_gguf_reader reader = {
		.head = bake_span(head.ptr, (size_t)bake_u64_min(head.len, file_bytes)),
		.file_bytes = file_bytes,
		.file = name,
		.mode = mode,
		.gguf = gguf,
		.err = err,
	};

	if (!gguf)
		return bake_error_nomem(err);
	gguf->arena.max = ARENA_BYTES_MAX;
	gguf->file_bytes = file_bytes;
	if (read_header(&reader) && keep_warnings(&reader)) {
		*out = gguf;
		gguf = NULL;
		return BAKE_OK;
	}
	if (reader.status == BAKE_OK)
		*out_need = reader.need;
	return reader.status;
}

void bake_gguf_free(struct bake_gguf **gguf)
{
	if (*gguf)
		bake_arena_release(&(*gguf)->arena);
	free(*gguf);
	*gguf = NULL;
}
