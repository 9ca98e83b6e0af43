/* SPDX-License-Identifier: Apache-2.0 */
#include "store/copy.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "fs/file.h"

struct progress {
	const struct bake_events *events;
	const struct bake_sink *sink;
	uint64_t done;
};

static void on_more(void *context, uint64_t bytes)
{
	struct progress *progress = context;

	progress->done += bytes;
	bake_emit_bytes(progress->events, BAKE_EVENT_PROGRESS, progress->sink->path.text,
		progress->done, progress->sink->size);
}

enum bake_status bake_store_copy(
	int from, struct bake_sink *sink, const struct bake_events *events, struct bake_error *err)
{
	struct progress state = {.events = events, .sink = sink};
	struct bake_read_progress progress = {.more = on_more, .context = &state};
	struct stat st;

	if (fstat(from, &st) != 0)
		return bake_error_errno(err, errno, "read");
	if ((uint64_t)st.st_size != sink->size)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"expected %" PRIu64 " bytes, got %" PRIu64, sink->size,
			(uint64_t)st.st_size);
	BAKE_TRY(bake_sink_copy(sink, from, &progress, err));
	bake_emit_bytes(events, BAKE_EVENT_VERIFY, sink->path.text, sink->size, sink->size);
	return bake_sink_commit(sink, err);
}
