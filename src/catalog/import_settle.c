/* SPDX-License-Identifier: Apache-2.0 */
/* Which of the figures are facts, and a place and a name for every entry. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/text.h"
#include "base/units.h"
#include "catalog/importing.h"
#include "manifest/fields.h"

enum {
	REPEAT_MAX = 16 /* "0123456789abcdef" four times over is nobody's digest */
};

static bool repeats(const char *text)
{
	size_t len = strlen(text);

	for (size_t period = 1; len >= 32 && period <= REPEAT_MAX; period++) {
		if (strncmp(text, text + period, len - period) == 0)
			return true;
	}
	return false;
}

static enum bake_status settle_digest(
	struct bake_import *import, struct bake_import_item *item, struct bake_error *err)
{
	struct bake_error failed = BAKE_ERROR_INIT;
	struct bake_digest digest;

	if (!item->sha256) {
		import->no_digest++;
		return BAKE_OK;
	}
	if (repeats(item->sha256))
		return bake_import_warn(import, item->label, "import.digest", err,
			"'%s' is a placeholder, no digest", BAKE_SHOW(item->sha256));
	if (bake_digest_parse_sha256(item->sha256, &digest, &failed) != BAKE_OK)
		return bake_import_warn(import, item->label, "import.digest", err,
			"'%s' is no SHA-256 (%zu characters)", BAKE_SHOW(item->sha256),
			strlen(item->sha256));
	item->files[0].sha256 = digest;
	return BAKE_OK;
}

/* Whether a number of bytes and its text can be the same: GB may be meant as GiB. */
static bool agrees(uint64_t size, uint64_t text)
{
	uint64_t more = bake_u64_max(size, text);
	uint64_t less = bake_u64_min(size, text);

	return more / 100 * 87 <= less;
}

/* Bytes that somebody counted end in any digits. */
static bool is_rounded(uint64_t size)
{
	return size > 0 && (size % 100000 == 0 || size % ((uint64_t)1024 * 1024) == 0);
}

static enum bake_status settle_size(
	struct bake_import *import, struct bake_import_item *item, struct bake_error *err)
{
	uint64_t text = 0;
	bool has_text = item->size_text && bake_bytes_parse(item->size_text, &text);

	if (!item->has_size) {
		import->texts_of_sizes += item->size_text != NULL;
		import->estimates += item->estimate;
		return BAKE_OK;
	}
	if (item->size == 0)
		return bake_import_warn(import, item->label, "import.size", err,
			"0 bytes are not taken over as its size");
	if (has_text && text > 0 && !agrees(item->size, text))
		return bake_import_warn(import, item->label, "import.size", err,
			"it says '%s' and %" PRIu64 " bytes: neither is taken over",
			BAKE_SHOW(item->size_text), item->size);
	if (is_rounded(item->size))
		return bake_import_warn(import, item->label, "import.size", err,
			"%" PRIu64 " bytes is a rounded number: not taken over", item->size);
	item->files[0].size = item->size;
	item->files[0].has_size = true;
	return BAKE_OK;
}

/* Below the model's directory, without those of the repository. */
static enum bake_status settle_name(
	struct bake_import *import, struct bake_import_item *item, struct bake_error *err)
{
	const char *name = item->files[0].name;
	const char *slash = strrchr(name, '/');
	const char *save = slash ? slash + 1 : name;
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_relpath path;

	if (item->file_name) {
		if (bake_relpath_parse(item->file_name, &path, &ignored) == BAKE_OK)
			save = item->file_name;
		else
			BAKE_TRY(bake_import_warn(import, item->label, "import.path", err,
				"'%s' is no name for a file: it keeps its own",
				BAKE_SHOW(item->file_name)));
	}
	item->files[0].save_as = strcmp(save, name) == 0 ? NULL : save;
	return BAKE_OK;
}

/* "org--name" */
static const char *hub_dir(struct bake_import *import, const char *location)
{
	size_t head = strcspn(location, "/");
	size_t room = strlen(location) + 2;
	char *path = bake_arena_alloc(&import->arena, room);

	if (path)
		(void)snprintf(path, room, "%.*s--%s", (int)head, location, location + head + 1);
	return path;
}

static enum bake_status settle_dir(
	struct bake_import *import, struct bake_import_item *item, struct bake_error *err)
{
	struct bake_error failed = BAKE_ERROR_INIT;
	struct bake_relpath path;

	/* As a manifest without "path" has it: said here, so that collisions show. */
	if (item->source.kind == BAKE_SOURCE_HUB) {
		item->path = hub_dir(import, item->source.location);
		if (!item->path)
			return bake_error_nomem(err);
	}
	if (!item->dir)
		return BAKE_OK;
	if (bake_relpath_parse_model(item->dir, &path, &failed) == BAKE_OK) {
		item->path = item->dir;
		return BAKE_OK;
	}
	return bake_import_warn(import, item->label, "import.path", err,
		"'%s' is no directory below the models directory: not taken over",
		BAKE_SHOW(item->dir));
}

static enum bake_status settle_one(
	struct bake_import *import, struct bake_import_item *item, struct bake_error *err)
{
	import->document = item->document;
	if (item->file_count > 0) /* of a directory: settled */
		return BAKE_OK;
	if (!item->label)
		item->label = item->title ? item->title : item->id ? item->id : "?";
	BAKE_TRY(bake_import_settle_source(import, item, err));
	if (item->left_out)
		return BAKE_OK;
	BAKE_TRY(settle_dir(import, item, err));
	if (item->file_count == 0) {
		if (item->sha256)
			return bake_import_warn(import, item->label, "import.digest", err,
				"a digest of a whole repository is not taken over");
		return BAKE_OK;
	}
	BAKE_TRY(settle_digest(import, item, err));
	BAKE_TRY(settle_size(import, item, err));
	return settle_name(import, item, err);
}

static const char *saved_name(const struct bake_import_item *item)
{
	return item->files[0].save_as ? item->files[0].save_as : item->files[0].name;
}

static bool same_source(const struct bake_import_item *a, const struct bake_import_item *b)
{
	const char *left = a->source.revision ? a->source.revision : "main";
	const char *right = b->source.revision ? b->source.revision : "main";

	return a->source.kind == b->source.kind &&
	       strcmp(a->source.location, b->source.location) == 0 && strcmp(left, right) == 0 &&
	       a->file_count == b->file_count &&
	       (a->file_count == 0 || strcmp(a->files[0].name, b->files[0].name) == 0);
}

static bool same_place(const struct bake_import_item *a, const struct bake_import_item *b)
{
	return a->path && b->path && a->file_count == 1 && b->file_count == 1 &&
	       strcasecmp(a->path, b->path) == 0 && strcasecmp(saved_name(a), saved_name(b)) == 0;
}

/* Names that differ by their case are two repositories to us, and one to the Hub. */
static bool differs_by_case(const struct bake_import_item *a, const struct bake_import_item *b)
{
	bool hub = a->source.kind == BAKE_SOURCE_HUB && b->source.kind == BAKE_SOURCE_HUB;

	if (!hub || strcasecmp(a->source.location, b->source.location) != 0)
		return false;
	if (strcmp(a->source.location, b->source.location) != 0)
		return true;
	return a->file_count == 1 && b->file_count == 1 &&
	       strcasecmp(a->files[0].name, b->files[0].name) == 0 &&
	       strcmp(a->files[0].name, b->files[0].name) != 0;
}

/* One file of one source, put into one place. */
static bool is_same(const struct bake_import_item *a, const struct bake_import_item *b)
{
	return same_source(a, b) && bake_text_equal(a->path, b->path) &&
	       (b->file_count == 0 || strcmp(saved_name(a), saved_name(b)) == 0);
}

static bool has_digest_of(const struct bake_import_item *a, const struct bake_import_item *b)
{
	return a->file_count == 1 && b->file_count == 1 && !same_source(a, b) &&
	       a->files[0].sha256.kind != BAKE_DIGEST_NONE &&
	       bake_digest_equal(&a->files[0].sha256, &b->files[0].sha256);
}

/* The item beside one that was read before it. */
static enum bake_status settle_pair(struct bake_import *import, struct bake_import_item *before,
	struct bake_import_item *item, bool *out_moved, struct bake_error *err)
{
	const char *other = before->label;

	if (is_same(before, item)) {
		item->left_out = true;
		return bake_import_warn(import, item->label, "import.twice", err,
			"left out: it is '%s' once more", BAKE_SHOW(other));
	}
	if (differs_by_case(before, item))
		BAKE_TRY(bake_import_warn(import, item->label, "import.case", err,
			"its repository or file differs only by case from that of '%s'",
			BAKE_SHOW(other)));
	if (item->source.kind != BAKE_SOURCE_FILE && has_digest_of(item, before))
		BAKE_TRY(bake_import_warn(import, item->label, "import.digest", err,
			"'%s' has the same digest", BAKE_SHOW(other)));
	/* Two spellings of one directory are none on some file systems. */
	if (item->source.kind != BAKE_SOURCE_FILE && before->path && item->path && !*out_moved &&
		strcasecmp(before->path, item->path) == 0)
		item->path = before->path;
	if (!same_place(before, item) || *out_moved)
		return BAKE_OK;
	*out_moved = true;
	return bake_import_warn(import, item->label, "import.collision", err,
		"'%s' has the same place, '%s/%s': it gets a directory of its own",
		BAKE_SHOW(other), BAKE_SHOW(item->path), BAKE_SHOW(saved_name(item)));
}

static bool is_taken(const struct bake_import *import, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		const struct bake_import_item *item = &import->items[i];

		if (!item->left_out &&
			(bake_text_equal(item->id, name) || bake_text_equal(item->alias, name)))
			return true;
	}
	return false;
}

static enum bake_status settle_id(struct bake_import *import, size_t at, struct bake_error *err)
{
	struct bake_import_item *item = &import->items[at];
	const char *wanted = item->id ? item->id : item->label;
	char numbered[BAKE_NAME_MAX + 16];
	const char *slug;

	BAKE_TRY(bake_import_slug(import, wanted, &slug, err));
	(void)snprintf(numbered, sizeof(numbered), "%s", slug);
	for (unsigned i = 2; is_taken(import, at, numbered); i++)
		(void)snprintf(numbered, sizeof(numbered), "%s-%u", slug, i);
	if (strcmp(numbered, slug) != 0)
		BAKE_TRY(bake_import_warn(import, item->label, "import.id", err,
			"the id '%s' is taken: it is '%s' here", slug, numbered));
	item->id = bake_arena_text(&import->arena, numbered);
	return item->id ? BAKE_OK : bake_error_nomem(err);
}

/* Each against those before it: bounded by BAKE_MODELS_MAX. */
static enum bake_status settle_all(struct bake_import *import, struct bake_error *err)
{
	for (size_t i = 0; i < import->count; i++) {
		struct bake_import_item *item = &import->items[i];
		bool moved = false;

		import->document = item->document;
		for (size_t k = 0; k < i && !item->left_out; k++) {
			if (!import->items[k].left_out)
				BAKE_TRY(settle_pair(import, &import->items[k], item, &moved, err));
		}
		if (item->left_out)
			continue;
		BAKE_TRY(settle_id(import, i, err));
		if (moved) {
			item->path = bake_arena_join(&import->arena, item->path, item->id);
			if (!item->path)
				return bake_error_nomem(err);
		}
	}
	return BAKE_OK;
}

/* One warning for what many lack. */
static enum bake_status sum_up(struct bake_import *import, struct bake_error *err)
{
	if (import->texts_of_sizes)
		BAKE_TRY(bake_import_warn(import, NULL, "import.size", err,
			"sizes that are texts such as \"6.9 GB\", and not taken over: %zu",
			import->texts_of_sizes));
	if (import->estimates)
		BAKE_TRY(bake_import_warn(import, NULL, "import.size", err,
			"sizes in megabytes, and not taken over: %zu", import->estimates));
	if (import->no_digest)
		BAKE_TRY(bake_import_warn(import, NULL, "import.digest", err,
			"entries without a digest: %zu; bake-lock finds out", import->no_digest));
	return BAKE_OK;
}

enum bake_status bake_import_settle(struct bake_import *import, struct bake_error *err)
{
	for (size_t i = 0; i < import->count; i++)
		BAKE_TRY(settle_one(import, &import->items[i], err));
	BAKE_TRY(settle_all(import, err));
	import->document = NULL;
	return sum_up(import, err);
}
