/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical document of an index. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/num.h"
#include "index/api.h"
#include "index/facts.h"
#include "index/index.h"
#include "json/writer.h"
#include "manifest/fields.h"
#include "manifest/nunchaku.h"

static void put_number(struct bake_json_writer *writer, const char *key, uint32_t value)
{
	bake_json_key(writer, key);
	if (value)
		bake_json_write_u64(writer, value);
	else
		bake_json_write_null(writer);
}

static void put_numbers(
	struct bake_json_writer *writer, const char *key, const uint32_t *list, size_t count)
{
	bake_json_key(writer, key);
	bake_json_array_line(writer);
	for (size_t i = 0; i < count; i++)
		bake_json_write_u64(writer, list[i]);
	bake_json_end_array(writer);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Models are sorted by id; the list the API gives is sorted by name. */
static int compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t count_baked_files(const struct bake_index *index)
{
	size_t count = 0;

	for (size_t i = 0; i < index->model_count; i++)
		count += index->models[i].baked ? index->models[i].file_count : 0;
	return count;
}

static void put_nunchaku(struct bake_json_writer *writer, const struct bake_index *index)
{
	_cleanup_free_ const char **names = calloc(count_baked_files(index) + 1, sizeof(*names));
	struct bake_nunchaku_name ignored;
	size_t count = 0;

	for (size_t i = 0; names && i < index->model_count; i++) {
		const struct bake_index_model *model = &index->models[i];

		for (size_t k = 0; model->baked && k < model->file_count; k++) {
			if (bake_nunchaku_parse(model->files[k].path, &ignored))
				names[count++] = base_name(model->files[k].path);
		}
	}
	if (!names) {
		writer->buf->nomem = true;
		return;
	}
	qsort(names, count, sizeof(*names), compare_text);
	bake_json_key(writer, "nunchaku_models");
	bake_json_array(writer);
	for (size_t i = 0; i < count; i++)
		bake_json_write_text(writer, names[i]);
	bake_json_end_array(writer);
}

static void put_api(struct bake_json_writer *writer, const struct bake_index *index)
{
	struct bake_api api;

	bake_api_compute(index, &api);
	bake_json_put_text(writer, "model_name", api.model_name);
	bake_json_put_text(writer, "model_version", api.model_version);
	put_numbers(writer, "supported_ranks", api.ranks, api.rank_count);
	put_numbers(writer, "supported_steps", api.steps, api.step_count);
	put_number(writer, "default_rank", api.default_rank);
	put_number(writer, "default_steps", api.default_steps);
	put_number(writer, "max_steps", api.max_steps);
	bake_json_put_bool(writer, "base_model_available", api.base_model_available);
	put_nunchaku(writer, index);
	bake_json_key(writer, "model_config");
	bake_json_object(writer);
	bake_json_put_text(writer, "model_id", api.model_id);
	put_number(writer, "default_steps", api.default_steps);
	put_number(writer, "default_rank", api.default_rank);
	put_number(writer, "max_steps", api.max_steps);
	put_numbers(writer, "supported_ranks", api.ranks, api.rank_count);
	bake_json_splice(writer, api.config);
	bake_json_end_object(writer);
}

static void put_totals(struct bake_json_writer *writer, const struct bake_index *index)
{
	uint64_t baked = 0;
	uint64_t files = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < index->model_count; i++) {
		if (!index->models[i].baked)
			continue;
		baked++;
		files += index->models[i].file_count;
		bytes = bake_u64_add_capped(bytes, index->models[i].bytes);
	}
	bake_json_key(writer, "totals");
	bake_json_object_line(writer);
	bake_json_put_u64(writer, "models", index->model_count);
	bake_json_put_u64(writer, "baked", baked);
	bake_json_put_u64(writer, "missing", index->model_count - baked);
	bake_json_put_u64(writer, "files", files);
	bake_json_put_u64(writer, "bytes", bytes);
	bake_json_end_object(writer);
}

static void put_variant_members(struct bake_json_writer *writer, const struct bake_variant *variant)
{
	bake_json_put_text(writer, "precision", variant->precision);
	if (variant->rank)
		bake_json_put_u64(writer, "rank", variant->rank);
	if (variant->steps)
		bake_json_put_u64(writer, "steps", variant->steps);
}

static void put_variant(
	struct bake_json_writer *writer, const char *key, const struct bake_variant *variant)
{
	if (key)
		bake_json_key(writer, key);
	bake_json_object_line(writer);
	put_variant_members(writer, variant);
	bake_json_end_object(writer);
}

/* Which file is which, of a model that has several to choose from. */
static void put_variants(struct bake_json_writer *writer, const struct bake_index_model *model)
{
	bake_json_key(writer, "variants");
	bake_json_array(writer);
	for (size_t i = 0; i < model->variant_count; i++) {
		bake_json_object_line(writer);
		bake_json_put_text(writer, "path", model->variants[i].path);
		put_variant_members(writer, &model->variants[i].is);
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

static void put_rule(struct bake_json_writer *writer, const struct bake_selection *rule)
{
	if (!rule)
		return;
	put_numbers(writer, "ranks", rule->ranks, rule->rank_count);
	bake_json_key(writer, "prefer");
	bake_json_array_line(writer);
	for (size_t i = 0; i < rule->prefer_count; i++)
		put_variant(writer, NULL, &rule->prefer[i]);
	bake_json_end_array(writer);
}

static bool first_of_group(const struct bake_index *index, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (index->models[i].group &&
			strcmp(index->models[i].group, index->models[at].group) == 0)
			return false;
	}
	return true;
}

/* Per group what its rule selects among what is baked, and the rule, for a choice at run time. */
static void put_selected(struct bake_json_writer *writer, const struct bake_index *index)
{
	bake_json_key(writer, "selected");
	bake_json_object(writer);
	for (size_t i = 0; i < index->model_count; i++) {
		const char *group = index->models[i].group;
		struct bake_index_choice choice;

		if (!group || !first_of_group(index, i))
			continue;
		choice = bake_index_select(index, group, &(struct bake_index_wish){0});
		bake_json_key(writer, group);
		bake_json_object(writer);
		bake_json_key(writer, "model");
		if (choice.model)
			bake_json_write_text(writer, choice.model->id);
		else
			bake_json_write_null(writer);
		bake_json_put_text(writer, "path", choice.path);
		put_rule(writer, bake_index_rule(index, group));
		bake_json_end_object(writer);
	}
	bake_json_end_object(writer);
}

static void put_files(struct bake_json_writer *writer, const struct bake_index_model *model)
{
	bake_json_key(writer, "files");
	bake_json_array(writer);
	for (size_t i = 0; i < model->file_count; i++) {
		const struct bake_index_file *file = &model->files[i];

		bake_json_object_line(writer);
		bake_json_put_text(writer, "path", file->path);
		bake_json_put_u64(writer, "size", file->size);
		bake_json_put_text(writer, "sha256", BAKE_HEX(&file->sha256));
		bake_json_end_object(writer);
	}
	bake_json_end_array(writer);
}

static void put_model(struct bake_json_writer *writer, const struct bake_index_model *model)
{
	const struct bake_variant *variant = &model->variant;

	bake_json_object(writer);
	bake_json_put_text(writer, "id", model->id);
	bake_json_put_text(writer, "title", model->title);
	bake_json_put_text(writer, "description", model->description);
	bake_json_put_text(writer, "role", model->role);
	bake_json_put_text(writer, "category", model->category);
	bake_json_put_text(writer, "group", model->group);
	if (variant->precision || variant->rank || variant->steps)
		put_variant(writer, "variant", variant);
	if (model->variant_count)
		put_variants(writer, model);
	bake_json_put_text(writer, "format", model->format);
	bake_json_put_text(writer, "quantization", model->quantization);
	bake_json_put_bool(writer, "required", model->required);
	bake_json_put_bool(writer, "default", model->is_default);
	bake_json_put_text(writer, "status", model->baked ? "baked" : "missing");
	bake_json_put_text(writer, "path", model->path);
	bake_json_put_u64(writer, "bytes", model->bytes);
	put_files(writer, model);
	if (model->aggregate.kind)
		bake_json_put_text(writer, "aggregate_sha256", BAKE_HEX(&model->aggregate));
	bake_source_write(writer, "source", &model->source);
	bake_json_put_text(writer, "license", model->license);
	if (model->source.kind == BAKE_SOURCE_HUB)
		bake_json_put_bool(writer, "gated", model->gated);
	if (model->executable_code)
		bake_json_put_bool(writer, "executable_code", true);
	if (model->tag_count)
		bake_json_put_list(writer, "tags", model->tags, model->tag_count);
	if (model->min_ram_bytes)
		bake_json_put_u64(writer, "min_ram_bytes", model->min_ram_bytes);
	if (model->priority)
		bake_json_put_u64(writer, "priority", model->priority);
	bake_index_put_facts(writer, model);
	bake_json_end_object(writer);
}

void bake_index_write_model(const struct bake_index_model *model, struct bake_buf *out)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);

	put_model(&writer, model);
	bake_json_finish(&writer);
}

static void put_provenance(
	struct bake_json_writer *writer, const struct bake_index *index, const char *generator)
{
	char time[BAKE_TIME_TEXT];

	bake_json_put_text(writer, "generator", generator);
	bake_json_put_text(writer, "generated_at", bake_time_format(index->generated_at, time));
	bake_json_key(writer, "manifest");
	bake_json_object_line(writer);
	bake_json_put_text(writer, "name", index->manifest_name);
	bake_json_put_text(writer, "sha256", BAKE_HEX(&index->manifest_sha256));
	bake_json_end_object(writer);
	bake_json_put_text(writer, "lock_sha256", BAKE_HEX(&index->lock_sha256));
}

enum bake_status bake_index_write(const struct bake_index *index, const char *generator,
	struct bake_buf *out, struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);

	bake_json_object(&writer);
	bake_json_put_text(&writer, "schema", BAKE_INDEX_SCHEMA);
	put_api(&writer, index);
	put_provenance(&writer, index, generator);
	put_totals(&writer, index);
	put_selected(&writer, index);
	bake_json_key(&writer, "models");
	bake_json_array(&writer);
	for (size_t i = 0; i < index->model_count; i++)
		put_model(&writer, &index->models[i]);
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return bake_buf_status(out, "index", err);
}
