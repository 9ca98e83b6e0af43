/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a safetensors file of Nunchaku says of itself (nunchaku merge_safetensors.py): __metadata__
 * with JSON documents as texts. A document in it that cannot be read is a warning: the tensors are
 * what they are.
 */
#include "arch/config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

enum {
	DOCUMENT_MAX = 1024 * 1024,    /* bytes of a document; real ones have one or two thousand */
	WRITTEN_MAX = 8 * 1024 * 1024, /* the same as we write it: 1e9 with all its digits */
	RANK_MAX = 65536,
	GROUP_MAX = 1 << 20
};

struct source {
	char text[BAKE_ARCH_TEXT_MAX + 1];
};

static const char *source_of(const char *path, const char *key, struct source *out)
{
	(void)snprintf(out->text, sizeof(out->text), "safetensors:%s:%s", path, key);
	return out->text;
}

static void close_document(struct bake_json_doc **doc)
{
	bake_json_close(doc);
}

/* Memory is a failure, everything else a warning. */
static enum bake_status warn_of(struct bake_arch *arch, const char *path, const char *key,
	const struct bake_error *why, struct bake_error *err)
{
	if (why->status == BAKE_ERR_RESOURCES) {
		*err = *why;
		return why->status;
	}
	return bake_arch_warn(arch, err, "%s: %s in __metadata__ cannot be read: %s",
		BAKE_SHOW(path), key, why->message);
}

static enum bake_status warn_of_length(
	struct bake_arch *arch, const char *path, const char *key, struct bake_error *err)
{
	return bake_arch_warn(
		arch, err, "%s: %s in __metadata__ is too long", BAKE_SHOW(path), key);
}

/* The width of the low-rank branch, from the first tensor that has one; 0 when none has. Its matrix
 * is inputs by rank. */
static uint64_t rank_of_tensors(const struct bake_safetensors *file)
{
	for (size_t i = 0; i < file->tensor_count; i++) {
		const struct bake_st_tensor *tensor = &file->tensors[i];

		if (tensor->rank == 2 && (bake_text_ends(tensor->name, ".lora_down") ||
						 bake_text_ends(tensor->name, ".proj_down")))
			return tensor->shape[1] <= RANK_MAX ? tensor->shape[1] : 0;
	}
	return 0;
}

static uint64_t number_of(const struct bake_json *object, const char *key, uint64_t max)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	uint64_t number = 0;

	if (!bake_json_find(object, key, &value) ||
		bake_json_u64(&value, max, &number, &ignored) != BAKE_OK)
		return 0;
	return number;
}

static const char *text_of(const struct bake_json *object, const char *key)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	const char *text = NULL;

	if (!bake_json_find(object, key, &value) ||
		bake_json_string(&value, &text, &ignored) != BAKE_OK)
		return NULL;
	return text;
}

/* As in the files' names, and as Nunchaku asks for them: "fp4_e2m1_all" is fp4. */
static const char *label_of(const char *dtype)
{
	static const char *const labels[] = {"int4", "fp4"};

	for (size_t i = 0; dtype && i < countof(labels); i++)
		if (bake_text_starts(dtype, labels[i]))
			return labels[i];
	return NULL;
}

static enum bake_status set_quantization(struct bake_arch *arch, const struct bake_json *root,
	const struct bake_safetensors *file, const char *source, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(WRITTEN_MAX);
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(&buf);
	struct bake_arch_quantization found = {.method = "svdquant", .source = source};
	struct bake_json weight;

	if (bake_json_find(root, "weight", &weight)) {
		found.label = label_of(text_of(&weight, "dtype"));
		found.bits = found.label ? 4 : 0;
		found.group_size = (int64_t)number_of(&weight, "group_size", GROUP_MAX);
	}
	found.rank = number_of(root, "rank", RANK_MAX);
	if (found.rank == 0)
		found.rank = rank_of_tensors(file);
	bake_json_write_value(&writer, root);
	BAKE_TRY(bake_buf_status(&buf, "quantization_config", err));
	found.details = buf.ptr;
	return bake_arch_set_quantization(arch, &found, err);
}

/* Parses a document of __metadata__. *out stays NULL, with a warning, when it is none. */
static enum bake_status open_document(struct bake_arch *arch, const char *text, const char *path,
	const char *key, struct bake_json_doc **out, struct bake_error *err)
{
	struct bake_error why = BAKE_ERROR_INIT;
	struct bake_span span = bake_span_text(text);
	struct bake_json root;

	if (span.len > DOCUMENT_MAX)
		return bake_arch_warn(
			arch, err, "%s: %s in __metadata__ is too long", BAKE_SHOW(path), key);
	if (bake_json_open(span, key, out, &why) != BAKE_OK)
		return warn_of(arch, path, key, &why, err);
	root = bake_json_root(*out);
	if (bake_json_is_object(&root))
		return BAKE_OK;
	bake_json_close(out);
	return bake_arch_warn(
		arch, err, "%s: %s in __metadata__ is no object", BAKE_SHOW(path), key);
}

/* Whether quantization_config is SVDQuant's. Files of others have one of that name, too. */
static enum bake_status read_quantization(struct bake_arch *arch,
	const struct bake_safetensors *file, const char *path, bool *out_svdquant,
	struct bake_error *err)
{
	static const char key[] = "quantization_config";
	_cleanup_(close_document) struct bake_json_doc *doc = NULL;
	const char *text = bake_safetensors_metadata(file, key);
	const char *method;
	struct source source;
	struct bake_json root;

	*out_svdquant = false;
	if (!text)
		return BAKE_OK;
	BAKE_TRY(open_document(arch, text, path, key, &doc, err));
	if (!doc)
		return BAKE_OK;
	root = bake_json_root(doc);
	method = text_of(&root, "method");
	if (!method || strcmp(method, "svdquant") != 0)
		return BAKE_OK;
	*out_svdquant = true;
	return set_quantization(arch, &root, file, source_of(path, key, &source), err);
}

/* The diffusers configuration of what was quantised. */
static enum bake_status read_base(
	struct bake_arch *arch, const char *text, const char *path, struct bake_error *err)
{
	static const char key[] = "config";
	struct bake_error why = BAKE_ERROR_INIT;
	struct bake_span span = bake_span_text(text);
	char inner[BAKE_ARCH_TEXT_MAX + 1];

	if (span.len > DOCUMENT_MAX)
		return warn_of_length(arch, path, key, err);
	(void)snprintf(inner, sizeof(inner), "%s:%s", path, key);
	if (bake_arch_config_read(arch, "safetensors", span, inner, &why) != BAKE_OK)
		return warn_of(arch, path, key, &why, err);
	return BAKE_OK;
}

enum bake_status bake_arch_read_safetensors(struct bake_arch *arch,
	const struct bake_safetensors *file, const char *path, struct bake_error *err)
{
	const char *model_class = bake_safetensors_metadata(file, "model_class");
	const char *config = bake_safetensors_metadata(file, "config");
	struct source source;
	bool svdquant;

	BAKE_TRY(read_quantization(arch, file, path, &svdquant, err));
	if (!svdquant && !(model_class && bake_text_starts(model_class, "Nunchaku")))
		return BAKE_OK;
	(void)snprintf(source.text, sizeof(source.text), "safetensors:%s", path);
	BAKE_TRY(bake_arch_add_source(arch, source.text, err));
	if (model_class && model_class[0] != '\0')
		BAKE_TRY(bake_arch_set_text(arch, BAKE_ARCH_ARCHITECTURE,
			bake_span_text(model_class), source_of(path, "model_class", &source), err));
	return config ? read_base(arch, config, path, err) : BAKE_OK;
}
