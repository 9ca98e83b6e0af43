/* SPDX-License-Identifier: Apache-2.0 */
/* Copying a file that is here already through the sink: nothing is published unverified. */
#ifndef STORE_COPY_H
#define STORE_COPY_H

#include "base/error.h"
#include "base/event.h"
#include "fs/sink.h"

/* Writes all of from, read from its beginning, to the sink that was opened for it, and commits.
 * A source that is not what was pinned: BAKE_ERR_INTEGRITY. */
enum bake_status bake_store_copy(int from, struct bake_sink *sink, const struct bake_events *events,
	struct bake_error *err) BAKE_CHECKED;

#endif
