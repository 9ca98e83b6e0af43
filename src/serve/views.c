/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/views.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "arch/arch.h"
#include "arch/weights.h"
#include "base/cleanup.h"
#include "json/writer.h"

/* What a view wants of a model's own files. Without an arch nothing is known. */
struct known {
	struct bake_arch *arch;
	struct bake_weights weights;
};

static void know(const struct bake_index_model *model, struct known *out)
{
	struct bake_error ignored = BAKE_ERROR_INIT;

	*out = (struct known){.arch = NULL};
	best_effort((int)bake_index_read_arch(model, &out->arch, &ignored));
	best_effort(
		(int)bake_index_read_weights(model, BAKE_INDEX_WEIGHTS, &out->weights, &ignored));
}

static const char *arch_text(const struct bake_arch *arch, enum bake_arch_field field)
{
	const struct bake_arch_fact *fact = arch ? bake_arch_get(arch, field) : NULL;

	return fact && fact->kind == BAKE_ARCH_TEXT ? fact->text : NULL;
}

static uint64_t arch_number(const struct bake_arch *arch, enum bake_arch_field field)
{
	return arch ? bake_arch_u64(arch, field, 0) : 0;
}

static void put_or_null(struct bake_json_writer *writer, const char *key, const char *text)
{
	if (text) {
		bake_json_put_text(writer, key, text);
		return;
	}
	bake_json_key(writer, key);
	bake_json_write_null(writer);
}

static void put_count_or_null(struct bake_json_writer *writer, const char *key, uint64_t count)
{
	bake_json_key(writer, key);
	if (count)
		bake_json_write_u64(writer, count);
	else
		bake_json_write_null(writer);
}

/* Seconds since 1970 of the time that the index was made with: 0 when it has none. */
static uint64_t created(const struct bake_snapshot *snapshot)
{
	struct tm tm = {.tm_year = 0};
	const char *end = strptime(snapshot->document.generated_at, "%Y-%m-%dT%H:%M:%SZ", &tm);
	time_t seconds = end && !*end ? timegm(&tm) : 0;

	return seconds > 0 ? (uint64_t)seconds : 0;
}

static const char *modified(const struct bake_snapshot *snapshot)
{
	return snapshot->document.generated_at[0] ? snapshot->document.generated_at
						  : "1970-01-01T00:00:00Z";
}

/* "Qwen" of "Qwen/Qwen-Image-Edit". */
static void put_owner(struct bake_json_writer *writer, const struct bake_snapshot *snapshot,
	const struct bake_index_model *model)
{
	const struct bake_document_model *entry =
		bake_document_find(&snapshot->document, model->id);
	const char *where = entry ? entry->hub : NULL;
	const char *slash = where ? strchr(where, '/') : NULL;
	char owner[128];

	(void)snprintf(
		owner, sizeof(owner), "%.*s", slash ? (int)(slash - where) : 0, slash ? where : "");
	bake_json_put_text(writer, "owned_by", owner[0] ? owner : "modelbake");
}

static void put_openai(struct bake_json_writer *writer, const struct bake_snapshot *snapshot,
	const struct bake_index_model *model)
{
	struct known known;

	know(model, &known);
	bake_json_object(writer);
	bake_json_put_text(writer, "id", model->id);
	bake_json_put_text(writer, "object", "model");
	bake_json_put_u64(writer, "created", created(snapshot));
	put_owner(writer, snapshot, model);
	put_or_null(writer, "root", model->path);
	bake_json_key(writer, "parent");
	bake_json_write_null(writer);
	put_count_or_null(
		writer, "max_model_len", arch_number(known.arch, BAKE_ARCH_CONTEXT_LENGTH));
	bake_json_key(writer, "permission");
	bake_json_array_line(writer);
	bake_json_end_array(writer);
	bake_json_end_object(writer);
	bake_arch_free(&known.arch);
}

void bake_view_openai(const struct bake_snapshot *snapshot, struct bake_buf *out)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);

	bake_json_object(&writer);
	bake_json_put_text(&writer, "object", "list");
	bake_json_key(&writer, "data");
	bake_json_array(&writer);
	for (size_t i = 0; i < snapshot->index->model_count; i++) {
		if (snapshot->index->models[i].baked)
			put_openai(&writer, snapshot, &snapshot->index->models[i]);
	}
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
}

/* "3.2B", "405M". */
static const char *parameter_size(uint64_t parameters, char text[32])
{
	if (!parameters)
		text[0] = '\0';
	else if (parameters >= 1000000000)
		(void)snprintf(text, 32, "%.1fB", (double)parameters / 1e9);
	else
		(void)snprintf(text, 32, "%.0fM", (double)parameters / 1e6);
	return text;
}

static void put_details(struct bake_json_writer *writer, const struct bake_index_model *model,
	const struct known *known)
{
	const char *family = arch_text(known->arch, BAKE_ARCH_MODEL_TYPE);
	char size[32];

	bake_json_key(writer, "details");
	bake_json_object(writer);
	bake_json_put_text(writer, "parent_model", "");
	bake_json_put_text(writer, "format", model->format ? model->format : "");
	bake_json_put_text(writer, "family", family ? family : "");
	bake_json_key(writer, "families");
	bake_json_array_line(writer);
	if (family)
		bake_json_write_text(writer, family);
	bake_json_end_array(writer);
	bake_json_put_text(
		writer, "parameter_size", parameter_size(known->weights.parameters, size));
	bake_json_put_text(
		writer, "quantization_level", model->quantization ? model->quantization : "");
	bake_json_end_object(writer);
}

static void put_ollama(struct bake_json_writer *writer, const struct bake_snapshot *snapshot,
	const struct bake_index_model *model)
{
	struct known known;

	know(model, &known);
	bake_json_object(writer);
	bake_json_put_text(writer, "name", model->id);
	bake_json_put_text(writer, "model", model->id);
	bake_json_put_text(writer, "modified_at", modified(snapshot));
	bake_json_put_u64(writer, "size", model->bytes);
	bake_json_put_text(
		writer, "digest", model->aggregate.kind ? BAKE_HEX(&model->aggregate) : "");
	put_details(writer, model, &known);
	bake_json_end_object(writer);
	bake_arch_free(&known.arch);
}

void bake_view_ollama(const struct bake_snapshot *snapshot, struct bake_buf *out)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);

	bake_json_object(&writer);
	bake_json_key(&writer, "models");
	bake_json_array(&writer);
	for (size_t i = 0; i < snapshot->index->model_count; i++) {
		if (snapshot->index->models[i].baked)
			put_ollama(&writer, snapshot, &snapshot->index->models[i]);
	}
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
}

/* Under the names that GGUF has for them. */
static void put_model_info(struct bake_json_writer *writer, const struct known *known)
{
	static const struct {
		enum bake_arch_field field;
		const char *key;
	} rows[] = {
		{BAKE_ARCH_CONTEXT_LENGTH, "context_length"},
		{BAKE_ARCH_HIDDEN_SIZE, "embedding_length"},
		{BAKE_ARCH_NUM_LAYERS, "block_count"},
		{BAKE_ARCH_INTERMEDIATE_SIZE, "feed_forward_length"},
		{BAKE_ARCH_NUM_ATTENTION_HEADS, "attention.head_count"},
		{BAKE_ARCH_NUM_KV_HEADS, "attention.head_count_kv"},
		{BAKE_ARCH_HEAD_DIM, "attention.key_length"},
		{BAKE_ARCH_VOCAB_SIZE, "vocab_size"},
	};
	const char *family = arch_text(known->arch, BAKE_ARCH_MODEL_TYPE);
	char key[128];

	bake_json_key(writer, "model_info");
	bake_json_object(writer);
	bake_json_put_text(writer, "general.architecture", family);
	if (known->weights.parameters)
		bake_json_put_u64(writer, "general.parameter_count", known->weights.parameters);
	for (size_t i = 0; family && i < countof(rows); i++) {
		uint64_t value = arch_number(known->arch, rows[i].field);

		(void)snprintf(key, sizeof(key), "%.64s.%s", family, rows[i].key);
		if (value)
			bake_json_put_u64(writer, key, value);
	}
	bake_json_end_object(writer);
}

static void put_capabilities(struct bake_json_writer *writer, const struct bake_index_model *model)
{
	const char *role = model->role ? model->role : "";

	bake_json_key(writer, "capabilities");
	bake_json_array_line(writer);
	if (strcmp(role, "embedding") == 0)
		bake_json_write_text(writer, "embedding");
	else if (strcmp(role, "chat") == 0 || strcmp(role, "vision") == 0)
		bake_json_write_text(writer, "completion");
	if (strcmp(role, "vision") == 0)
		bake_json_write_text(writer, "vision");
	bake_json_end_array(writer);
}

void bake_view_show(const struct bake_snapshot *snapshot, const struct bake_index_model *model,
	struct bake_buf *out)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);
	struct known known;

	know(model, &known);
	bake_json_object(&writer);
	bake_json_put_text(&writer, "license", model->license ? model->license : "");
	bake_json_put_text(&writer, "modelfile", "");
	bake_json_put_text(&writer, "parameters", "");
	bake_json_put_text(&writer, "template", "");
	bake_json_put_text(&writer, "system", "");
	put_details(&writer, model, &known);
	put_model_info(&writer, &known);
	bake_json_key(&writer, "tensors");
	bake_json_array_line(&writer);
	bake_json_end_array(&writer);
	put_capabilities(&writer, model);
	bake_json_put_text(&writer, "modified_at", modified(snapshot));
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	bake_arch_free(&known.arch);
}

static const char *version_of(const char *generator)
{
	const char *blank = strchr(generator, ' ');

	return blank ? blank + 1 : generator;
}

void bake_view_tgi(const struct bake_snapshot *snapshot, const struct bake_index_model *model,
	const char *generator, struct bake_buf *out)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);
	const struct bake_document_model *entry =
		bake_document_find(&snapshot->document, model->id);
	struct known known;
	uint64_t context;

	know(model, &known);
	context = arch_number(known.arch, BAKE_ARCH_CONTEXT_LENGTH);
	bake_json_object(&writer);
	bake_json_put_text(&writer, "model_id", entry && entry->hub ? entry->hub : model->id);
	put_or_null(&writer, "model_sha", entry ? entry->commit : NULL);
	put_or_null(&writer, "model_dtype", arch_text(known.arch, BAKE_ARCH_WEIGHT_PRECISION));
	put_or_null(&writer, "model_type", arch_text(known.arch, BAKE_ARCH_MODEL_TYPE));
	put_or_null(&writer, "model_device_type", NULL);
	put_or_null(&writer, "model_pipeline_tag", model->category);
	put_count_or_null(&writer, "max_concurrent_requests", 0);
	put_count_or_null(&writer, "max_input_tokens", context ? context - 1 : 0);
	put_count_or_null(&writer, "max_total_tokens", context);
	bake_json_put_text(&writer, "router", "bake-serve");
	bake_json_put_text(&writer, "version", version_of(generator));
	put_or_null(&writer, "sha", NULL);
	put_or_null(&writer, "docker_label", NULL);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	bake_arch_free(&known.arch);
}

const struct bake_index_model *bake_view_main(const struct bake_snapshot *snapshot)
{
	const struct bake_index_model *first = NULL;

	for (size_t i = 0; i < snapshot->index->model_count; i++) {
		const struct bake_index_model *model = &snapshot->index->models[i];

		if (!model->baked)
			continue;
		if (model->is_default)
			return model;
		if (!first)
			first = model;
	}
	return first;
}
