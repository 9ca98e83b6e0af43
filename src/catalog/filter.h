/* SPDX-License-Identifier: Apache-2.0 */
/* Which entries a listing shows. */
#ifndef CATALOG_FILTER_H
#define CATALOG_FILTER_H

#include "catalog/catalog.h"

/* NULL and false: any. What is given must all be so. */
struct bake_catalog_filter {
	const char *category; /* as for bake_catalog_is_category */
	const char *format;   /* "gguf"; case does not count */
	const char *tag;
	const char *use; /* as for bake_catalog_is_for */
	bool recommended;
	bool installed; /* after bake_catalog_locate */
};

bool bake_catalog_shows(
	const struct bake_catalog_filter *filter, const struct bake_catalog_entry *entry);

/* A category, format, tag or use that no entry of the catalog has is a slip: BAKE_ERR_USAGE
 * usage.value, with the nearest that there is. */
enum bake_status bake_catalog_check_filter(const struct bake_catalog *catalog,
	const struct bake_catalog_filter *filter, struct bake_error *err) BAKE_CHECKED;

#endif
