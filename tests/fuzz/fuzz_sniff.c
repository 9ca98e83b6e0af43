/* SPDX-License-Identifier: Apache-2.0 */
/* What bytes are: the same answer twice, none that needs bytes behind the end, and more of a file
 * never makes a whole pickle a harmless one. */
#include "format/archive.h"
#include "format/pickle.h"
#include "format/pickle_code.h"
#include "format/sniff.h"
#include "fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *copy = malloc(size ? size : 1); /* ends where it ends */
	struct bake_pickle_view view = {.name = "model.bin", .size = size};
	struct bake_pickle_walk walk;
	const char *hint = NULL;
	const char *what;

	CLAIM(copy);
	if (size)
		memcpy(copy, data, size);
	view.head = bake_span(copy, size);
	keep_text(bake_sniff_describe(view.head, &hint));
	keep_text(hint);
	keep_text(bake_archive_describe(bake_archive_kind(view.head)));
	keep_text(bake_pickle_by_content(&view));
	view.tail = view.head;
	what = bake_pickle_by_content(&view);
	CLAIM(what == bake_pickle_by_content(&view));
	walk = bake_pickle_walk(view.head, size);
	CLAIM(walk.count <= size);
	CLAIM(!walk.stopped || walk.valid);
	/* What runs to its end and imports is refused, whatever else it may be. */
	CLAIM(!(walk.valid && walk.stopped && walk.imports && walk.count > 1) || what);
	view.size = UINT64_MAX;
	keep_text(bake_pickle_by_content(&view));
	return 0;
}
