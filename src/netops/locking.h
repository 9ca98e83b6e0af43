/* SPDX-License-Identifier: Apache-2.0 */
/* A lock in the making. Inside netops only. */
#ifndef NETOPS_LOCKING_H
#define NETOPS_LOCKING_H

#include "base/arena.h"
#include "hub/hub.h"
#include "manifest/lock.h"
#include "manifest/manifest.h"
#include "netops/lock.h"
#include "ops/pickle.h"

/* A repository at a commit, listed once however many models come from it. */
struct bake_listing {
	const char *repository;
	const char *revision; /* as asked for */
	bool fresh;	      /* the revision was asked for anew, not taken from the former lock */
	struct bake_hub_revision resolved;
	struct bake_hub_tree tree;
	bool listed;
};

/* A file whose bytes must be read to know its digest. */
struct bake_unhashed {
	struct bake_lock_file *file;
	const char *const *urls; /* in the order they are tried */
	size_t url_count;
	const char *repository; /* NULL: not from the Hub */
	const char *commit;
	bool has_size;				 /* file->size is known already */
	const struct bake_manifest_file *pinned; /* what the manifest says of it; NULL: nothing */
};

struct bake_locking {
	const struct bake_lock_options *options;
	struct bake_manifest *manifest;
	struct bake_lock *old;	/* NULL: there is none */
	struct bake_lock *lock; /* the new one; its arena holds all text made here */
	struct bake_link *link;
	int manifest_dir; /* where file sources are relative to */
	struct bake_listing *listings;
	size_t listing_count;
	struct bake_unhashed *unhashed;
	size_t unhashed_count;
	size_t unhashed_room;
};

/* Where the lock is: named, or beside the manifest. */
enum bake_status bake_locking_place(const struct bake_lock_options *options,
	char out[BAKE_LOCK_PATH_MAX], struct bake_error *err) BAKE_CHECKED;

/* The lock as it was; *out stays when there is none. */
enum bake_status bake_locking_load_old(
	const char *path, struct bake_lock **out, struct bake_error *err) BAKE_CHECKED;

/* Whether the models that were named are in the manifest; whether model is one of them. */
enum bake_status bake_locking_check_names(const struct bake_manifest *manifest,
	const struct bake_lock_options *options, struct bake_error *err) BAKE_CHECKED;
bool bake_locking_in_scope(const struct bake_lock_options *options,
	const struct bake_manifest *manifest, const struct bake_model *model);

/* Each fills entry->files (and entry->source.commit, gated) for a model of its kind of source. */
enum bake_status bake_locking_hub(struct bake_locking *locking, const struct bake_model *model,
	bool fresh_commit, struct bake_lock_model *entry, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_locking_url(struct bake_locking *locking, const struct bake_model *model,
	struct bake_lock_model *entry, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_locking_local(struct bake_locking *locking, const struct bake_model *model,
	struct bake_lock_model *entry, struct bake_error *err) BAKE_CHECKED;

/* Reads the files that were put on the list and fills in their digests. */
enum bake_status bake_locking_hash(
	struct bake_locking *locking, struct bake_error *err) BAKE_CHECKED;

/* Puts a file on that list. */
enum bake_status bake_locking_defer(struct bake_locking *locking, struct bake_unhashed unhashed,
	struct bake_error *err) BAKE_CHECKED;

/* Where a model's file goes: its path joined with name, checked. */
enum bake_status bake_locking_path(struct bake_locking *locking, const struct bake_model *model,
	const char *name, const char **out, struct bake_error *err) BAKE_CHECKED;

/* What the manifest pins of a file must agree with what was found. BAKE_ERR_CONFIG pin.conflict. */
enum bake_status bake_locking_agree(const struct bake_manifest_file *pinned,
	const struct bake_lock_file *found, struct bake_error *err) BAKE_CHECKED;

/* Room for count files in entry. */
enum bake_status bake_locking_room(struct bake_locking *locking, struct bake_lock_model *entry,
	size_t count, struct bake_error *err) BAKE_CHECKED;

/* The explicit entry of that name in the model's files, NULL when there is none. */
const struct bake_manifest_file *bake_locking_named(
	const struct bake_model *model, const char *name);

/* Warns that bake-fetch will refuse the file, and says how to allow it. */
void bake_locking_warn_pickle(
	const struct bake_locking *locking, const struct bake_pickle_file *file, const char *what);

/* BAKE_ERR_UNAVAILABLE net.offline when there is no network to use. */
enum bake_status bake_locking_online(const struct bake_locking *locking,
	const struct bake_model *model, struct bake_error *err) BAKE_CHECKED;

#endif
