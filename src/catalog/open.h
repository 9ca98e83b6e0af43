/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the documents of a catalog, and reading them. */
#ifndef CATALOG_OPEN_H
#define CATALOG_OPEN_H

#include "catalog/catalog.h"

/* NULL and 0: the usual. */
struct bake_catalog_where {
	/* Manifests, or directories whose *.json are looked at for manifests. None: $BAKE_MANIFESTS,
	 * else the directory "manifests" of the working directory, else the index of the models
	 * directory alone. */
	const char *const *manifests;
	size_t manifest_count;
	const char *const *locks; /* instead of NAME.lock.json beside NAME.json; by their names */
	size_t lock_count;
	const char *models_dir; /* must be given: where the index is, and what is installed */
	const char *index_path; /* instead of the one in models_dir */
};

/* A catalog and the documents that it is made of. */
struct bake_catalog_opened {
	struct bake_catalog *catalog;
	struct bake_manifest **manifests;
	struct bake_lock **locks;
	struct bake_index *index;
	char **paths;
	size_t count;	   /* of manifests and locks; an unused one is NULL */
	size_t path_count; /* of paths */
	int root;	   /* the models directory, -1 when there is none */
	/* What could not be read and was left out: a damaged lock or index. One is told of. */
	struct bake_error warning;
};

#define BAKE_CATALOG_OPENED_INIT                                                                   \
	{                                                                                          \
		.root = -1                                                                         \
	}

/*
 * Reads all of it; nothing is looked at beneath root yet. No manifest at all is BAKE_ERR_NOINPUT
 * catalog.nothing. A manifest that was named must be right; in a directory, documents of another
 * schema are passed over. A lock or index that is not right is left out with a warning: it only adds
 * facts.
 */
enum bake_status bake_catalog_open(const struct bake_catalog_where *where,
	struct bake_catalog_opened *out, struct bake_error *err) BAKE_CHECKED;
void bake_catalog_close(struct bake_catalog_opened *opened);

#endif
