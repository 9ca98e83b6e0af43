/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which people are shown the entries of a catalog. */
#ifndef CATALOG_ORDER_H
#define CATALOG_ORDER_H

#include "base/arena.h"
#include "base/error.h"
#include "catalog/catalog.h"

/* Orders the entries by group, priority, defaults, what is recommended, title, key. as_read receives
 * where each is then, in the order they had. scratch has what that takes meanwhile.
 * BAKE_ERR_RESOURCES only. */
enum bake_status bake_catalog_order(struct bake_catalog_entry *entries, size_t count,
	const struct bake_catalog_entry **as_read, struct bake_arena *scratch,
	struct bake_error *err) BAKE_CHECKED;

#endif
