/* SPDX-License-Identifier: Apache-2.0 */
/* Entries as JSON, for programs and user interfaces. */
#ifndef CATALOG_WRITE_H
#define CATALOG_WRITE_H

#include "catalog/catalog.h"
#include "json/writer.h"

/* The members of an entry, within an object that is begun and ended by the caller. What is not known
 * is absent. */
void bake_catalog_put_entry(
	struct bake_json_writer *writer, const struct bake_catalog_entry *entry);

#endif
