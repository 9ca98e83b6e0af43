/* SPDX-License-Identifier: Apache-2.0 */
#include "store/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"

enum {
	PIECE_BYTES = 1024 * 1024
};

static enum bake_status copy_bytes(
	int from, struct bake_sink *sink, const struct bake_events *events, struct bake_error *err)
{
	_cleanup_free_ uint8_t *piece = malloc(PIECE_BYTES);

	if (!piece)
		return bake_error_nomem(err);
	while (!bake_sink_full(sink)) {
		ssize_t got = pread(from, piece, PIECE_BYTES, (off_t)sink->frontier);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bake_error_errno(err, errno, "read");
		if (got == 0)
			return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
				"expected %" PRIu64 " bytes, got %" PRIu64, sink->size,
				sink->frontier);
		BAKE_TRY(bake_sink_write(sink, sink->frontier, bake_span(piece, (size_t)got), err));
		bake_emit_bytes(
			events, BAKE_EVENT_PROGRESS, sink->path.text, sink->frontier, sink->size);
		BAKE_TRY(bake_stop_check(err));
	}
	return BAKE_OK;
}

enum bake_status bake_store_copy(
	int from, struct bake_sink *sink, const struct bake_events *events, struct bake_error *err)
{
	struct stat st;

	if (fstat(from, &st) != 0)
		return bake_error_errno(err, errno, "read");
	if ((uint64_t)st.st_size != sink->size)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"expected %" PRIu64 " bytes, got %" PRIu64, sink->size,
			(uint64_t)st.st_size);
	/* What an earlier run left may be wrong, and copying takes no longer than reading it again. */
	if (sink->resumed > 0)
		BAKE_TRY(bake_sink_restart(sink, err));
	(void)posix_fadvise(from, 0, 0, POSIX_FADV_SEQUENTIAL);
	BAKE_TRY(copy_bytes(from, sink, events, err));
	return bake_sink_commit(sink, err);
}
