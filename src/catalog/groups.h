/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of categories, in the order in which people want them listed. */
#ifndef CATALOG_GROUPS_H
#define CATALOG_GROUPS_H

#include <stdbool.h>

/* The group of a category, else of a role; the last one, "other", when neither is known. */
unsigned bake_groups_of(const char *category, const char *role);

/* Whether that number is "other", where each category is a group of its own. */
bool bake_groups_is_other(unsigned group);

#endif
