/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/companion.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/file.h"
#include "json/json.h"

enum {
	NAME_MAX_BYTES = 2048,
	QUANT_TEXT_MAX = 4096
};

/* The most telling first: Nunchaku's AWQ layers have .qweight and .wzeros, too. */
static const struct {
	const char *ending;
	const char *method;
	const char *instead;
} packed[] = {
	{".wscales", "SVDQuant (Nunchaku), four bits packed for CUDA kernels",
		"convert the original BF16 model"},
	{".smooth_factor", "SVDQuant (Nunchaku), four bits packed for CUDA kernels",
		"convert the original BF16 model"},
	{".wzeros", "SVDQuant (Nunchaku), four bits packed for CUDA kernels",
		"convert the original BF16 model"},
	{".g_idx", "GPTQ", "convert the original BF16 or F16 model"},
	{".qzeros", "AWQ or GPTQ", "convert the original BF16 or F16 model"},
	{".qweight", "AWQ or GPTQ", "convert the original BF16 or F16 model"},
	{".absmax", "bitsandbytes", "convert the original BF16 or F16 model"},
	{".weight_packed", "compressed-tensors", "convert the original BF16 or F16 model"},
	{".weight_scale_2", "NVFP4", "convert the original BF16 model"},
};

static size_t packed_by(const char *name)
{
	size_t i = 0;

	if (strstr(name, ".quant_state."))
		return 6;
	while (i < countof(packed) && !bake_text_ends(name, packed[i].ending))
		i++;
	return i;
}

static size_t find_packed(
	const struct bake_convert_model *model, const struct bake_convert_tensor **out)
{
	size_t found = countof(packed);

	for (size_t i = 0; i < model->tensor_count; i++) {
		size_t by = packed_by(model->tensors[i].name);

		if (by < found) {
			found = by;
			*out = &model->tensors[i];
		}
	}
	return found;
}

const char *bake_companion_packed(
	const struct bake_convert_model *model, const struct bake_convert_tensor **out_tensor)
{
	size_t by = find_packed(model, out_tensor);

	return by < countof(packed) ? packed[by].method : NULL;
}

static bool is_f8(const struct bake_convert_tensor *tensor)
{
	return tensor->type.dtype == BAKE_DTYPE_F8_E4M3 || tensor->type.dtype == BAKE_DTYPE_F8_E5M2;
}

/* The tensor "LAYER" ending, LAYER being the first len bytes of name. */
static const struct bake_convert_tensor *sibling(
	const struct bake_convert_model *model, const char *name, size_t len, const char *ending)
{
	char text[NAME_MAX_BYTES];

	if (len + strlen(ending) >= sizeof(text))
		return NULL;
	memcpy(text, name, len);
	memcpy(text + len, ending, strlen(ending) + 1);
	return bake_convert_model_find(model, text);
}

static size_t layer_length(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot ? (size_t)(dot - name) : 0;
}

static const char *const scales[] = {".scale_weight", ".weight_scale", ".weight_scale_inv"};
static const char *const others[] = {".scale_input", ".input_scale", ".comfy_quant"};

static bool ends_in(const char *name, const char *const *endings, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name + layer_length(name), endings[i]) == 0)
			return true;
	}
	return false;
}

bool bake_companion_is(
	const struct bake_convert_model *model, const struct bake_convert_tensor *tensor)
{
	const struct bake_convert_tensor *weight;

	if (bake_text_equal(tensor->name, "scaled_fp8") ||
		bake_text_ends(tensor->name, ".scaled_fp8"))
		return true;
	if (!ends_in(tensor->name, scales, countof(scales)) &&
		!ends_in(tensor->name, others, countof(others)))
		return false;
	weight = sibling(model, tensor->name, layer_length(tensor->name), ".weight");
	return weight && is_f8(weight);
}

static enum bake_status refuse_format(const struct bake_convert_model *model,
	const struct bake_convert_tensor *tensor, const char *format, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_DATA, "convert.packed",
		"%s: tensor '%s' says that the layer is quantised as %s", BAKE_SHOW(model->path),
		BAKE_SHOW(tensor->name), BAKE_SHOW(format));
	return bake_error_hint(err, "convert the original BF16 model");
}

static enum bake_status check_format(const struct bake_convert_model *model,
	const struct bake_convert_tensor *tensor, const struct bake_json *root,
	struct bake_error *err)
{
	struct bake_json member;
	const char *format;

	if (!bake_json_is_object(root) || !bake_json_find(root, "format", &member))
		return refuse_format(model, tensor, "something unnamed", err);
	BAKE_TRY(bake_json_string(&member, &format, err));
	return strncmp(format, "float8_e", 8) == 0 ? BAKE_OK
						   : refuse_format(model, tensor, format, err);
}

/* ComfyUI writes beside each quantised layer, as JSON in a tensor, how it is quantised. */
static enum bake_status check_comfy(const struct bake_convert_model *model,
	const struct bake_convert_tensor *tensor, struct bake_error *err)
{
	struct bake_json_doc *doc = NULL;
	struct bake_json root;
	char text[QUANT_TEXT_MAX];
	enum bake_status status;
	size_t len;

	if (tensor->bytes > sizeof(text))
		return refuse_format(model, tensor, "something long", err);
	BAKE_TRY(bake_file_read_at(model->files[tensor->file].fd, tensor->offset, text,
		(size_t)tensor->bytes, &len, err));
	BAKE_TRY(bake_json_open(bake_span(text, len), BAKE_SHOW(tensor->name), &doc, err));
	root = bake_json_root(doc);
	status = check_format(model, tensor, &root, err);
	bake_json_close(&doc);
	return status;
}

/* Values of a layer that has a scale are not the weights: whatever is not known must not be guessed. */
static enum bake_status check_scaled(const struct bake_convert_model *model,
	const struct bake_convert_tensor *tensor, struct bake_error *err)
{
	const char *last = tensor->name + layer_length(tensor->name);
	const struct bake_convert_tensor *weight;

	if (!strstr(last, "scale"))
		return BAKE_OK;
	weight = sibling(model, tensor->name, layer_length(tensor->name), ".weight");
	if (!weight || weight == tensor)
		return BAKE_OK;
	if (is_f8(weight) && !ends_in(tensor->name, scales, countof(scales)) &&
		!ends_in(tensor->name, others, countof(others)))
		return bake_error_set(err, BAKE_ERR_DATA, "convert.scale",
			"%s: '%s' belongs to the F8 tensor '%s', and what it means is not known",
			BAKE_SHOW(model->path), BAKE_SHOW(tensor->name), BAKE_SHOW(weight->name));
	if (!bake_dtype_is_float(weight->type.dtype) && weight->type.dtype != BAKE_DTYPE_NONE)
		return refuse_format(model, tensor, bake_dtype_name(weight->type.dtype), err);
	return BAKE_OK;
}

enum bake_status bake_companions_check(
	const struct bake_convert_model *model, struct bake_error *err)
{
	const struct bake_convert_tensor *shown = NULL;
	size_t by = find_packed(model, &shown);

	if (by < countof(packed)) {
		bake_error_set(err, BAKE_ERR_DATA, "convert.packed",
			"%s is quantised already, by %s (tensor '%s')", BAKE_SHOW(model->path),
			packed[by].method, BAKE_SHOW(shown->name));
		return bake_error_hint(err, "%s", packed[by].instead);
	}
	for (size_t i = 0; i < model->tensor_count; i++) {
		const struct bake_convert_tensor *tensor = &model->tensors[i];

		if (bake_text_ends(tensor->name, ".comfy_quant"))
			BAKE_TRY(check_comfy(model, tensor, err));
		BAKE_TRY(check_scaled(model, tensor, err));
	}
	return BAKE_OK;
}

static uint64_t blocks(uint64_t elements)
{
	return elements / BAKE_SCALE_BLOCK + (elements % BAKE_SCALE_BLOCK != 0);
}

static enum bake_scale_kind kind_of(
	const struct bake_convert_tensor *tensor, const struct bake_convert_tensor *scale)
{
	if (scale->elements == 1)
		return BAKE_SCALE_ONE;
	if (tensor->rank >= 1 && scale->elements == tensor->shape[0] && scale->rank >= 1 &&
		scale->shape[0] == tensor->shape[0])
		return BAKE_SCALE_ROWS;
	if (tensor->rank == 2 && scale->rank == 2 && scale->shape[0] == blocks(tensor->shape[0]) &&
		scale->shape[1] == blocks(tensor->shape[1]))
		return BAKE_SCALE_BLOCKS;
	return BAKE_SCALE_NONE;
}

enum bake_status bake_companion_scale(const struct bake_convert_model *model,
	const struct bake_convert_tensor *tensor, struct bake_scale *out, struct bake_error *err)
{
	struct bake_scale scale = {.kind = BAKE_SCALE_NONE, .tensor = NULL};
	size_t layer = layer_length(tensor->name);

	if (!is_f8(tensor) || strcmp(tensor->name + layer, ".weight") != 0) {
		*out = scale;
		return BAKE_OK;
	}
	for (size_t i = 0; i < countof(scales); i++) {
		const struct bake_convert_tensor *found =
			sibling(model, tensor->name, layer, scales[i]);

		if (!found)
			continue;
		scale.kind = kind_of(tensor, found);
		if (scale.tensor || scale.kind == BAKE_SCALE_NONE ||
			(found->type.dtype != BAKE_DTYPE_F32 &&
				found->type.dtype != BAKE_DTYPE_F16 &&
				found->type.dtype != BAKE_DTYPE_BF16))
			return bake_error_set(err, BAKE_ERR_DATA, "convert.scale",
				"%s: '%s' does not fit the tensor '%s'", BAKE_SHOW(model->path),
				BAKE_SHOW(found->name), BAKE_SHOW(tensor->name));
		scale.tensor = found;
	}
	*out = scale;
	return BAKE_OK;
}
