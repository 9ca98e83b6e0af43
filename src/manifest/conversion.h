/* SPDX-License-Identifier: Apache-2.0 */
/* How a model is converted, in manifest and lock. Inside manifest only. */
#ifndef MANIFEST_CONVERSION_H
#define MANIFEST_CONVERSION_H

#include "json/json.h"
#include "json/writer.h"
#include "manifest/manifest.h"

/* A manifest's "convert": how, and what comes of it. */
enum bake_status bake_conversion_read(const struct bake_json *value, struct bake_arena *arena,
	const struct bake_manifest_output **out, struct bake_error *err) BAKE_CHECKED;

/* The fields that say how, for readers of objects that have more. out is a struct
 * bake_conversion_reading. */
struct bake_conversion_reading {
	struct bake_arena *arena;
	struct bake_conversion how;
};
enum bake_status bake_conversion_type(
	const struct bake_json *value, void *out, struct bake_error *err);
enum bake_status bake_conversion_input(
	const struct bake_json *value, void *out, struct bake_error *err);
enum bake_status bake_conversion_arch(
	const struct bake_json *value, void *out, struct bake_error *err);
enum bake_status bake_conversion_keep(
	const struct bake_json *value, void *out, struct bake_error *err);
enum bake_status bake_conversion_strict(
	const struct bake_json *value, void *out, struct bake_error *err);

/* Writes them as members of the object that is open. */
void bake_conversion_put(struct bake_json_writer *writer, const struct bake_conversion *how);

#endif
