/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a Hub client look like was read off what it writes and accepts, byte for byte;
 * tests/integration/test_layouts.py has the same in another language. */
#include "store/layout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "digest/hasher.h"

/* Of a listing: some hundred bytes a file. */
enum {
	TREE_BYTES_MAX = 64 * 1024 * 1024
};

#define CLIENT_DIR ".cache/huggingface"

const char *const bake_layout_names[] = {"plain", "hf-local", "hf-cache", NULL};

/* What the client names content by: SHA-256 in LFS, git's blob name otherwise. */
static const struct bake_digest *etag(const struct bake_layout_file *file)
{
	return file->git_sha1->kind ? file->git_sha1 : file->sha256;
}

/* Formats into arena; NULL when memory is short. */
BAKE_PRINTF(2, 3)
static const char *write_text(struct bake_arena *arena, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	return len < 0 ? NULL : bake_arena_copy(arena, text, (size_t)len);
}

/* "models--org--name" */
static const char *repository_dir(const char *repository, struct bake_arena *arena)
{
	const char *slash = strchr(repository, '/');

	if (!slash)
		return write_text(arena, "models--%s", repository);
	return write_text(
		arena, "models--%.*s--%s", (int)(slash - repository), repository, slash + 1);
}

static enum bake_status parse(const char *text, struct bake_relpath *out, struct bake_error *err)
{
	if (!text)
		return bake_error_nomem(err);
	return bake_relpath_parse_model(text, out, err);
}

/* The directory in which the file has its repository's name, and the slash behind it; false when
 * it is saved under another one. */
static bool local_dir_len(const struct bake_layout_file *file, size_t *out)
{
	size_t path = strlen(file->path);
	size_t name = strlen(file->name);

	if (!file->repository || name > path || strcmp(file->path + path - name, file->name) != 0)
		return false;
	*out = path - name;
	return *out == 0 || file->path[*out - 1] == '/';
}

static enum bake_status place_in_cache(const struct bake_layout_file *file,
	struct bake_arena *arena, struct bake_layout_place *out, struct bake_error *err)
{
	struct bake_relpath link;
	const char *dir;

	if (!file->repository) {
		bake_error_set(err, BAKE_ERR_CONFIG, "layout.source",
			"'%s' is not of the Hub: the layout hf-cache has no place for it",
			BAKE_SHOW(file->path));
		return bake_error_hint(err, "name the models that are, and fetch the others with "
					    "--layout plain into another directory");
	}
	dir = repository_dir(file->repository, arena);
	if (!dir)
		return bake_error_nomem(err);
	BAKE_TRY(parse(
		write_text(arena, "%s/blobs/%s", dir, BAKE_HEX(etag(file))), &out->bytes, err));
	BAKE_TRY(parse(write_text(arena, "%s/snapshots/%s/%s", dir, file->commit, file->name),
		&link, err));
	out->shown = link.text;
	out->known = true;
	return BAKE_OK;
}

enum bake_status bake_layout_place(enum bake_layout layout, const struct bake_layout_file *file,
	struct bake_arena *arena, struct bake_layout_place *out, struct bake_error *err)
{
	size_t dir;

	if (layout == BAKE_LAYOUT_HF_CACHE)
		return place_in_cache(file, arena, out, err);
	BAKE_TRY(parse(bake_arena_text(arena, file->path), &out->bytes, err));
	out->shown = out->bytes.text;
	out->known = layout == BAKE_LAYOUT_PLAIN || local_dir_len(file, &dir);
	return BAKE_OK;
}

/* Checks the path and stores the entry. path and text are of the plan's arena, or NULL when there
 * was no memory for them. */
static enum bake_status add(struct bake_layout_plan *plan, struct bake_layout_entry entry,
	const char *path, struct bake_error *err)
{
	void *entries = plan->entries;

	if (!entry.text)
		return bake_error_nomem(err);
	BAKE_TRY(parse(path, &entry.path, err));
	if (!bake_grow(&entries, &plan->room, plan->count + 1, sizeof(*plan->entries)))
		return bake_error_nomem(err);
	plan->entries = entries;
	plan->entries[plan->count++] = entry;
	return BAKE_OK;
}

/* The way from snapshots/COMMIT/NAME up to blobs/ETAG. */
static const char *link_target(
	const struct bake_layout_file *file, struct bake_arena *arena, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_PATH_MAX);

	bake_buf_text(&text, "../../");
	for (const char *at = file->name; *at; at++) {
		if (*at == '/')
			bake_buf_text(&text, "../");
	}
	bake_buf_addf(&text, "blobs/%s", BAKE_HEX(etag(file)));
	if (bake_buf_status(&text, "link", err) != BAKE_OK)
		return NULL;
	return bake_arena_text(arena, text.ptr);
}

/*
 * Three lines: commit, etag, and a time that must not lie before the file's own, or the client
 * takes the file for changed since. The file's own time is therefore the one that is always right
 * and does not depend on when it was fetched: see BAKE_LAYOUT_TIMED.
 */
static enum bake_status add_metadata(struct bake_layout_plan *plan,
	const struct bake_layout_file *file, size_t dir, struct bake_error *err)
{
	struct bake_layout_entry entry = {.kind = BAKE_LAYOUT_TIMED};
	struct bake_layout_entry ignore = {.kind = BAKE_LAYOUT_TEXT, .text = "*"};
	struct bake_arena *arena = &plan->arena;

	BAKE_TRY(parse(bake_arena_text(arena, file->path), &entry.of, err));
	entry.text = write_text(arena, "%s\n%s\n", file->commit, BAKE_HEX(etag(file)));
	BAKE_TRY(add(plan, entry,
		write_text(arena, "%.*s" CLIENT_DIR "/download/%s.metadata", (int)dir, file->path,
			file->name),
		err));
	return add(plan, ignore,
		write_text(arena, "%.*s" CLIENT_DIR "/.gitignore", (int)dir, file->path), err);
}

enum bake_status bake_layout_add_file(
	struct bake_layout_plan *plan, const struct bake_layout_file *file, struct bake_error *err)
{
	struct bake_layout_entry link = {.kind = BAKE_LAYOUT_LINK};
	struct bake_layout_place place;
	size_t dir;

	if (plan->layout == BAKE_LAYOUT_HF_LOCAL && local_dir_len(file, &dir))
		return add_metadata(plan, file, dir, err);
	if (plan->layout != BAKE_LAYOUT_HF_CACHE)
		return BAKE_OK;
	BAKE_TRY(place_in_cache(file, &plan->arena, &place, err));
	link.text = link_target(file, &plan->arena, err);
	return add(plan, link, place.shown, err);
}

/* The name of an LFS file's stand-in in git, which follows from what it stands for: the client
 * refuses a listing without it. */
static enum bake_status pointer_sha1(
	const struct bake_layout_file *file, struct bake_digest *out, struct bake_error *err)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	char text[200];
	int len = snprintf(text, sizeof(text),
		"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %" PRIu64 "\n",
		BAKE_HEX(file->sha256), file->size);

	BAKE_TRY(bake_hasher_init_git_blob(&hasher, (uint64_t)len, err));
	bake_hasher_update(&hasher, bake_span(text, (size_t)len));
	return bake_hasher_final(&hasher, out, err);
}

/* One UTF-16 unit of a name beyond ASCII. */
static void put_unit(struct bake_buf *out, uint32_t unit)
{
	bake_buf_addf(out, "\\u%04x", unit);
}

/* A checked name as Python's json writes it: ASCII alone. It has neither controls nor backslashes,
 * but may have quotes. */
static void put_name(struct bake_buf *out, const char *name)
{
	static const uint8_t first_bits[] = {0, 0, 0x1F, 0x0F, 0x07};

	for (const unsigned char *at = (const unsigned char *)name; *at;) {
		unsigned len = *at < 0x80 ? 1 : *at < 0xE0 ? 2 : *at < 0xF0 ? 3 : 4;
		uint32_t point = *at & first_bits[len];

		for (unsigned i = 1; i < len; i++)
			point = point << 6 | (at[i] & 0x3FU);
		if (len == 1) {
			bake_buf_text(out, *at == '"' ? "\\" : "");
			bake_buf_add(out, at, 1);
		} else if (point < 0x10000) {
			put_unit(out, point);
		} else {
			put_unit(out, 0xD800 + ((point - 0x10000) >> 10));
			put_unit(out, 0xDC00 + ((point - 0x10000) & 0x3FF));
		}
		at += len;
	}
}

static enum bake_status put_file(
	struct bake_buf *out, const struct bake_layout_file *file, struct bake_error *err)
{
	struct bake_digest blob = *file->git_sha1;

	if (!blob.kind)
		BAKE_TRY(pointer_sha1(file, &blob, err));
	bake_buf_text(out, "  \"");
	put_name(out, file->name);
	bake_buf_addf(out, "\": {\n   \"size\": %" PRIu64 ",\n   \"blob_id\": \"%s\"", file->size,
		BAKE_HEX(&blob));
	if (!file->git_sha1->kind)
		bake_buf_addf(out, ",\n   \"lfs_sha256\": \"%s\",\n   \"lfs_size\": %" PRIu64,
			BAKE_HEX(file->sha256), file->size);
	bake_buf_text(out, "\n  }");
	return BAKE_OK;
}

static int compare_name(const void *a, const void *b)
{
	return strcmp((*(const struct bake_layout_file *const *)a)->name,
		(*(const struct bake_layout_file *const *)b)->name);
}

/* The listing, by name: json.dump(..., indent=1) without a newline at its end. */
static enum bake_status write_tree(const struct bake_layout_file *files, size_t count,
	struct bake_buf *out, struct bake_error *err)
{
	_cleanup_free_ const struct bake_layout_file **sorted = calloc(count, sizeof(*sorted));

	if (!sorted)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		sorted[i] = &files[i];
	qsort(sorted, count, sizeof(*sorted), compare_name);
	bake_buf_text(out, "{\n \"format_version\": 1,\n \"files\": {");
	for (size_t i = 0; i < count; i++) {
		bake_buf_text(out, i ? ",\n" : "\n");
		BAKE_TRY(put_file(out, sorted[i], err));
	}
	bake_buf_text(out, "\n }\n}");
	return bake_buf_status(out, "listing", err);
}

/* Where the client keeps what it knows of files: of their repository, or of their directory. With
 * a slash at its end; NULL in *out when they are not in one of the client's. */
static enum bake_status client_dir(struct bake_layout_plan *plan,
	const struct bake_layout_file *files, size_t count, const char **out,
	struct bake_error *err)
{
	const char *dir;
	size_t first;
	size_t len;

	*out = NULL;
	if (plan->layout == BAKE_LAYOUT_HF_CACHE) {
		dir = repository_dir(files[0].repository, &plan->arena);
		*out = dir ? write_text(&plan->arena, "%s/", dir) : NULL;
		return *out ? BAKE_OK : bake_error_nomem(err);
	}
	if (!local_dir_len(&files[0], &first))
		return BAKE_OK;
	for (size_t i = 1; i < count; i++) {
		if (!local_dir_len(&files[i], &len) || len != first ||
			memcmp(files[0].path, files[i].path, len) != 0)
			return BAKE_OK;
	}
	*out = write_text(&plan->arena, "%.*s" CLIENT_DIR "/", (int)first, files[0].path);
	return *out ? BAKE_OK : bake_error_nomem(err);
}

static enum bake_status add_tree(struct bake_layout_plan *plan,
	const struct bake_layout_file *files, size_t count, const char *dir, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(TREE_BYTES_MAX);
	struct bake_layout_entry tree = {.kind = BAKE_LAYOUT_TEXT, .turn = BAKE_LAYOUT_TREES};

	BAKE_TRY(write_tree(files, count, &text, err));
	tree.text = bake_arena_copy(&plan->arena, text.ptr, text.len);
	return add(
		plan, tree, write_text(&plan->arena, "%strees/%s.json", dir, files[0].commit), err);
}

enum bake_status bake_layout_add_snapshot(struct bake_layout_plan *plan,
	const struct bake_layout_file *files, size_t count, const char *revision, bool complete,
	struct bake_error *err)
{
	struct bake_layout_entry ref = {.kind = BAKE_LAYOUT_TEXT, .turn = BAKE_LAYOUT_REFS};
	const char *dir;

	if (plan->layout == BAKE_LAYOUT_PLAIN || count == 0 || !files[0].repository)
		return BAKE_OK;
	BAKE_TRY(client_dir(plan, files, count, &dir, err));
	if (complete && dir)
		BAKE_TRY(add_tree(plan, files, count, dir, err));
	if (plan->layout != BAKE_LAYOUT_HF_CACHE || !revision ||
		strcmp(revision, files[0].commit) == 0)
		return BAKE_OK;
	ref.text = bake_arena_text(&plan->arena, files[0].commit);
	return add(plan, ref, write_text(&plan->arena, "%srefs/%s", dir, revision), err);
}

static int compare_entry(const void *a, const void *b)
{
	return strcmp(((const struct bake_layout_entry *)a)->path.text,
		((const struct bake_layout_entry *)b)->path.text);
}

static bool same_entry(const struct bake_layout_entry *a, const struct bake_layout_entry *b)
{
	return a->kind == b->kind && strcmp(a->text, b->text) == 0 &&
	       (a->kind != BAKE_LAYOUT_TIMED || strcmp(a->of.text, b->of.text) == 0);
}

/* What two models say of one path, they must say in one voice. */
static enum bake_status drop_repeated(struct bake_layout_plan *plan, struct bake_error *err)
{
	size_t kept = 0;

	if (plan->count)
		qsort(plan->entries, plan->count, sizeof(*plan->entries), compare_entry);
	for (size_t i = 0; i < plan->count; i++) {
		const struct bake_layout_entry *entry = &plan->entries[i];
		struct bake_layout_entry *last = kept ? &plan->entries[kept - 1] : NULL;

		if (!last || strcmp(last->path.text, entry->path.text) != 0) {
			plan->entries[kept++] = *entry;
			continue;
		}
		if (same_entry(last, entry))
			continue;
		bake_error_set(err, BAKE_ERR_CONFIG, "pin.conflict", "two models differ about '%s'",
			BAKE_SHOW(entry->path.text));
		return bake_error_hint(err, "they are pinned to two commits of one repository: "
					    "bake-lock --upgrade, or directories of their own");
	}
	plan->count = kept;
	return BAKE_OK;
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

enum bake_status bake_layout_settle(struct bake_layout_plan *plan,
	const struct bake_relpath *places, size_t count, struct bake_error *err)
{
	_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(SIZE_MAX);
	const char **paths = bake_arena_room(&scratch, plan->count + count, sizeof(*paths));
	size_t kept = 0;

	if (!paths)
		return bake_error_nomem(err);
	BAKE_TRY(drop_repeated(plan, err));
	for (size_t i = 0; i < count; i++)
		paths[i] = places[i].text;
	qsort(paths, count, sizeof(*paths), compare_text);
	for (size_t i = 0; i < count; i++) { /* content that two files share has one place */
		if (kept == 0 || strcmp(paths[kept - 1], paths[i]) != 0)
			paths[kept++] = paths[i];
	}
	for (size_t i = 0; i < plan->count; i++)
		paths[kept++] = plan->entries[i].path.text;
	return bake_relpath_check_set(paths, kept, &scratch, err);
}

void bake_layout_plan_release(struct bake_layout_plan *plan)
{
	free(plan->entries);
	plan->entries = NULL;
	plan->count = 0;
	plan->room = 0;
	bake_arena_release(&plan->arena);
}
