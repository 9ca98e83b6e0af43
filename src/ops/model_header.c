/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/model_header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

enum {
	/* Enough for the headers of most files with weights in one read. */
	FIRST_BYTES = 256 * 1024,
	/* Enough for most vocabularies: reading them again from the start costs more than this. */
	SECOND_BYTES = 4 * 1024 * 1024
};

enum bake_weights_format bake_weights_format_of(const char *name, struct bake_span head)
{
	if (bake_text_ends(name, ".gguf"))
		return BAKE_WEIGHTS_GGUF;
	if (bake_text_ends(name, ".safetensors"))
		return BAKE_WEIGHTS_SAFETENSORS;
	if (head.len >= 4 && memcmp(head.ptr, "GGUF", 4) == 0)
		return BAKE_WEIGHTS_GGUF;
	/* The length of the JSON, whose upper half is 0, and the JSON's brace. */
	if (head.len >= 9 && memcmp(head.ptr + 4, "\0\0\0\0{", 5) == 0)
		return BAKE_WEIGHTS_SAFETENSORS;
	return BAKE_WEIGHTS_NONE;
}

/* Makes out->bytes reach to count. */
static enum bake_status read_up_to(const struct bake_model_bytes *from, uint64_t count,
	struct bake_model_header *out, struct bake_error *err)
{
	uint8_t *bytes;

	if (count <= out->byte_count)
		return BAKE_OK;
	bytes = realloc(out->bytes, count);
	if (!bytes)
		return bake_error_nomem(err);
	out->bytes = bytes;
	BAKE_TRY(from->read(from->context, out->byte_count, bytes + out->byte_count,
		count - out->byte_count, err));
	out->byte_count = count;
	return BAKE_OK;
}

static enum bake_status parse(const struct bake_model_bytes *from, const char *name,
	enum bake_gguf_mode mode, uint64_t *need, struct bake_model_header *out,
	struct bake_error *err)
{
	struct bake_span head = bake_span(out->bytes, out->byte_count);

	*need = 0;
	if (out->format == BAKE_WEIGHTS_GGUF)
		return bake_gguf_parse(head, from->file_bytes, name, mode, need, &out->gguf, err);
	return bake_safetensors_parse(head, from->file_bytes, name, need, &out->safetensors, err);
}

static enum bake_status read_header(const struct bake_model_bytes *from, const char *name,
	enum bake_gguf_mode mode, struct bake_model_header *out, struct bake_error *err)
{
	uint64_t need = bake_u64_min(FIRST_BYTES, from->file_bytes);
	uint64_t more;

	BAKE_TRY(read_up_to(from, need, out, err));
	out->format = bake_weights_format_of(name, bake_span(out->bytes, out->byte_count));
	while (out->format != BAKE_WEIGHTS_NONE) {
		BAKE_TRY(parse(from, name, mode, &need, out, err));
		if (out->gguf || out->safetensors)
			return BAKE_OK;
		if (need <= out->byte_count || need > from->file_bytes)
			return bake_error_set(err, BAKE_ERR_INTERNAL, "internal.header",
				"%s: the reader asks for %llu bytes and has %zu", BAKE_SHOW(name),
				(unsigned long long)need, out->byte_count);
		/* A parser may know only what comes next: asking twice as much keeps it linear. */
		more = out->byte_count < SECOND_BYTES ? SECOND_BYTES : 2 * out->byte_count;
		need = bake_u64_max(need, bake_u64_min(more, from->file_bytes));
		BAKE_TRY(read_up_to(from, need, out, err));
	}
	return BAKE_OK;
}

enum bake_status bake_model_header_read(const struct bake_model_bytes *from, const char *name,
	enum bake_gguf_mode mode, struct bake_model_header *out, struct bake_error *err)
{
	struct bake_model_header header = {.format = BAKE_WEIGHTS_NONE};

	if (read_header(from, name, mode, &header, err) != BAKE_OK) {
		bake_model_header_release(&header);
		return err->status;
	}
	*out = header;
	return BAKE_OK;
}

static enum bake_status read_fd(
	void *context, uint64_t offset, void *out, size_t len, struct bake_error *err)
{
	int fd = *(int *)context;
	uint8_t *at = out;

	while (len) {
		ssize_t got = pread(fd, at, len, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bake_error_errno(err, errno, "read");
		if (got == 0)
			return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
				"it became shorter while it was read");
		at += got;
		offset += (uint64_t)got;
		len -= (size_t)got;
	}
	return BAKE_OK;
}

enum bake_status bake_model_header_read_fd(int fd, uint64_t file_bytes, const char *name,
	enum bake_gguf_mode mode, struct bake_model_header *out, struct bake_error *err)
{
	struct bake_model_bytes from = {read_fd, &fd, file_bytes};

	return bake_model_header_read(&from, name, mode, out, err);
}

void bake_model_header_release(struct bake_model_header *header)
{
	bake_gguf_free(&header->gguf);
	bake_safetensors_free(&header->safetensors);
	free(header->bytes);
	*header = (struct bake_model_header){.format = BAKE_WEIGHTS_NONE};
}
