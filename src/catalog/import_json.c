/* SPDX-License-Identifier: Apache-2.0 */
/* The documents that are JSON. A value of another type than expected is as good as none. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "catalog/importing.h"
#include "manifest/fields.h"

/* Where in a document an entry was found. */
struct place {
	struct bake_import *import;
	const char *category;
	const char *id;
	uint64_t priority;
	size_t formats; /* of the same id */
};

static const char *raw_text(const struct bake_json *entry, const char *key)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	const char *text;

	if (!bake_json_find(entry, key, &value) ||
		bake_json_string(&value, &text, &ignored) != BAKE_OK || !text[0])
		return NULL;
	return text;
}

/* The first of several keys (NULL-ended) that has a text. */
static enum bake_status get(struct bake_import *import, const struct bake_json *entry,
	const char *const *keys, size_t max, const char **out, struct bake_error *err)
{
	const char *text = NULL;

	*out = NULL;
	for (; *keys && !text; keys++)
		text = raw_text(entry, *keys);
	return text ? bake_import_clean(import, text, max, out, err) : BAKE_OK;
}

static bool get_bool(const struct bake_json *entry, const char *a, const char *b)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	bool is = false;

	return (bake_json_find(entry, a, &value) || bake_json_find(entry, b, &value)) &&
	       bake_json_bool(&value, &is, &ignored) == BAKE_OK && is;
}

/* A whole number; also 1900.0. */
static bool get_number(const struct bake_json *entry, const char *const *keys, uint64_t *out)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	double number;

	for (; *keys; keys++) {
		if (!bake_json_find(entry, *keys, &value) || !bake_json_is_number(&value))
			continue;
		if (bake_json_u64(&value, BAKE_SIZE_MAX - 1, out, &ignored) == BAKE_OK)
			return true;
		ignored = BAKE_ERROR_INIT;
		if (bake_json_f64(&value, &number, &ignored) == BAKE_OK && number >= 0 &&
			number < (double)BAKE_SIZE_MAX && (double)(uint64_t)number == number) {
			*out = (uint64_t)number;
			return true;
		}
	}
	return false;
}

static enum bake_status get_tags(struct bake_import *import, const struct bake_json *entry,
	struct bake_import_item *item, struct bake_error *err)
{
	struct bake_json list;
	size_t count;
	const char **tags;

	if (!bake_json_find(entry, "tags", &list) || !bake_json_is_array(&list))
		return BAKE_OK;
	count = bake_json_count(&list);
	tags = bake_arena_array(&import->arena, count, sizeof(*tags));
	if (!tags)
		return bake_error_nomem(err);
	item->tags = tags;
	return BAKE_OK;
}

static enum bake_status add_tag(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct place *place = out;
	struct bake_import_item *item = &place->import->items[place->import->count - 1];
	struct bake_error ignored = BAKE_ERROR_INIT;
	const char **tags;
	const char *text;

	if (bake_json_string(value, &text, &ignored) != BAKE_OK)
		return BAKE_OK;
	memcpy(&tags, &item->tags, sizeof(tags)); /* they are this reader's own */
	BAKE_TRY(
		bake_import_clean(place->import, text, BAKE_NAME_MAX, &tags[item->tag_count], err));
	item->tag_count += tags[item->tag_count] != NULL;
	return BAKE_OK;
}

/* Adds the item, and the tags of its entry. */
static enum bake_status add(struct place *place, const struct bake_json *entry,
	struct bake_import_item *item, struct bake_error *err)
{
	struct bake_json list;

	BAKE_TRY(get_tags(place->import, entry, item, err));
	BAKE_TRY(bake_import_add(place->import, item, err));
	if (!item->tags || !bake_json_find(entry, "tags", &list))
		return BAKE_OK;
	return bake_json_each_element(&list, add_tag, place, err);
}

#define KEYS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What all of these documents call alike. */
static enum bake_status read_common(struct bake_import *import, const struct bake_json *entry,
	struct bake_import_item *item, struct bake_error *err)
{
	static const struct field {
		size_t at;
		size_t max;
		const char *keys[5];
	} fields[] = {
		{offsetof(struct bake_import_item, title), BAKE_TITLE_MAX,
			{"name", "display_name", "displayName", "title"}},
		{offsetof(struct bake_import_item, description), BAKE_TEXT_MAX, {"description"}},
		{offsetof(struct bake_import_item, url), BAKE_URL_MAX,
			{"url", "download_url", "downloadUrl"}},
		{offsetof(struct bake_import_item, repo), 400, {"repo_id", "repoId"}},
		{offsetof(struct bake_import_item, file_name), 4095, {"filename", "fileName"}},
		{offsetof(struct bake_import_item, sha256), 256, {"hash_sha256", "sha256"}},
		{offsetof(struct bake_import_item, size_text), BAKE_NAME_MAX, {"size"}},
	};

	for (size_t i = 0; i < countof(fields); i++) {
		const char *text;

		BAKE_TRY(get(import, entry, fields[i].keys, fields[i].max, &text, err));
		memcpy((char *)item + fields[i].at, &text, sizeof(text));
	}
	item->has_size = get_number(entry, KEYS("size_bytes", "sizeBytes"), &item->size);
	(void)get_number(entry, KEYS("min_ram_gb", "minRamGb", "minRamGB"), &item->min_ram_gb);
	item->estimate = !item->has_size &&
			 get_number(entry, KEYS("size_mb", "sizeMb", "sizeMB"), &item->size);
	item->recommended = get_bool(entry, "recommended", "isRecommended");
	item->is_default = get_bool(entry, "is_default", "isDefault");
	item->required = get_bool(entry, "required", "isRequired");
	item->label = item->title;
	if (raw_text(entry, "hash_md5"))
		return bake_import_warn(import, item->label, "import.digest", err,
			"an MD5 says nothing about who made a file: not taken over");
	return BAKE_OK;
}

/* models_catalog.json: one format of one model. */
static enum bake_status read_format(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct place *place = out;
	struct bake_arena *arena = &place->import->arena;
	struct bake_import_item item = {.priority = place->priority};
	size_t room = strlen(place->id) + strlen(value->key) + 2;
	char *key = bake_arena_alloc(arena, room);

	if (!key)
		return bake_error_nomem(err);
	(void)snprintf(key, room, "%s.%s", place->id, value->key);
	if (!bake_json_is_object(value))
		return bake_import_warn(place->import, key, "import.entry", err, "is no object");
	BAKE_TRY(read_common(place->import, value, &item, err));
	item.key = key;
	item.id = bake_arena_text(arena, place->formats > 1 ? key : place->id);
	BAKE_TRY(bake_import_clean(
		place->import, place->category, BAKE_NAME_MAX, &item.category, err));
	item.dir = item.category;
	item.label = key;
	if (!item.id)
		return bake_error_nomem(err);
	if (raw_text(value, "format") && strcmp(raw_text(value, "format"), value->key) != 0)
		BAKE_TRY(bake_import_warn(place->import, key, "import.format", err,
			"it stands under '%s' and says '%s'", BAKE_SHOW(value->key),
			BAKE_SHOW(raw_text(value, "format"))));
	return add(place, value, &item, err);
}

static enum bake_status read_catalog_model(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct place *place = out;

	place->id = value->key;
	place->formats = bake_json_count(value);
	if (!bake_json_is_object(value))
		return bake_import_warn(
			place->import, NULL, "import.entry", err, "an entry is no object");
	return bake_json_each_member(value, read_format, place, err);
}

static enum bake_status read_category(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct place *place = out;
	struct bake_json models;

	place->category = value->key;
	place->priority = 0;
	if (get_number(value, KEYS("storage_priority"), &place->priority) && place->priority > 1000)
		place->priority = 1000;
	if (!bake_json_find(value, "models", &models) || !bake_json_is_object(&models))
		return bake_import_warn(place->import, NULL, "import.entry", err,
			"category '%s' has no models", BAKE_SHOW(value->key));
	return bake_json_each_member(&models, read_catalog_model, place, err);
}

struct keys {
	struct bake_import *import;
	const char **list;
	size_t count;
};

static enum bake_status add_key(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct keys *keys = out;
	const char *text;

	if (bake_json_string(value, &text, &ignored) != BAKE_OK)
		return BAKE_OK;
	keys->list[keys->count] = bake_arena_text(&keys->import->arena, text);
	if (!keys->list[keys->count])
		return bake_error_nomem(err);
	keys->count++;
	return BAKE_OK;
}

/* A list of names, or an object with one. */
static enum bake_status read_profile(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	static const char *const members[] = {
		"models", "recommended_models", "essential_models", "recommended", "essential"};
	struct bake_import *import = ((struct place *)out)->import;
	struct keys keys = {.import = import};
	struct bake_json list = *value;
	bool found = bake_json_is_array(value);
	void *profiles = import->profiles;
	const char *name;

	for (size_t i = 0; !found && i < countof(members); i++)
		found = bake_json_find(value, members[i], &list) && bake_json_is_array(&list);
	if (!found)
		return bake_import_warn(import, NULL, "import.profile", err,
			"recommendation '%s' has no list of models", BAKE_SHOW(value->key));
	keys.list = bake_arena_array(&import->arena, bake_json_count(&list), sizeof(*keys.list));
	if (!keys.list || !bake_grow(&profiles, &import->profile_room, import->profile_count + 1,
				  sizeof(*import->profiles)))
		return bake_error_nomem(err);
	import->profiles = profiles;
	BAKE_TRY(bake_json_each_element(&list, add_key, &keys, err));
	BAKE_TRY(bake_import_slug(import, value->key, &name, err));
	import->profiles[import->profile_count++] = (struct bake_import_profile){
		.document = import->document, .name = name, .keys = keys.list, .count = keys.count};
	return BAKE_OK;
}

static enum bake_status read_catalog(
	struct bake_import *import, const struct bake_json *root, struct bake_error *err)
{
	struct place place = {.import = import};
	struct bake_json value;

	if (!bake_json_find(root, "categories", &value) || !bake_json_is_object(&value))
		return bake_json_error(root, "import.unknown", err, "there are no \"categories\"");
	BAKE_TRY(bake_json_each_member(&value, read_category, &place, err));
	if (bake_json_find(root, "usage_recommendations", &value) && bake_json_is_object(&value))
		return bake_json_each_member(&value, read_profile, &place, err);
	return BAKE_OK;
}

static enum bake_status read_chroma_entry(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct place *place = out;
	struct bake_import_item item = {0};

	if (!bake_json_is_object(value))
		return bake_import_warn(
			place->import, NULL, "import.entry", err, "an entry is no object");
	BAKE_TRY(read_common(place->import, value, &item, err));
	BAKE_TRY(bake_import_clean(
		place->import, place->category, BAKE_NAME_MAX, &item.category, err));
	item.dir = item.category;
	return add(place, value, &item, err);
}

static enum bake_status read_chroma_kind(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct place *place = out;

	place->category = value->key;
	if (!bake_json_is_array(value))
		return BAKE_OK; /* a note */
	return bake_json_each_element(value, read_chroma_entry, place, err);
}

static enum bake_status read_chroma(
	struct bake_import *import, const struct bake_json *root, struct bake_error *err)
{
	struct place place = {.import = import};
	struct bake_json value;

	if (!bake_json_find(root, "chroma_models", &value) || !bake_json_is_object(&value))
		return bake_json_error(
			root, "import.unknown", err, "there are no \"chroma_models\"");
	return bake_json_each_member(&value, read_chroma_kind, &place, err);
}

/* Where ComfyUI-Manager puts a type whose save_path is "default". */
static const char *comfy_directory(const char *type)
{
	static const struct {
		const char *type;
		const char *directory;
	} rows[] = {
		{"checkpoint", "checkpoints"},
		{"checkpoints", "checkpoints"},
		{"unclip", "checkpoints"},
		{"clip", "text_encoders"},
		{"lora", "loras"},
		{"upscale", "upscale_models"},
		{"embedding", "embeddings"},
		{"embeddings", "embeddings"},
		{"unet", "diffusion_models"},
		{"diffusion_model", "diffusion_models"},
		{"IP-Adapter", "ipadapter"},
		{"TAESD", "vae_approx"},
		{"T2I-Adapter", "controlnet"},
		{"controlnet", "controlnet"},
	};

	for (size_t i = 0; i < countof(rows); i++) {
		if (strcasecmp(rows[i].type, type) == 0)
			return rows[i].directory;
	}
	return NULL;
}

static enum bake_status read_comfy_entry(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct place *place = out;
	struct bake_import *import = place->import;
	struct bake_import_item item = {0};
	const char *type;
	const char *dir;

	if (!bake_json_is_object(value))
		return bake_import_warn(import, NULL, "import.entry", err, "an entry is no object");
	BAKE_TRY(read_common(import, value, &item, err));
	BAKE_TRY(get(import, value, KEYS("type"), BAKE_NAME_MAX, &type, err));
	BAKE_TRY(get(import, value, KEYS("save_path"), 4095, &dir, err));
	if (!dir || strcmp(dir, "default") == 0) {
		dir = type ? comfy_directory(type) : NULL;
		if (!dir && type)
			BAKE_TRY(bake_import_slug(import, type, &dir, err));
	}
	item.dir = dir;
	item.category = dir ? bake_import_category(import, dir) : NULL;
	return add(place, value, &item, err);
}

/* As its own program groups them. */
static const char *lumara_role(const char *id)
{
	return strstr(id, "embedding")	? "embedding"
	       : strstr(id, "vl")	? "vision-language"
	       : strstr(id, "instruct") ? "chat"
					: NULL;
}

static enum bake_status read_lumara_entry(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct place *place = out;
	struct bake_import *import = place->import;
	struct bake_import_item item = {0};

	if (!bake_json_is_object(value))
		return BAKE_OK;
	BAKE_TRY(read_common(import, value, &item, err));
	BAKE_TRY(get(
		import, value, KEYS("model_id", "modelId", "id"), BAKE_NAME_MAX, &item.id, err));
	if (!item.id && value->key)
		BAKE_TRY(bake_import_clean(import, value->key, BAKE_NAME_MAX, &item.id, err));
	if (item.id) {
		item.key = item.id;
		item.label = item.id;
		item.role = lumara_role(item.id);
		item.category = item.role;
	}
	return add(place, value, &item, err);
}

static enum bake_status read_list(struct bake_import *import, const struct bake_json *root,
	enum bake_status (*read)(const struct bake_json *, void *, struct bake_error *),
	struct bake_error *err)
{
	struct place place = {.import = import};
	struct bake_json list = *root;

	if (bake_json_is_object(root) && !bake_json_find(root, "models", &list)) {
		list = *root;
		if (raw_text(root, "model_id") || raw_text(root, "modelId"))
			return read(root, &place, err);
	}
	if (bake_json_is_array(&list))
		return bake_json_each_element(&list, read, &place, err);
	if (bake_json_is_object(&list))
		return bake_json_each_member(&list, read, &place, err);
	return bake_json_error(root, "import.unknown", err, "there is no list of models");
}

struct finding {
	bool comfy;
	bool lumara;
};

/* By the first entry that has what only one of them has. */
static enum bake_status look_at_entry(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct finding *finding = out;
	struct bake_json ignored;

	(void)err;
	if (!bake_json_is_object(value))
		return BAKE_OK;
	finding->comfy = finding->comfy || bake_json_find(value, "save_path", &ignored) ||
			 bake_json_find(value, "reference", &ignored);
	finding->lumara = finding->lumara || bake_json_find(value, "repo_id", &ignored) ||
			  bake_json_find(value, "repoId", &ignored) ||
			  bake_json_find(value, "model_id", &ignored) ||
			  bake_json_find(value, "modelId", &ignored) ||
			  bake_json_find(value, "download_url", &ignored) ||
			  bake_json_find(value, "downloadUrl", &ignored);
	return BAKE_OK;
}

static enum bake_import_format json_format(const struct bake_json *root)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct finding finding = {0};
	struct bake_json list;

	if (bake_json_find(root, "categories", &list))
		return BAKE_IMPORT_CATALOG;
	if (bake_json_find(root, "chroma_models", &list))
		return BAKE_IMPORT_CHROMA;
	(void)look_at_entry(root, &finding, &ignored);
	if (!bake_json_find(root, "models", &list))
		list = *root;
	if (bake_json_is_array(&list))
		(void)!bake_json_each_element(&list, look_at_entry, &finding, &ignored);
	else if (bake_json_is_object(&list))
		(void)!bake_json_each_member(&list, look_at_entry, &finding, &ignored);
	return finding.comfy	? BAKE_IMPORT_COMFYUI
	       : finding.lumara ? BAKE_IMPORT_LUMARA
				: BAKE_IMPORT_AUTO;
}

enum bake_status bake_import_json(struct bake_import *import, const struct bake_json *root,
	enum bake_import_format format, struct bake_error *err)
{
	if (format == BAKE_IMPORT_AUTO)
		format = json_format(root);
	if (format == BAKE_IMPORT_CATALOG)
		return read_catalog(import, root, err);
	if (format == BAKE_IMPORT_CHROMA)
		return read_chroma(import, root, err);
	if (format == BAKE_IMPORT_COMFYUI)
		return read_list(import, root, read_comfy_entry, err);
	if (format == BAKE_IMPORT_LUMARA)
		return read_list(import, root, read_lumara_entry, err);
	bake_json_error(root, "import.unknown", err, "no list of models that is known");
	return bake_error_hint(err, "--format says what it is");
}
