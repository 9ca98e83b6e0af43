/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a new architecture record into one that is there already. */
#ifndef OPS_REGISTRY_MERGE_H
#define OPS_REGISTRY_MERGE_H

#include <stddef.h>

#include "base/error.h"
#include "json/json.h"

/* The source of a value that a person wrote: it is never overwritten. */
#define BAKE_SOURCE_MANUAL "manual"

/*
 * Merges fresh, a record as bake_arch_write writes it, into holder's "architecture", which is made
 * when there is none. Values are overwritten, but for manual ones; objects (vision, quantization)
 * member by member; sources and warnings are united; field_sources follow their values; what only
 * the old record has stays, "runtime" too. *out_changed counts values that are new or other.
 * collected_at becomes now (ISO 8601), when anything changed.
 */
enum bake_status bake_registry_merge(const struct bake_json *holder, const struct bake_json *fresh,
	const char *now, size_t *out_changed, struct bake_error *err) BAKE_CHECKED;

/* Adds text to an array of texts that does not have it. */
enum bake_status bake_registry_unite(
	const struct bake_json *array, const char *text, struct bake_error *err) BAKE_CHECKED;

#endif
