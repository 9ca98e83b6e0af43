/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/file.h"
#include "index/index.h"
#include "json/edit.h"

/* The file itself, or the index in a directory. */
static char *file_of(const char *path)
{
	struct stat st;
	char *made;

	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return strdup(path);
	return asprintf(&made, "%s/%s", path, BAKE_INDEX_NAME) < 0 ? NULL : made;
}

const char *bake_registry_text(const struct bake_json *object, const char *key)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	const char *text = NULL;

	if (bake_json_find(object, key, &value) && bake_json_is_string(&value) &&
		bake_json_string(&value, &text, &ignored) == BAKE_OK)
		return text;
	return NULL;
}

static enum bake_status find_entries(struct bake_registry *registry, struct bake_error *err)
{
	const char *schema = bake_registry_text(&registry->root, "schema");

	registry->entries = registry->root;
	if (!bake_json_is_array(&registry->root)) {
		registry->is_index = schema && strcmp(schema, BAKE_INDEX_SCHEMA) == 0;
		if (!registry->is_index ||
			!bake_json_find(&registry->root, "models", &registry->entries) ||
			!bake_json_is_array(&registry->entries))
			return bake_json_error(&registry->root, "registry.format", err,
				"neither a list of entries nor an index (%s)", BAKE_INDEX_SCHEMA);
	}
	if (bake_json_count(&registry->entries) > BAKE_REGISTRY_ENTRIES_MAX)
		return bake_json_error(&registry->entries, "registry.format", err,
			"more than %d entries", BAKE_REGISTRY_ENTRIES_MAX);
	return BAKE_OK;
}

enum bake_status bake_registry_open(
	struct bake_registry *registry, const char *path, struct bake_error *err)
{
	*registry = (struct bake_registry){.before = BAKE_BUF_INIT(BAKE_REGISTRY_BYTES_MAX)};
	registry->path = file_of(path);
	if (!registry->path)
		return bake_error_nomem(err);
	if (bake_file_read(registry->path, &registry->before, err) != BAKE_OK)
		return bake_error_wrap(err, "registry");
	BAKE_TRY(bake_json_open(
		bake_buf_span(&registry->before), registry->path, &registry->doc, err));
	registry->root = bake_json_root(registry->doc);
	return find_entries(registry, err);
}

void bake_registry_release(struct bake_registry *registry)
{
	bake_json_close(&registry->doc);
	bake_buf_release(&registry->before);
	free(registry->path);
	registry->path = NULL;
}

const char *bake_registry_name(const struct bake_registry *registry, const struct bake_json *entry)
{
	const char *name = NULL;

	if (bake_json_is_object(entry))
		name = bake_registry_text(entry, registry->is_index ? "id" : "name");
	return name && name[0] ? name : NULL;
}

bool bake_registry_find(
	const struct bake_registry *registry, const char *name, struct bake_json *out)
{
	for (size_t i = 0; i < bake_json_count(&registry->entries); i++) {
		struct bake_json entry = bake_json_element(&registry->entries, i);
		const char *own = bake_registry_name(registry, &entry);

		if (own && strcmp(own, name) == 0) {
			*out = entry;
			return true;
		}
	}
	return false;
}

static const char *named_place(const struct bake_registry *registry, const struct bake_json *entry)
{
	const char *path;
	struct bake_json backend;

	if (registry->is_index)
		return bake_registry_text(entry, "path");
	path = bake_registry_text(entry, "download_path");
	if ((!path || !path[0]) && bake_json_find(entry, "backend_config", &backend))
		path = bake_registry_text(&backend, "model_path");
	return path && path[0] ? path : NULL;
}

enum bake_status bake_registry_place(const struct bake_registry *registry,
	const struct bake_json *entry, char **out, struct bake_error *err)
{
	const char *path = named_place(registry, entry);
	const char *slash = strrchr(registry->path, '/');
	const char *home = getenv("HOME");
	int made = 0;

	*out = NULL;
	if (!path)
		return BAKE_OK;
	if (bake_text_starts(path, "~/") && home)
		made = asprintf(out, "%s/%s", home, path + 2);
	else if (path[0] == '/' || !slash)
		made = asprintf(out, "%s", path);
	else
		made = asprintf(
			out, "%.*s/%s", (int)(slash - registry->path), registry->path, path);
	if (made >= 0)
		return BAKE_OK;
	*out = NULL;
	return bake_error_nomem(err);
}

enum bake_status bake_registry_holder(const struct bake_registry *registry,
	const struct bake_json *entry, struct bake_json *out, struct bake_error *err)
{
	if (!registry->is_index)
		return bake_json_make_object(entry, "metadata", out, err);
	*out = *entry;
	return BAKE_OK;
}

/* The file's own meaning, written as we write. */
static enum bake_status same_meaning(
	const struct bake_registry *registry, bool *out, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json was;

	BAKE_TRY(bake_json_open(bake_buf_span(&registry->before), registry->path, &doc, err));
	was = bake_json_root(doc);
	*out = bake_json_equal(&was, &registry->root);
	return BAKE_OK;
}

enum bake_status bake_registry_write(const struct bake_registry *registry, bool dry_run,
	bool *out_changed, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_REGISTRY_BYTES_MAX);
	bool same;

	BAKE_TRY(same_meaning(registry, &same, err));
	*out_changed = !same;
	if (same || dry_run)
		return BAKE_OK;
	BAKE_TRY(bake_json_write_doc(registry->doc, &text, err));
	return bake_file_replace_path(registry->path, bake_buf_span(&text), -1, err);
}
