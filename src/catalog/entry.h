/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of a catalog, filled from what a manifest, its lock and an index say of a model. */
#ifndef CATALOG_ENTRY_H
#define CATALOG_ENTRY_H

#include "catalog/catalog.h"

/* The entry is zeroed but for its source, whose documents it then points into. Its key becomes the
 * model's id. Entries are filled by any number of threads, each with an arena of its own. */
enum bake_status bake_catalog_fill_model(struct bake_arena *arena, struct bake_catalog_entry *entry,
	const struct bake_model *model, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_catalog_fill_indexed(struct bake_arena *arena,
	struct bake_catalog_entry *entry, const struct bake_index_model *model,
	struct bake_error *err) BAKE_CHECKED;

#endif
