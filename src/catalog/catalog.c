/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/named.h"
#include "base/parallel.h"
#include "catalog/entry.h"
#include "catalog/order.h"

enum {
	ARENA_BYTES_MAX = 256 * 1024 * 1024,
	PIECE = 256,	    /* models that one thread takes at a time */
	SCRATCH_BYTES = 100 /* that an entry needs until all are in order */
};

/* Some of the models of a source, and where their entries are. */
struct piece {
	const struct bake_catalog_source *source;
	size_t first;
	size_t count;
	struct bake_catalog_entry *entries;
	size_t at;		/* of the first among all entries */
	struct bake_named *ids; /* of all entries; NULL: those of one source do not meet */
	struct bake_arena arena;
	struct bake_error error;
};

static size_t models_of(const struct bake_catalog_source *source)
{
	return source->manifest ? source->manifest->model_count : source->index->model_count;
}

static enum bake_status fill(struct piece *piece, struct bake_error *err)
{
	for (size_t i = 0; i < piece->count; i++) {
		struct bake_catalog_entry *entry = &piece->entries[i];
		size_t at = piece->first + i;

		*entry = (struct bake_catalog_entry){.source = piece->source};
		if (piece->source->manifest)
			BAKE_TRY(bake_catalog_fill_model(
				&piece->arena, entry, &piece->source->manifest->models[at], err));
		else
			BAKE_TRY(bake_catalog_fill_indexed(
				&piece->arena, entry, &piece->source->index->models[at], err));
		if (piece->ids)
			piece->ids[piece->at + i] = bake_named(entry->id, piece->at + i);
	}
	return BAKE_OK;
}

static void fill_piece(void *context, size_t index)
{
	struct piece *piece = &((struct piece *)context)[index];

	(void)fill(piece, &piece->error);
}

/* Cuts the sources into pieces, which follow one another in the entries. */
static size_t cut(struct bake_catalog *catalog, struct bake_named *ids, struct piece *pieces)
{
	size_t count = 0;

	for (size_t i = 0; i < catalog->source_count; i++) {
		size_t models = models_of(&catalog->sources[i]);

		for (size_t first = 0; first < models; first += PIECE) {
			struct piece *piece = &pieces[count++];

			*piece = (struct piece){.source = &catalog->sources[i],
				.first = first,
				.count = models - first < PIECE ? models - first : PIECE,
				.entries = &catalog->entries[catalog->entry_count],
				.at = catalog->entry_count,
				.ids = ids,
				.arena = BAKE_ARENA_INIT(ARENA_BYTES_MAX),
				.error = BAKE_ERROR_INIT};
			catalog->entry_count += piece->count;
		}
	}
	return count;
}

/* The pieces are filled by all processors, each into an arena of its own. ids receives the names of
 * the entries, and may be NULL. */
static enum bake_status fill_all(struct bake_catalog *catalog, size_t entries,
	struct bake_named *ids, struct bake_error *err)
{
	_cleanup_free_ struct piece *pieces =
		calloc(catalog->source_count + entries / PIECE + 1, sizeof(*pieces));
	const struct bake_error *failed = NULL;
	size_t count;

	if (!pieces)
		return bake_error_nomem(err);
	count = cut(catalog, ids, pieces);
	bake_parallel(count, 0, fill_piece, pieces);
	for (size_t i = 0; i < count; i++) {
		bake_arena_adopt(&catalog->arena, &pieces[i].arena);
		if (pieces[i].error.status != BAKE_OK && !failed)
			failed = &pieces[i].error;
	}
	if (!failed)
		return BAKE_OK;
	*err = *failed;
	return err->status;
}

static enum bake_status qualify(
	struct bake_arena *arena, struct bake_catalog_entry *entry, struct bake_error *err)
{
	entry->key = bake_arena_join(arena, entry->source->name, entry->id);
	return entry->key ? BAKE_OK : bake_error_nomem(err);
}

/* Ids are of one manifest: where two manifests have the same, each says whose it is. */
static enum bake_status make_keys(struct bake_catalog *catalog, struct bake_named *ids,
	struct bake_arena *scratch, struct bake_error *err)
{
	size_t count = catalog->entry_count;

	bake_named_sort(ids, count, scratch);
	for (size_t i = 0; i < count; i++) {
		if ((i > 0 && bake_named_same(&ids[i - 1], &ids[i])) ||
			(i + 1 < count && bake_named_same(&ids[i], &ids[i + 1])))
			BAKE_TRY(qualify(&catalog->arena, &catalog->entries[ids[i].index], err));
	}
	return BAKE_OK;
}

/* scratch: for what is needed only meanwhile. */
static enum bake_status fill_and_order(struct bake_catalog *catalog, size_t entries,
	struct bake_arena *scratch, struct bake_error *err)
{
	struct bake_named *ids = NULL;

	if (catalog->source_count > 1) {
		ids = bake_arena_room(scratch, entries, sizeof(*ids));
		if (!ids)
			return bake_error_nomem(err);
	}
	BAKE_TRY(fill_all(catalog, entries, ids, err));
	if (ids)
		BAKE_TRY(make_keys(catalog, ids, scratch, err));
	return bake_catalog_order(
		catalog->entries, catalog->entry_count, catalog->as_read, scratch, err);
}

static enum bake_status build(struct bake_catalog *catalog,
	const struct bake_catalog_source *sources, size_t count, struct bake_error *err)
{
	_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(ARENA_BYTES_MAX);
	size_t entries = 0;

	for (size_t i = 0; i < count; i++)
		entries += models_of(&sources[i]);
	if (entries > BAKE_CATALOG_ENTRIES_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "data.too-large",
			"the manifests have %zu models together, more than %d", entries,
			BAKE_CATALOG_ENTRIES_MAX);
	catalog->sources = bake_arena_array(&catalog->arena, count, sizeof(*catalog->sources));
	catalog->entries = bake_arena_room(&catalog->arena, entries, sizeof(*catalog->entries));
	catalog->as_read = bake_arena_room(&catalog->arena, entries, sizeof(*catalog->as_read));
	if (!catalog->sources || !catalog->entries || !catalog->as_read)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		catalog->sources[i] = sources[i];
	catalog->source_count = count;
	scratch.expected = entries * SCRATCH_BYTES;
	return fill_and_order(catalog, entries, &scratch, err);
}

enum bake_status bake_catalog_build(const struct bake_catalog_source *sources, size_t count,
	struct bake_catalog **out, struct bake_error *err)
{
	_cleanup_(bake_catalog_free) struct bake_catalog *catalog = calloc(1, sizeof(*catalog));

	if (!catalog)
		return bake_error_nomem(err);
	catalog->arena.max = ARENA_BYTES_MAX;
	BAKE_TRY(build(catalog, sources, count, err));
	*out = catalog;
	catalog = NULL;
	return BAKE_OK;
}

void bake_catalog_free(struct bake_catalog **catalog)
{
	if (*catalog)
		bake_arena_release(&(*catalog)->arena);
	free(*catalog);
	*catalog = NULL;
}

static bool is_named(const struct bake_catalog_entry *entry, const char *name)
{
	if (strcmp(entry->key, name) == 0 || strcmp(entry->id, name) == 0)
		return true;
	for (size_t i = 0; i < entry->alias_count; i++) {
		if (strcmp(entry->aliases[i], name) == 0)
			return true;
	}
	return false;
}

const struct bake_catalog_entry *bake_catalog_find(
	const struct bake_catalog *catalog, const char *name, size_t *out_others)
{
	const struct bake_catalog_entry *found = NULL;
	size_t others = 0;

	for (size_t i = 0; i < catalog->entry_count; i++) {
		if (!is_named(&catalog->entries[i], name))
			continue;
		if (found)
			others++;
		else
			found = &catalog->entries[i];
	}
	if (out_others)
		*out_others = others;
	return found;
}

const char *bake_catalog_pins_name(enum bake_catalog_pins pins)
{
	static const char *const names[] = {[BAKE_PINS_NONE] = "none",
		[BAKE_PINS_DIGEST] = "manifest",
		[BAKE_PINS_LOCK] = "lock"};

	return names[pins];
}

const char *bake_catalog_state_name(enum bake_catalog_state state)
{
	static const char *const names[] = {[BAKE_CATALOG_UNKNOWN] = "unknown",
		[BAKE_CATALOG_ABSENT] = "absent",
		[BAKE_CATALOG_PARTIAL] = "partial",
		[BAKE_CATALOG_INSTALLED] = "installed"};

	return names[state];
}
