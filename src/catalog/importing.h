/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of import share: entries as they were read, and as they are settled. */
#ifndef CATALOG_IMPORTING_H
#define CATALOG_IMPORTING_H

#include "base/arena.h"
#include "catalog/import.h"
#include "json/json.h"
#include "manifest/manifest.h"

/* What is NULL was not said. All texts are the arena's. */
struct bake_import_item {
	/* As read: */
	const char *document;
	const char *label; /* what it is called there */
	const char *id;
	const char *key; /* what profiles call it */
	const char *title;
	const char *description;
	const char *role;
	const char *category;
	const char *dir;       /* to put it into */
	const char *file_name; /* to save it as */
	const char *url;
	const char *repo;
	const char *size_text;
	const char *sha256;
	const char *const *tags;
	size_t tag_count;
	uint64_t size;
	uint64_t min_ram_gb;
	uint64_t priority;
	bool has_size;
	bool estimate; /* the size is one of megabytes */
	bool is_default;
	bool recommended;
	bool required;
	/* Settled, or of a directory: */
	struct bake_source source;
	struct bake_manifest_file *files;
	size_t file_count;
	const char *path;
	const char *alias;
	bool left_out;
};

struct bake_import_profile {
	const char *document;
	const char *name;
	const char *const *keys;
	size_t count;
};

struct bake_import {
	struct bake_arena arena;
	struct bake_import_item *items;
	size_t count;
	size_t room;
	struct bake_import_profile *profiles;
	size_t profile_count;
	size_t profile_room;
	struct bake_import_warning *warnings;
	size_t warning_count; /* kept */
	size_t warning_room;
	size_t warnings_all;
	const char *document; /* that is being read */
	/* Figures that many entries lack: one warning for all of them. */
	size_t texts_of_sizes;
	size_t estimates;
	size_t no_digest;
};

/* Adds a copy of item, in which document is filled in. */
enum bake_status bake_import_add(struct bake_import *import, const struct bake_import_item *item,
	struct bake_error *err) BAKE_CHECKED;

/* entry NULL: of the document. */
enum bake_status bake_import_warn(struct bake_import *import, const char *entry, const char *id,
	struct bake_error *err, const char *format, ...) BAKE_PRINTF(5, 6);

/* The same of an item, which it also leaves out. */
enum bake_status bake_import_drop(struct bake_import *import, struct bake_import_item *item,
	const char *id, struct bake_error *err, const char *message) BAKE_CHECKED;

/* text on one line without what a terminal would obey, at most max bytes. *out NULL: nothing is
 * left of it. */
enum bake_status bake_import_clean(struct bake_import *import, const char *text, size_t max,
	const char **out, struct bake_error *err) BAKE_CHECKED;

/* A name of letters, digits, '.', '_' and '-' of text; "model" when nothing is left. */
enum bake_status bake_import_slug(struct bake_import *import, const char *text, const char **out,
	struct bake_error *err) BAKE_CHECKED;

/* The first part of a directory, where that can be a category; else NULL. */
const char *bake_import_category(struct bake_import *import, const char *dir);

/* Readers of documents; root is the root value of one that is JSON. */
enum bake_status bake_import_json(struct bake_import *import, const struct bake_json *root,
	enum bake_import_format format, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_import_models_txt(
	struct bake_import *import, struct bake_span text, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_import_aria2(
	struct bake_import *import, struct bake_span text, struct bake_error *err) BAKE_CHECKED;

/* Finds the source that the item's URL or repository is, and the file's name there. */
enum bake_status bake_import_settle_source(struct bake_import *import,
	struct bake_import_item *item, struct bake_error *err) BAKE_CHECKED;

/* All that concerns several items, or figures. */
enum bake_status bake_import_settle(
	struct bake_import *import, struct bake_error *err) BAKE_CHECKED;

#endif
