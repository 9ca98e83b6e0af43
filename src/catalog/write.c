/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/write.h"

static void put_known(struct bake_json_writer *writer, const char *key, uint64_t value)
{
	if (value > 0)
		bake_json_put_u64(writer, key, value);
}

void bake_catalog_put_entry(struct bake_json_writer *writer, const struct bake_catalog_entry *entry)
{
	bake_json_put_text(writer, "key", entry->key);
	bake_json_put_text(writer, "id", entry->id);
	bake_json_put_text(writer, "title", entry->title);
	bake_json_put_text(writer, "description", entry->description);
	bake_json_put_text(writer, "group", bake_catalog_group_word(entry));
	bake_json_put_text(writer, "category", entry->category);
	bake_json_put_text(writer, "role", entry->role);
	bake_json_put_list(writer, "tags", entry->tags, entry->tag_count);
	bake_json_put_list(writer, "aliases", entry->aliases, entry->alias_count);
	bake_json_put_text(writer, "format", entry->format);
	bake_json_put_text(writer, "quantization", entry->quantization);
	bake_json_put_text(writer, "license", entry->license);
	if (entry->size_known)
		bake_json_put_u64(writer, "bytes", entry->bytes);
	put_known(writer, "min_ram_bytes", entry->min_ram_bytes);
	put_known(writer, "priority", entry->priority);
	bake_json_put_bool(writer, "default", entry->is_default);
	bake_json_put_bool(writer, "recommended", entry->recommended);
	bake_json_put_bool(writer, "required", entry->required);
	bake_json_put_text(writer, "status", bake_catalog_state_name(entry->state));
	if (entry->state != BAKE_CATALOG_UNKNOWN)
		bake_json_put_u64(writer, "local_bytes", entry->local_bytes);
	bake_json_put_text(writer, "pins", bake_catalog_pins_name(entry->pins));
	bake_json_put_text(writer, "manifest", entry->source->name);
	bake_json_put_text(writer, "manifest_path", entry->source->manifest_path);
	bake_json_put_text(writer, "lock_path", entry->source->lock_path);
}
