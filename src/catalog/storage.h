/* SPDX-License-Identifier: Apache-2.0 */
/* What a models directory takes of its file system, by model and category, and what of it is there
 * twice. Reads only; only bake_storage_hash reads contents. */
#ifndef CATALOG_STORAGE_H
#define CATALOG_STORAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/event.h"
#include "catalog/catalog.h"
#include "fs/walk.h"

struct bake_storage_file {
	const char *path; /* below the models directory */
	struct stat st;
	const struct bake_catalog_entry *entry; /* whose file it is; NULL: nobody's */
	struct bake_digest sha256; /* the pinned one when its size is that one's, or hashed */
	bool hashed;
	bool is_link; /* another path of a file that counts elsewhere */
	bool shared;  /* a twin that has its blocks in common with the first one already */
	const struct bake_storage_file *twin_of; /* the first of the same content */
};

struct bake_storage_sum {
	const char *name; /* of a model its key, of a category its title */
	uint64_t bytes;
	size_t files;
	size_t models;
};

struct bake_storage {
	struct bake_walk walk;		 /* owns the paths */
	struct bake_storage_file *files; /* regular ones, by path */
	size_t file_count;
	struct bake_storage_sum *models; /* largest first */
	size_t model_count;
	struct bake_storage_sum *categories; /* largest first */
	size_t category_count;
	uint64_t total;	       /* of the file system, bytes */
	uint64_t free;	       /* for an unprivileged process */
	uint64_t model_bytes;  /* of files that a catalog knows; each once, however many links */
	uint64_t other_bytes;  /* of the others */
	uint64_t linked_bytes; /* what links save */
	uint64_t twin_bytes;   /* what is there twice and shares nothing */
	size_t unhashed; /* files of equal size of which nobody knows whether they are equal */
	size_t twin_count;
};

#define BAKE_STORAGE_INIT                                                                          \
	{                                                                                          \
		.walk = BAKE_WALK_INIT                                                             \
	}

/* Lists what is beneath root. catalog may be NULL, and must outlive the result. */
enum bake_status bake_storage_read(int root, const struct bake_catalog *catalog,
	struct bake_storage *out, struct bake_error *err) BAKE_CHECKED;

/* Hashes what has another file's size and no known digest. A file that cannot be read, or changes,
 * stays without. */
enum bake_status bake_storage_hash(int root, struct bake_storage *storage,
	const struct bake_events *events, struct bake_error *err) BAKE_CHECKED;

/* Finds files of one digest, by what is known of digests now. */
enum bake_status bake_storage_find_twins(
	int root, struct bake_storage *storage, struct bake_error *err) BAKE_CHECKED;

void bake_storage_release(struct bake_storage *storage);

#endif
