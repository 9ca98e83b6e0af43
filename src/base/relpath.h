/* SPDX-License-Identifier: Apache-2.0 */
/* Paths from documents and servers. Nothing reaches the file system but through these. */
#ifndef BASE_RELPATH_H
#define BASE_RELPATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

/* The file system's own limits, and a depth no model tree comes near. */
enum {
	BAKE_PATH_MAX = 4095,
	BAKE_PATH_COMPONENT_MAX = 255,
	BAKE_PATH_DEPTH_MAX = 64,
};

/*
 * A relative path that has been checked: not empty, no empty, "." or ".." component, valid UTF-8,
 * no control or bidirectional character, no backslash, no drive letter, no component ending in a
 * dot or a blank, within the limits above. Made only by bake_relpath_parse. Borrows its text.
 */
struct bake_relpath {
	const char *text;
	size_t len;
};

/* BAKE_ERR_DATA path.unsafe or path.too-long, naming the path escaped. */
enum bake_status bake_relpath_parse(
	const char *text, struct bake_relpath *out, struct bake_error *err) BAKE_CHECKED;

/* The same, and refuses what is ours in a models directory: .bake, model-info.json and
 * model-info.runtime.json (path.reserved). */
enum bake_status bake_relpath_parse_model(
	const char *text, struct bake_relpath *out, struct bake_error *err) BAKE_CHECKED;

/* The part after the last slash. */
const char *bake_relpath_name(struct bake_relpath path);

/* Length of the directory part, without its slash; 0 when there is none. */
size_t bake_relpath_dir_len(struct bake_relpath path);

/*
 * Whether the paths can live in one tree: none twice, none a directory of another, none differing
 * from another only by case or by how a letter's accent is encoded (BAKE_ERR_DATA
 * path.collision). All are valid UTF-8. scratch has what that takes meanwhile: up to three times the
 * texts.
 */
enum bake_status bake_relpath_check_set(const char *const *paths, size_t count,
	struct bake_arena *scratch, struct bake_error *err) BAKE_CHECKED;

#endif
