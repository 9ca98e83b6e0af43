/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry of models, a JSON list of entries as model loaders keep it, or the models of an index:
 * read, changed in places and written back. What is not changed keeps its meaning and its order, and
 * a document that says the same as before is not written at all.
 */
#ifndef OPS_REGISTRY_H
#define OPS_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "json/json.h"

enum {
	BAKE_REGISTRY_BYTES_MAX = 64 * 1024 * 1024,
	BAKE_REGISTRY_ENTRIES_MAX = 100000
};

struct bake_registry {
	char *path; /* of the file */
	bool is_index;
	struct bake_buf before; /* as it was read */
	struct bake_json_doc *doc;
	struct bake_json root;
	struct bake_json entries; /* an array; the root itself, or "models" of an index */
};

/* path is a registry, an index, or a directory with model-info.json. The registry must stay where it
 * is while open. registry.format for what is neither. */
enum bake_status bake_registry_open(
	struct bake_registry *registry, const char *path, struct bake_error *err) BAKE_CHECKED;
void bake_registry_release(struct bake_registry *registry);

/* What an entry is called: "name", of an index "id". NULL when it has no such text. */
const char *bake_registry_name(const struct bake_registry *registry, const struct bake_json *entry);

/* The entry of that name; false when there is none. parent is where *out hangs. */
bool bake_registry_find(
	const struct bake_registry *registry, const char *name, struct bake_json *out);

/* Where the entry's files are, in a new string: "download_path", else backend_config's "model_path",
 * and of an index "path"; relative ones below the document's directory. NULL: it does not say. */
enum bake_status bake_registry_place(const struct bake_registry *registry,
	const struct bake_json *entry, char **out, struct bake_error *err) BAKE_CHECKED;

/* The object that has the architecture: "metadata", which is made, or of an index the entry. */
enum bake_status bake_registry_holder(const struct bake_registry *registry,
	const struct bake_json *entry, struct bake_json *out, struct bake_error *err) BAKE_CHECKED;

/* Whether it says another thing than the file; writes it then, but in a dry run, at once. */
enum bake_status bake_registry_write(const struct bake_registry *registry, bool dry_run,
	bool *out_changed, struct bake_error *err) BAKE_CHECKED;

/* The text of an object's member; NULL when it is none. */
const char *bake_registry_text(const struct bake_json *object, const char *key);

#endif
