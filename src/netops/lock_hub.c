/* SPDX-License-Identifier: Apache-2.0 */
/* Pinning a model that comes from a Hub repository. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "manifest/pattern.h"
#include "netops/locking.h"

static const struct bake_lock_model *find_source(
	const struct bake_lock_model *models, size_t count, const struct bake_source *wanted)
{
	for (size_t i = 0; i < count; i++) {
		const struct bake_source *source = &models[i].source;

		if (source->kind == BAKE_SOURCE_HUB &&
			strcmp(source->location, wanted->location) == 0 &&
			strcmp(source->revision, wanted->revision) == 0)
			return &models[i];
	}
	return NULL;
}

/* A model that the former lock has, or had before, from this repository and revision, NULL when
 * it has none. */
static const struct bake_lock_model *kept(
	const struct bake_locking *locking, const struct bake_model *model)
{
	const struct bake_lock *old = locking->old;
	const struct bake_lock_model *found;

	if (!old)
		return NULL;
	found = find_source(old->models, old->model_count, &model->source);
	return found ? found : find_source(old->unlocked, old->unlocked_count, &model->source);
}

static struct bake_listing *find_listing(
	struct bake_locking *locking, const struct bake_model *model, bool fresh)
{
	for (size_t i = 0; i < locking->listing_count; i++) {
		struct bake_listing *listing = &locking->listings[i];

		if (listing->fresh == fresh &&
			strcmp(listing->repository, model->source.location) == 0 &&
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

/* The endpoint, then the user's mirrors. */
static const char *endpoint_at(const struct bake_link *link, size_t index)
{
	if (index == 0)
		return link->endpoint;
	return index <= link->mirror_count ? link->mirrors[index - 1] : NULL;
}

static enum bake_status list_from(struct bake_locking *locking, const struct bake_model *model,
	const char *endpoint, struct bake_listing *listing, struct bake_error *err)
{
	struct bake_hub hub = {
		.http = locking->link->http,
		.endpoint = endpoint,
		.retries = locking->options->origins.retries,
		.events = locking->options->events,
	};

	BAKE_TRY(resolve(locking, model, listing->fresh, &hub, &listing->resolved, err));
	if (bake_hub_list(&hub, listing->repository, listing->resolved.commit,
		    &locking->lock->arena, &listing->tree, err) == BAKE_OK)
		return BAKE_OK;
	if (strcmp(err->id, "hub.revision-not-found") != 0 || listing->fresh ||
		strcmp(listing->revision, listing->resolved.commit) == 0)
		return err->status;
	err->hint[0] = '\0';
	return bake_error_hint(err,
		"the commit that was pinned is gone: --upgrade pins what '%s' is now",
		BAKE_SHOW(listing->revision));
}

/* Asks one Hub after the other, as long as it is the Hub that fails and not the question. */
static enum bake_status list_from_any(struct bake_locking *locking, const struct bake_model *model,
	struct bake_listing *listing, struct bake_error *err)
{
	const char *next;

	for (size_t i = 0;; i++) {
		enum bake_status status =
			list_from(locking, model, endpoint_at(locking->link, i), listing, err);

		next = endpoint_at(locking->link, i + 1);
		if (!next || (status != BAKE_ERR_TEMPORARY && status != BAKE_ERR_PROTOCOL))
			return status;
		bake_emitf(locking->options->events, BAKE_EVENT_NOTICE, "%s; trying %s",
			err->message, BAKE_SHOW_URL(next));
	}
}

/* The repository's files: asked for once. */
static enum bake_status listing_of(struct bake_locking *locking, const struct bake_model *model,
	bool fresh_commit, struct bake_listing **out, struct bake_error *err)
{
	struct bake_listing *listing = find_listing(locking, model, fresh_commit);

	if (!listing) {
		listing = &locking->listings[locking->listing_count];
		*listing = (struct bake_listing){
			.repository = model->source.location,
			.revision = model->source.revision,
			.fresh = fresh_commit,
		};
		BAKE_TRY(list_from_any(locking, model, listing, err));
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
		const struct bake_hub_file *found =
			bake_hub_tree_find(&listing->tree, model->files[i].name);

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
	entry->complete = entry->file_count == listing->tree.count;
	if (entry->file_count)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "hub.no-match",
		"none of the %zu files of '%s' at %s is included", listing->tree.count,
		BAKE_SHOW(model->source.location), listing->resolved.commit);
	return listing->tree.count ? bake_error_hint(err,
					     "one of them is '%s': look at \"include\" and "
					     "\"exclude\"",
					     BAKE_SHOW(listing->tree.files[0].path))
				   : err->status;
}

/* Where a file can be read: at each of the Hubs. */
static enum bake_status file_urls(struct bake_locking *locking, const struct bake_source *source,
	const char *name, struct bake_unhashed *unhashed, struct bake_error *err)
{
	struct bake_arena *arena = &locking->lock->arena;
	const char **urls = bake_arena_array(arena, locking->link->mirror_count + 1, sizeof(*urls));
	const char *endpoint;

	if (!urls)
		return bake_error_nomem(err);
	for (size_t i = 0; (endpoint = endpoint_at(locking->link, i)); i++) {
		_cleanup_(bake_buf_release) struct bake_buf url = BAKE_BUF_INIT(BAKE_NET_URL_MAX);

		bake_hub_file_url(&url, endpoint, source->location, source->commit, name);
		BAKE_TRY(bake_buf_status(&url, "URL", err));
		urls[i] = bake_arena_text(arena, url.ptr);
		if (!urls[i])
			return bake_error_nomem(err);
	}
	unhashed->urls = urls;
	unhashed->url_count = locking->link->mirror_count + 1;
	return BAKE_OK;
}

/* Small files have no published SHA-256: they are read for it. */
static enum bake_status defer_unhashed(struct bake_locking *locking, const struct bake_model *model,
	struct bake_lock_model *entry, struct bake_error *err)
{
	for (size_t i = 0; i < entry->file_count; i++) {
		struct bake_lock_file *file = &entry->files[i];
		struct bake_unhashed unhashed = {
			.file = file,
			.repository = entry->source.location,
			.commit = entry->source.commit,
			.has_size = true,
			.pinned = bake_locking_named(model, file->name),
		};

		if (file->sha256.kind)
			continue;
		BAKE_TRY(file_urls(locking, &entry->source, file->name, &unhashed, err));
		BAKE_TRY(bake_locking_defer(locking, unhashed, err));
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
	return defer_unhashed(locking, model, entry, err);
}
