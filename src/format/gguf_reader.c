/* SPDX-License-Identifier: Apache-2.0 */
#include "format/gguf_reader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"

bool bake_gguf_refuse(
	struct bake_gguf_reader *reader, uint64_t offset, const char *id, const char *format, ...)
{
	char text[BAKE_GGUF_WARNING_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (reader->what) {
		reader->status = bake_error_set(reader->err, BAKE_ERR_DATA, id,
			"%s: at byte %" PRIu64 ": %s '%s': %s", BAKE_SHOW(reader->file), offset,
			reader->what,
			BAKE_SHOW_SPAN((const char *)reader->whose.ptr, reader->whose.len), text);
	} else {
		reader->status = bake_error_set(reader->err, BAKE_ERR_DATA, id,
			"%s: at byte %" PRIu64 ": %s", BAKE_SHOW(reader->file), offset, text);
	}
	return false;
}

bool bake_gguf_refuse_memory(struct bake_gguf_reader *reader)
{
	reader->status = bake_error_nomem(reader->err);
	return false;
}

void bake_gguf_warn(
	struct bake_gguf_reader *reader, enum bake_gguf_oddity oddity, const char *format, ...)
{
	va_list args;

	if (reader->oddities[oddity].count++)
		return;
	va_start(args, format);
	(void)vsnprintf(reader->oddities[oddity].first, sizeof(reader->oddities[oddity].first),
		format, args);
	va_end(args);
}

bool bake_gguf_expect(struct bake_gguf_reader *reader, uint64_t len)
{
	uint64_t left = reader->file_bytes - reader->at;

	if (len > left) {
		return bake_gguf_refuse(reader, reader->at, "gguf.truncated",
			"the file ends within the header: %" PRIu64 " bytes are wanted, %" PRIu64
			" are left",
			len, left);
	}
	if (len > BAKE_GGUF_HEADER_MAX - reader->at) {
		return bake_gguf_refuse(reader, reader->at, "gguf.limit",
			"the header is larger than %d bytes", BAKE_GGUF_HEADER_MAX);
	}
	if (len > reader->head.len - reader->at) {
		reader->need = reader->at + len;
		return false;
	}
	return true;
}

bool bake_gguf_take(struct bake_gguf_reader *reader, uint64_t len, struct bake_span *out)
{
	if (!bake_gguf_expect(reader, len))
		return false;
	*out = bake_span(reader->head.ptr + reader->at, (size_t)len);
	reader->at += len;
	return true;
}

uint64_t bake_gguf_number(const uint8_t *bytes, size_t width, bool big_endian)
{
	uint64_t value = 0;

	for (size_t i = 0; i < width; i++)
		value = value << 8 | bytes[big_endian ? i : width - 1 - i];
	return value;
}

static bool take_number(struct bake_gguf_reader *reader, size_t width, uint64_t *out)
{
	struct bake_span bytes;

	if (!bake_gguf_take(reader, width, &bytes))
		return false;
	*out = bake_gguf_number(bytes.ptr, width, reader->gguf->big_endian);
	return true;
}

bool bake_gguf_take_u32(struct bake_gguf_reader *reader, uint32_t *out)
{
	uint64_t value;

	if (!take_number(reader, sizeof(*out), &value))
		return false;
	*out = (uint32_t)value;
	return true;
}

bool bake_gguf_take_u64(struct bake_gguf_reader *reader, uint64_t *out)
{
	return take_number(reader, sizeof(*out), out);
}

bool bake_gguf_take_size(struct bake_gguf_reader *reader, uint64_t *out)
{
	return take_number(
		reader, reader->gguf->version == 1 ? sizeof(uint32_t) : sizeof(uint64_t), out);
}

bool bake_gguf_take_string(
	struct bake_gguf_reader *reader, uint64_t max, const char *id, struct bake_span *out)
{
	uint64_t begin = reader->at;
	uint64_t len;

	if (!bake_gguf_take_size(reader, &len))
		return false;
	if (len > max) {
		return bake_gguf_refuse(reader, begin, id,
			"a string of %" PRIu64 " bytes; at most %" PRIu64 " are read", len, max);
	}
	if (!bake_gguf_take(reader, len, out))
		return false;
	/* Writers of version 1 counted the NUL at the end. */
	if (reader->gguf->version == 1 && out->len && !out->ptr[out->len - 1])
		out->len--;
	return true;
}

bool bake_gguf_check_name(
	struct bake_gguf_reader *reader, uint64_t offset, const char *id, struct bake_span name)
{
	if (!bake_utf8_valid((const char *)name.ptr, name.len))
		return bake_gguf_refuse(reader, offset, id, "the name is not UTF-8");
	/* Readers in C would see another, shorter name. */
	if (name.len && memchr(name.ptr, 0, name.len))
		return bake_gguf_refuse(reader, offset, id, "a NUL in the name");
	return true;
}
