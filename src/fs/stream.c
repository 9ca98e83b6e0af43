/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"

enum {
	SLOW_BYTES = 256 * 1024,
	COMPACT_BYTES = 64 * 1024,
	/* A pipe that poll(2) calls writable takes PIPE_BUF bytes without blocking, whoever else has
	 * it: the descriptor's flags are not ours alone when it is standard output. */
	PIPE_PIECE = 4096,
	FILE_PIECE = 256 * 1024,
	STEP_MS = 50
};

static int open_for_writing(const char *path)
{
	const int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | flags, 0644);

	/* A FIFO without a reader: one that is open for both keeps the lines until one comes. */
	if (fd < 0 && errno == ENXIO)
		fd = open(path, O_RDWR | flags);
	return fd;
}

enum bake_status bake_stream_open(
	struct bake_stream *stream, const char *path, struct bake_error *err)
{
	struct stat st;
	bool standard = strcmp(path, "-") == 0;
	int fd = standard ? STDOUT_FILENO : open_for_writing(path);

	if (fd < 0)
		return bake_error_errno(err, errno, "write '%s'", BAKE_SHOW(path));
	stream->fd = fd;
	stream->owned = !standard;
	stream->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	return BAKE_OK;
}

/* The lines that were written make room. */
static void compact(struct bake_stream *stream)
{
	struct bake_buf *wait = &stream->wait;

	if (stream->sent == wait->len) {
		bake_buf_clear(wait);
		stream->sent = 0;
	} else if (stream->sent >= COMPACT_BYTES) {
		memmove(wait->ptr, wait->ptr + stream->sent, wait->len - stream->sent);
		wait->len -= stream->sent;
		stream->sent = 0;
	}
}

void bake_stream_add(struct bake_stream *stream, struct bake_span line)
{
	if (stream->fd < 0 || stream->failed)
		return;
	if (line.len > stream->wait.max - stream->wait.len) {
		stream->lost++;
		return;
	}
	bake_buf_add(&stream->wait, line.ptr, line.len);
}

bool bake_stream_is_slow(const struct bake_stream *stream)
{
	return stream->wait.len - stream->sent > SLOW_BYTES;
}

/* Whether a write would not block; at the latest after wait_ms. */
static bool ready(const struct bake_stream *stream, int wait_ms)
{
	struct pollfd what = {.fd = stream->fd, .events = POLLOUT};

	return stream->regular || poll(&what, 1, wait_ms) > 0;
}

/* One write. False when nothing more can be written now. */
static bool put(struct bake_stream *stream)
{
	size_t left = stream->wait.len - stream->sent;
	size_t most = stream->regular ? FILE_PIECE : PIPE_PIECE;
	ssize_t done;

	if (!left || !ready(stream, 0))
		return false;
	done = write(stream->fd, stream->wait.ptr + stream->sent, left < most ? left : most);
	if (done > 0)
		stream->sent += (size_t)done;
	else if (done < 0 && errno != EINTR && errno != EAGAIN)
		stream->failed = errno;
	compact(stream);
	return done > 0;
}

void bake_stream_flush(struct bake_stream *stream)
{
	while (stream->fd >= 0 && !stream->failed && put(stream))
		;
}

bool bake_stream_close(struct bake_stream *stream, unsigned patience_ms)
{
	bool whole;

	bake_stream_flush(stream);
	for (unsigned idle = 0; stream->fd >= 0 && !stream->failed &&
				stream->wait.len > stream->sent && idle < patience_ms;
		idle += STEP_MS) {
		size_t before = stream->wait.len - stream->sent;

		(void)ready(stream, STEP_MS);
		bake_stream_flush(stream);
		if (stream->wait.len - stream->sent < before)
			idle = 0;
	}
	whole = !stream->failed && !stream->lost && !stream->wait.nomem &&
		stream->wait.len == stream->sent;
	if (stream->owned)
		cleanup_close(&stream->fd);
	stream->fd = -1;
	bake_buf_release(&stream->wait);
	stream->sent = 0;
	return whole;
}
