/* SPDX-License-Identifier: Apache-2.0 */
/* Inspecting a file that comes through a pipe, of which only the beginning is read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/stop.h"
#include "base/text.h"
#include "ops/inspect.h"

#define LINE_BEGIN "bake.peek/1 "

enum {
	LINE_BYTES = 64,
	PIECE_BYTES = 64 * 1024
};

struct stream {
	int fd;
	uint8_t *bytes; /* what came so far, from the file's beginning */
	size_t len;
	size_t room;
};

static void stream_release(struct stream *stream)
{
	free(stream->bytes);
}

static enum bake_status read_some(
	int fd, void *out, size_t len, size_t *out_got, struct bake_error *err)
{
	ssize_t got;

	do {
		BAKE_TRY(bake_stop_check(err));
		got = read(fd, out, len);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return bake_error_errno(err, errno, "pipe");
	if (got == 0)
		return bake_error_set(err, BAKE_ERR_TEMPORARY, "inspect.short",
			"the file ended before its header did");
	*out_got = (size_t)got;
	return BAKE_OK;
}

/* The line in front of the file, byte by byte: what follows it is the file's. */
static enum bake_status read_line(int fd, uint64_t *out_bytes, struct bake_error *err)
{
	const size_t begin = strlen(LINE_BEGIN);
	char line[LINE_BYTES];
	size_t len = 0;
	size_t got;

	for (;;) {
		BAKE_TRY(read_some(fd, line + len, 1, &got, err));
		if (line[len] == '\n')
			break;
		if (++len == sizeof(line))
			break;
	}
	if (len > begin && len < sizeof(line) && memcmp(line, LINE_BEGIN, begin) == 0 &&
		bake_number_parse(line + begin, len - begin, out_bytes))
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_PROTOCOL, "inspect.stream",
		"what comes through the pipe is not \"" LINE_BEGIN "BYTES\" and a file");
}

/* Reads on until there are need bytes. Room is made for what came, not for what was promised. */
static enum bake_status fill(struct stream *stream, size_t need, struct bake_error *err)
{
	while (stream->len < need) {
		void *bytes = stream->bytes;
		size_t got;

		if (!bake_grow(&bytes, &stream->room, stream->len + PIECE_BYTES, 1))
			return bake_error_nomem(err);
		stream->bytes = bytes;
		BAKE_TRY(
			read_some(stream->fd, stream->bytes + stream->len, PIECE_BYTES, &got, err));
		stream->len += got;
	}
	return BAKE_OK;
}

static enum bake_status stream_read(
	void *context, size_t at, uint64_t offset, void *out, size_t len, struct bake_error *err)
{
	struct stream *stream = context;
	uint64_t end;

	(void)at;
	if (!bake_u64_add(offset, len, &end) || end > BAKE_GGUF_HEADER_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "inspect.limit",
			"more than %d bytes in front of the data", BAKE_GGUF_HEADER_MAX);
	BAKE_TRY(fill(stream, (size_t)end, err));
	memcpy(out, stream->bytes + offset, len);
	return BAKE_OK;
}

enum bake_status bake_inspect_stream(int fd, const char *name,
	const struct bake_inspect_options *options, struct bake_inspection **out,
	struct bake_error *err)
{
	_cleanup_(bake_inspection_free) struct bake_inspection *inspection = NULL;
	_cleanup_(stream_release) struct stream stream = {.fd = fd};
	struct bake_inspect_entry entry = {.path = name};
	struct bake_inspect_options only = *options;
	struct bake_inspect_source source = {
		.entries = &entry,
		.count = 1,
		.read = stream_read,
		.context = &stream,
		.from_front = true,
	};

	only.only = name;
	BAKE_TRY(read_line(fd, &entry.bytes, err));
	BAKE_TRY(bake_inspect(&source, &only, &inspection, err));
	BAKE_TRY(bake_inspect_judge(inspection, name, err));
	*out = inspection;
	inspection = NULL;
	return BAKE_OK;
}
