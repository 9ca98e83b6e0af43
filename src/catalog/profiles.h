/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles: models of one manifest that belong together. */
#ifndef CATALOG_PROFILES_H
#define CATALOG_PROFILES_H

#include "catalog/catalog.h"

struct bake_catalog_profile {
	const char *name;
	const char *key; /* its name, or "manifest/name" where several manifests have it */
	const struct bake_catalog_source *source;
	const struct bake_catalog_entry **entries;
	size_t entry_count;
	uint64_t bytes;	  /* of those whose size is known */
	size_t unknown;	  /* how many of the others there are */
	size_t installed; /* after bake_catalog_locate, as are the others */
	size_t partial;
	uint64_t local_bytes;
};

struct bake_catalog_profiles {
	struct bake_arena arena;
	struct bake_catalog_profile
		*items; /* by manifest, then as the manifest has them: by name */
	size_t count;
};

/* The profiles of all manifests of the catalog, which must outlive them. Release in any case. */
enum bake_status bake_catalog_make_profiles(const struct bake_catalog *catalog,
	struct bake_catalog_profiles *out, struct bake_error *err) BAKE_CHECKED;
void bake_catalog_release_profiles(struct bake_catalog_profiles *profiles);

/* By key, or by name: then *out_others, which may be NULL, receives how many more have it. */
const struct bake_catalog_profile *bake_catalog_find_profile(
	const struct bake_catalog_profiles *profiles, const char *name, size_t *out_others);

#endif
