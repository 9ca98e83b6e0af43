/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/info.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "convert/companion.h"
#include "convert/family.h"

static struct bake_convert_type_sum *sum_of(
	struct bake_convert_info *info, struct bake_convert_type type)
{
	size_t i = 0;

	while (i < info->type_count && !bake_convert_type_equal(info->types[i].type, type))
		i++;
	if (i == BAKE_CONVERT_TYPES_MAX)
		return NULL; /* there are fewer types than that */
	if (i == info->type_count)
		info->types[info->type_count++] = (struct bake_convert_type_sum){.type = type};
	return &info->types[i];
}

static int compare(const void *a, const void *b)
{
	const struct bake_convert_type_sum *left = a;
	const struct bake_convert_type_sum *right = b;

	return (left->bytes < right->bytes) - (left->bytes > right->bytes);
}

static void know_architecture(
	const struct bake_convert_model *model, struct bake_convert_info *info)
{
	const struct bake_gguf *gguf = bake_convert_model_gguf(model);
	const struct bake_family *family = NULL;
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_span text;

	if (gguf) {
		if (bake_gguf_text(gguf, "general.architecture", &text))
			(void)snprintf(info->architecture, sizeof(info->architecture), "%s",
				BAKE_SHOW_SPAN((const char *)text.ptr, text.len));
		return;
	}
	if (bake_family_detect(model, bake_family_prefix_of(model), &family, &ignored) == BAKE_OK)
		(void)snprintf(info->architecture, sizeof(info->architecture), "%s", family->name);
}

static void know_quantization(
	const struct bake_convert_model *model, struct bake_convert_info *info)
{
	const struct bake_gguf *gguf = bake_convert_model_gguf(model);
	const struct bake_convert_tensor *shown;
	const char *name = gguf ? NULL : bake_companion_packed(model, &shown);
	char type[BAKE_CONVERT_TYPE_TEXT];
	uint64_t number;

	if (gguf && bake_gguf_u64(gguf, "general.file_type", &number))
		name = bake_gguf_file_type_label(number);
	if (!name && info->type_count) {
		struct bake_convert_type most = info->types[0].type;

		if (most.dtype == BAKE_DTYPE_NONE || bake_dtype_bits(most.dtype) == 8)
			name = bake_convert_type_name(most, type);
	}
	if (name)
		(void)snprintf(info->quantization, sizeof(info->quantization), "%s", name);
}

void bake_convert_describe(const struct bake_convert_model *model, struct bake_convert_info *out)
{
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < model->tensor_count; i++) {
		const struct bake_convert_tensor *tensor = &model->tensors[i];
		struct bake_convert_type_sum *sum = sum_of(out, tensor->type);

		if (!bake_companion_is(model, tensor))
			out->parameters = bake_u64_add_capped(out->parameters, tensor->elements);
		if (!sum)
			continue;
		sum->tensors++;
		sum->elements = bake_u64_add_capped(sum->elements, tensor->elements);
		sum->bytes = bake_u64_add_capped(sum->bytes, tensor->bytes);
	}
	qsort(out->types, out->type_count, sizeof(out->types[0]), compare);
	know_architecture(model, out);
	know_quantization(model, out);
}
