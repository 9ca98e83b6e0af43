/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/importing.h"
#include "json/writer.h"
#include "manifest/fields.h"

static void write_file(struct bake_json_writer *writer, const struct bake_manifest_file *file)
{
	bake_json_object_line(writer);
	bake_json_put_text(writer, "name", file->name);
	bake_json_put_text(writer, "save_as", file->save_as);
	if (file->has_size)
		bake_json_put_u64(writer, "size", file->size);
	if (file->sha256.kind != BAKE_DIGEST_NONE)
		bake_json_put_text(writer, "sha256", BAKE_HEX(&file->sha256));
	bake_json_end_object(writer);
}

static void write_source(struct bake_json_writer *writer, const struct bake_source *source)
{
	static const char *const keys[] = {
		[BAKE_SOURCE_HUB] = "hub", [BAKE_SOURCE_URL] = "url", [BAKE_SOURCE_FILE] = "file"};

	bake_json_key(writer, "source");
	bake_json_object_line(writer);
	bake_json_put_text(writer, keys[source->kind], source->location);
	bake_json_put_text(writer, "revision", source->revision);
	bake_json_end_object(writer);
}

static void write_item(struct bake_json_writer *writer, const struct bake_import_item *item)
{
	char ram[32];

	bake_json_key(writer, item->id);
	bake_json_object(writer);
	bake_json_put_text(writer, "title", item->title);
	bake_json_put_text(writer, "description", item->description);
	bake_json_put_text(writer, "role", item->role);
	bake_json_put_text(writer, "category", item->category);
	write_source(writer, &item->source);
	if (item->file_count > 0) {
		bake_json_key(writer, "files");
		bake_json_array(writer);
		for (size_t i = 0; i < item->file_count; i++)
			write_file(writer, &item->files[i]);
		bake_json_end_array(writer);
	}
	bake_json_put_text(writer, "path", item->path);
	bake_json_put_bool(writer, "required", item->required);
	if (item->is_default)
		bake_json_put_bool(writer, "default", true);
	if (item->priority)
		bake_json_put_u64(writer, "priority", item->priority);
	if (item->min_ram_gb > 0 && item->min_ram_gb < 100000) {
		(void)snprintf(ram, sizeof(ram), "%" PRIu64 "GB", item->min_ram_gb);
		bake_json_put_text(writer, "min_ram", ram);
	}
	if (item->tag_count > 0 || item->recommended) {
		bake_json_key(writer, "tags");
		bake_json_array_line(writer);
		for (size_t i = 0; i < item->tag_count; i++)
			bake_json_write_text(writer, item->tags[i]);
		if (item->recommended)
			bake_json_write_text(writer, "recommended");
		bake_json_end_array(writer);
	}
	bake_json_end_object(writer);
}

static const struct bake_import_item *find(const struct bake_import *import,
	const struct bake_import_profile *profile, const char *key)
{
	for (size_t i = 0; i < import->count; i++) {
		const struct bake_import_item *item = &import->items[i];

		if (!item->left_out && item->document == profile->document &&
			(bake_text_equal(item->key, key) || bake_text_equal(item->id, key)))
			return item;
	}
	return NULL;
}

/* A profile of what there is of it; names that nothing has are told. */
static enum bake_status write_profile(struct bake_import *import, struct bake_json_writer *writer,
	const struct bake_import_profile *profile, struct bake_error *err)
{
	size_t written = 0;

	import->document = profile->document;
	bake_json_key(writer, profile->name);
	bake_json_array_line(writer);
	for (size_t i = 0; i < profile->count; i++) {
		const struct bake_import_item *item = find(import, profile, profile->keys[i]);
		bool again = false;

		for (size_t k = 0; item && k < i && !again; k++)
			again = find(import, profile, profile->keys[k]) == item;
		if (again)
			continue;
		if (item)
			bake_json_write_text(writer, item->id);
		else
			BAKE_TRY(bake_import_warn(import, profile->name, "import.profile", err,
				"it names '%s', which is not there", BAKE_SHOW(profile->keys[i])));
		written += item != NULL;
	}
	bake_json_end_array(writer);
	if (written == 0)
		return bake_import_warn(
			import, profile->name, "import.profile", err, "nothing is left of it");
	return BAKE_OK;
}

/* Not two of one name: of several documents the first counts. */
static bool is_repeated(const struct bake_import *import, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (strcmp(import->profiles[i].name, import->profiles[at].name) == 0)
			return true;
	}
	return false;
}

static enum bake_status write_profiles(
	struct bake_import *import, struct bake_json_writer *writer, struct bake_error *err)
{
	if (import->profile_count == 0)
		return BAKE_OK;
	bake_json_key(writer, "profiles");
	bake_json_object(writer);
	for (size_t i = 0; i < import->profile_count; i++) {
		if (is_repeated(import, i))
			BAKE_TRY(bake_import_warn(import, import->profiles[i].name,
				"import.profile", err, "left out: there is one of that name"));
		else
			BAKE_TRY(write_profile(import, writer, &import->profiles[i], err));
	}
	bake_json_end_object(writer);
	return BAKE_OK;
}

enum bake_status bake_import_write(struct bake_import *import, const char *manifest_name,
	struct bake_buf *out, struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);
	struct bake_manifest *manifest = NULL;
	const char *name;

	BAKE_TRY(bake_import_settle(import, err));
	if (bake_import_model_count(import) == 0)
		return bake_error_set(err, BAKE_ERR_NOINPUT, "import.nothing",
			"there is no model to make a manifest of");
	BAKE_TRY(bake_import_slug(import, manifest_name, &name, err));
	bake_json_object(&writer);
	bake_json_put_text(&writer, "schema", BAKE_MANIFEST_SCHEMA);
	bake_json_put_text(&writer, "name", name);
	bake_json_key(&writer, "models");
	bake_json_object(&writer);
	for (size_t i = 0; i < import->count; i++) {
		if (!import->items[i].left_out)
			write_item(&writer, &import->items[i]);
	}
	bake_json_end_object(&writer);
	BAKE_TRY(write_profiles(import, &writer, err));
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	BAKE_TRY(bake_buf_status(out, "the manifest", err));
	/* What bake-lock would refuse is better refused here. */
	if (bake_manifest_parse(bake_buf_span(out), "manifest", &manifest, err) != BAKE_OK)
		return bake_error_wrap(err, "these lists make no manifest");
	bake_manifest_free(&manifest);
	return BAKE_OK;
}
