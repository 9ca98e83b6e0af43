/* SPDX-License-Identifier: Apache-2.0 */
/* Pinning a model that comes from a Hub repository. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "manifest/pattern.h"
#include "netops/locking.h"

/* A model that the former lock has from this repository and revision, NULL when it has none. */
static const struct bake_lock_model *kept(
	const struct bake_locking *locking, const struct bake_model *model)
{
	const struct bake_lock *old = locking->old;

	for (size_t i = 0; old && i < old->model_count; i++) {
		const struct bake_source *source = &old->models[i].source;

		if (source->kind == BAKE_SOURCE_HUB &&
			strcmp(source->location, model->source.location) == 0 &&
			strcmp(source->revision, model->source.revision) == 0)
			return &old->models[i];
	}
	return NULL;
}

static struct bake_listing *find_listing(
	struct bake_locking *locking, const struct bake_model *model)
{
	for (size_t i = 0; i < locking->listing_count; i++) {
		struct bake_listing *listing = &locking->listings[i];

		if (strcmp(listing->repository, model->source.location) == 0 &&
			strcmp(listing->revision, model->source.revision) == 0)
			return listing;
	}
	return NULL;
}

/* Which commit the revision is: it may be one, be pinned already, or has to be asked for. */
static enum bake_status resolve(const struct bake_locking *locking, const struct bake_model *model,
	bool fresh_commit, const struct bake_hub *hub, struct bake_hub_revision *out,
	struct bake_error *err)
{
	const struct bake_lock_model *old = fresh_commit ? NULL : kept(locking, model);

	if (old) {
		memcpy(out->commit, old->source.commit, sizeof(out->commit));
		out->gated = old->gated;
		return BAKE_OK;
	}
	if (bake_hub_is_commit(model->source.revision)) {
		memcpy(out->commit, model->source.revision, sizeof(out->commit));
		return BAKE_OK;
	}
	return bake_hub_resolve(hub, model->source.location, model->source.revision, out, err);
}

/* The repository's files: asked for once. */
static enum bake_status listing_of(struct bake_locking *locking, const struct bake_model *model,
	bool fresh_commit, struct bake_listing **out, struct bake_error *err)
{
	struct bake_hub hub = {.http = locking->link->http, .endpoint = locking->link->endpoint};
	struct bake_listing *listing = find_listing(locking, model);

	if (!listing) {
		listing = &locking->listings[locking->listing_count];
		*listing = (struct bake_listing){
			.repository = model->source.location, .revision = model->source.revision};
		BAKE_TRY(resolve(locking, model, fresh_commit, &hub, &listing->resolved, err));
		BAKE_TRY(bake_hub_list(&hub, listing->repository, listing->resolved.commit,
			&locking->lock->arena, &listing->tree, err));
		locking->listing_count++;
	}
	*out = listing;
	return BAKE_OK;
}

static const char *tree_path(const void *context, size_t index)
{
	return ((const struct bake_hub_tree *)context)->files[index].path;
}

static enum bake_status add_file(struct bake_locking *locking, const struct bake_model *model,
	const struct bake_hub_file *from, const struct bake_manifest_file *pinned,
	struct bake_lock_model *entry, struct bake_error *err)
{
	struct bake_lock_file *file = &entry->files[entry->file_count];

	*file = (struct bake_lock_file){
		.name = from->path,
		.size = from->size,
		.sha256 = from->sha256,
		.git_sha1 = from->git_sha1,
	};
	BAKE_TRY(bake_locking_path(locking, model,
		pinned && pinned->save_as ? pinned->save_as : from->path, &file->path, err));
	BAKE_TRY(bake_locking_agree(pinned, file, err));
	entry->file_count++;
	return BAKE_OK;
}

static enum bake_status no_entry(const struct bake_model *model, const char *name,
	const struct bake_listing *listing, struct bake_error *err)
{
	const char *near = bake_text_nearest(name, listing->tree.count, tree_path, &listing->tree);

	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "hub.entry-not-found",
		"there is no file '%s' in '%s' at %s", BAKE_SHOW(name),
		BAKE_SHOW(model->source.location), listing->resolved.commit);
	return near ? bake_error_hint(err, "did you mean \"%s\"?", BAKE_SHOW(near)) : err->status;
}

/* Exactly the files that the manifest names. */
static enum bake_status take_named(struct bake_locking *locking, const struct bake_model *model,
	const struct bake_listing *listing, struct bake_lock_model *entry, struct bake_error *err)
{
	for (size_t i = 0; i < model->file_count; i++) {
		const struct bake_hub_file *found = NULL;

		for (size_t k = 0; k < listing->tree.count && !found; k++) {
			if (strcmp(listing->tree.files[k].path, model->files[i].name) == 0)
				found = &listing->tree.files[k];
		}
		if (!found)
			return no_entry(model, model->files[i].name, listing, err);
		BAKE_TRY(add_file(locking, model, found, &model->files[i], entry, err));
	}
	return BAKE_OK;
}

/* What include and exclude leave of the listing. */
static enum bake_status take_matching(struct bake_locking *locking, const struct bake_model *model,
	const struct bake_listing *listing, struct bake_lock_model *entry, struct bake_error *err)
{
	for (size_t i = 0; i < listing->tree.count; i++) {
		const struct bake_hub_file *file = &listing->tree.files[i];

		if (!bake_pattern_selects(model->include, model->include_count, model->exclude,
			    model->exclude_count, file->path))
			continue;
		BAKE_TRY(add_file(locking, model, file, NULL, entry, err));
	}
	if (entry->file_count)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "hub.no-match",
		"none of the %zu files of '%s' at %s is included", listing->tree.count,
		BAKE_SHOW(model->source.location), listing->resolved.commit);
}

/* Small files have no published SHA-256: they are read for it. */
static enum bake_status defer_unhashed(
	struct bake_locking *locking, struct bake_lock_model *entry, struct bake_error *err)
{
	for (size_t i = 0; i < entry->file_count; i++) {
		struct bake_buf url = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
		enum bake_status status;
		const char *text;

		if (entry->files[i].sha256.kind)
			continue;
		bake_hub_file_url(&url, locking->link->endpoint, entry->source.location,
			entry->source.commit, entry->files[i].name);
		status = bake_buf_status(&url, "URL", err);
		text = url.ptr ? bake_arena_text(&locking->lock->arena, url.ptr) : NULL;
		bake_buf_release(&url);
		BAKE_TRY(status);
		if (!text)
			return bake_error_nomem(err);
		BAKE_TRY(bake_locking_defer(locking,
			(struct bake_unhashed){.file = &entry->files[i],
				.url = text,
				.repository = entry->source.location,
				.commit = entry->source.commit,
				.has_size = true},
			err));
	}
	return BAKE_OK;
}

enum bake_status bake_locking_hub(struct bake_locking *locking, const struct bake_model *model,
	bool fresh_commit, struct bake_lock_model *entry, struct bake_error *err)
{
	struct bake_listing *listing;

	BAKE_TRY(bake_locking_online(locking, model, err));
	BAKE_TRY(listing_of(locking, model, fresh_commit, &listing, err));
	BAKE_TRY(bake_locking_room(
		locking, entry, model->file_count ? model->file_count : listing->tree.count, err));
	if (model->file_count)
		BAKE_TRY(take_named(locking, model, listing, entry, err));
	else
		BAKE_TRY(take_matching(locking, model, listing, entry, err));
	entry->source.commit = bake_arena_text(&locking->lock->arena, listing->resolved.commit);
	if (!entry->source.commit)
		return bake_error_nomem(err);
	entry->gated = listing->resolved.gated;
	return defer_unhashed(locking, entry, err);
}
