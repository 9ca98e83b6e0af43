/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of the fields that manifest, lock and index have in common. */
#ifndef MANIFEST_FIELDS_H
#define MANIFEST_FIELDS_H

#include "json/json.h"
#include "json/writer.h"
#include "manifest/manifest.h"

/* Most bytes of the kinds of text in our documents. */
enum {
	BAKE_NAME_MAX = 128,
	BAKE_TITLE_MAX = 1024,
	BAKE_TEXT_MAX = 8192,
	BAKE_URL_MAX = 2048,
};

/* "bake.manifest/1" and the like: another name is BAKE_ERR_DATA, another major version
 * BAKE_ERR_CONFIG schema.version. */
enum bake_status bake_field_schema(
	const struct bake_json *value, const char *schema, struct bake_error *err) BAKE_CHECKED;

/* Letters, digits, '.', '_', '-'; begins with a letter or digit. */
enum bake_status bake_field_id(
	const struct bake_json *value, const char *text, struct bake_error *err) BAKE_CHECKED;

/* A path below the models directory. */
enum bake_status bake_field_path(const struct bake_json *value, struct bake_arena *arena,
	const char **out, struct bake_error *err) BAKE_CHECKED;

/* A path that leaves nowhere, but may have any name: at the source. */
enum bake_status bake_field_source_path(const struct bake_json *value, struct bake_arena *arena,
	const char **out, struct bake_error *err) BAKE_CHECKED;

/* "https://..." or "http://...", without blanks. */
enum bake_status bake_field_url(const struct bake_json *value, struct bake_arena *arena,
	const char **out, struct bake_error *err) BAKE_CHECKED;

/* An array of URLs, each as above. */
enum bake_status bake_field_urls(const struct bake_json *value, struct bake_arena *arena,
	const char *const **out, size_t *out_count, struct bake_error *err) BAKE_CHECKED;

/* A SHA-256 in any accepted spelling. */
enum bake_status bake_field_sha256(const struct bake_json *value, struct bake_digest *out,
	struct bake_error *err) BAKE_CHECKED;

/* {"hub": ..., "revision": ...} or {"url": ...} or {"file": ...}; with_commit: a lock's, where a
 * hub source must have its commit. */
enum bake_status bake_field_source(const struct bake_json *value, bool with_commit,
	struct bake_arena *arena, struct bake_source *out, struct bake_error *err) BAKE_CHECKED;

/* Writes that, as the member key. */
void bake_source_write(
	struct bake_json_writer *writer, const char *key, const struct bake_source *source);

/* {"precision": ..., "rank": ..., "steps": ...} */
enum bake_status bake_field_variant(const struct bake_json *value, enum bake_json_unknown unknown,
	struct bake_arena *arena, struct bake_variant *out, struct bake_error *err) BAKE_CHECKED;

/* An array of those, and an array of ranks. */
enum bake_status bake_field_variants(const struct bake_json *value, enum bake_json_unknown unknown,
	struct bake_arena *arena, const struct bake_variant **out, size_t *out_count,
	struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_field_ranks(const struct bake_json *value, struct bake_arena *arena,
	const uint32_t **out, size_t *out_count, struct bake_error *err) BAKE_CHECKED;

#endif
