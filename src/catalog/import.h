/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of models that other programs keep, as a manifest. What they say is copied, checked or
 * complained about; nothing is made up: a size such as "6.9 GB" is no pin, and what is no digest is
 * left out.
 */
#ifndef CATALOG_IMPORT_H
#define CATALOG_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"

enum bake_import_format {
	BAKE_IMPORT_AUTO,
	BAKE_IMPORT_CATALOG, /* models_catalog.json: categories, models, formats */
	BAKE_IMPORT_CHROMA,  /* chroma_models.json: lists by kind */
	BAKE_IMPORT_COMFYUI, /* model-list.json of ComfyUI-Manager */
	BAKE_IMPORT_LUMARA,  /* entries with model_id, repo_id, download_url */
	BAKE_IMPORT_MODELS_TXT /* lines "DIRECTORY URL" */,
	BAKE_IMPORT_ARIA2, /* an input file of aria2c */
	BAKE_IMPORT_FORMATS
};

extern const char *const bake_import_formats[]; /* their words, NULL-ended */

enum {
	BAKE_IMPORT_BYTES_MAX = 64 * 1024 * 1024,
	BAKE_IMPORT_WARNINGS_MAX = 10000 /* that are kept; all are counted */
};

/* What is doubtful, and of which entry; NULL: of the document. */
struct bake_import_warning {
	const char *document;
	const char *entry;
	const char *id; /* "import.size" */
	const char *message;
};

struct bake_import;

enum bake_status bake_import_new(struct bake_import **out, struct bake_error *err) BAKE_CHECKED;
void bake_import_free(struct bake_import **import);

/* Adds the entries of a document. name is for messages. Not any of these: BAKE_ERR_DATA
 * import.unknown. */
enum bake_status bake_import_read(struct bake_import *import, struct bake_span text,
	const char *name, enum bake_import_format format, struct bake_error *err) BAKE_CHECKED;

/*
 * Adds what is in a directory: each of its directories and files is a model. Files are hashed, so
 * that all are pinned. prefix is the directory as seen from the manifest, "" when it is the
 * manifest's own.
 */
enum bake_status bake_import_directory(struct bake_import *import, int root, const char *prefix,
	const char *name, struct bake_error *err) BAKE_CHECKED;

/*
 * Settles ids, sources, digests, sizes and places of all entries, and writes the manifest. It is
 * right for bake_manifest_parse, and the same for the same documents. Called once. Without a single
 * entry: BAKE_ERR_NOINPUT import.nothing.
 */
enum bake_status bake_import_write(struct bake_import *import, const char *manifest_name,
	struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

const struct bake_import_warning *bake_import_warnings(
	const struct bake_import *import, size_t *out_count);
size_t bake_import_model_count(const struct bake_import *import);
size_t bake_import_left_out(const struct bake_import *import);

#endif
