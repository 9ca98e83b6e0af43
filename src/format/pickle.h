/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can execute code when it is loaded: Python's pickle in any wrapping, and its like. Nothing is
 * loaded, unpacked or searched for bad calls: a list of bad calls has always been passed by, so what
 * is a pickle is named one, and whoever trusts the file says so by its digest. Pure functions.
 */
#ifndef FORMAT_PICKLE_H
#define FORMAT_PICKLE_H

#include <stdint.h>

#include "base/span.h"

enum {
	/* What is wanted of a file's two ends. With less, less is seen. */
	BAKE_PICKLE_HEAD_BYTES = 64 * 1024,
	BAKE_PICKLE_TAIL_BYTES = 256 * 1024
};

struct bake_pickle_view {
	const char *name; /* path; NULL: not known */
	struct bake_span head;
	struct bake_span tail; /* empty: not seen yet, while the file comes in */
	uint64_t size;	       /* bytes of the whole file */
};

/*
 * Names that promise a pickle: .pt .pth .ckpt .pkl .pickle .joblib .dill, also before .gz and the
 * like, and pytorch_model*.bin. In any case of letters. Other names (.bin, .h5, .npy) say too little:
 * of those the content decides. What it is, for a message, or NULL.
 */
const char *bake_pickle_by_name(const char *path);

/* By the bytes, and by the name where only both together tell (zlib in a .joblib). What it is, for a
 * message: "a pickle", "a zip archive with a pickle", ... NULL when it is nothing of the kind. */
const char *bake_pickle_by_content(const struct bake_pickle_view *view);

#endif
