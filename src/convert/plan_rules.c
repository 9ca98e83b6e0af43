/* SPDX-License-Identifier: Apache-2.0 */
/* Which type a tensor gets, and why. */
#include <string.h>

#include "base/text.h"
#include "convert/numbers.h"
#include "convert/planning.h"
#include "manifest/pattern.h"

enum {
	/* Below it there is nothing to be saved, and much to be lost. */
	SMALL = 1024,
	RESHAPE_ROW = 256,
	RESHAPE_MIN = 512
};

void bake_plan_set(struct bake_convert_item *item, enum bake_convert_action action,
	struct bake_convert_type to, const char *why)
{
	item->action = action;
	item->to = to;
	item->why = why;
}

static bool matches_any(const char *const *patterns, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (bake_pattern_match(patterns[i], name))
			return true;
	}
	return false;
}

bool bake_plan_user_keeps(const struct bake_convert_plan *plan, const char *name)
{
	return matches_any(plan->options.keep, plan->options.keep_count, name);
}

bool bake_plan_user_drops(const struct bake_convert_plan *plan, const char *name)
{
	return matches_any(plan->options.drop, plan->options.drop_count, name);
}

static struct bake_convert_type ggml(uint32_t id)
{
	return bake_convert_type_of_ggml(bake_ggml_type_find(id));
}

/* A type that is not the one asked for: a copy when the source has it. */
static void settle(struct bake_convert_item *item, struct bake_convert_type to, const char *why)
{
	bool same = bake_convert_type_equal(to, item->from->type) &&
		    item->scale.kind == BAKE_SCALE_NONE;

	bake_plan_set(item, same ? BAKE_CONVERT_COPY : BAKE_CONVERT_CAST, to, why);
}

static bool is_f8(enum bake_dtype dtype)
{
	return dtype == BAKE_DTYPE_F8_E4M3 || dtype == BAKE_DTYPE_F8_E5M2;
}

static bool is_readable(enum bake_dtype dtype)
{
	return dtype == BAKE_DTYPE_F16 || dtype == BAKE_DTYPE_BF16 || dtype == BAKE_DTYPE_F32 ||
	       dtype == BAKE_DTYPE_F64 || is_f8(dtype);
}

static enum bake_status refuse_type(const struct bake_convert_plan *plan,
	const struct bake_convert_item *item, const char *what, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_DATA, "convert.type", "%s: tensor '%s' is %s, %s",
		BAKE_SHOW(plan->model->path), BAKE_SHOW(item->from->name),
		BAKE_TYPE_NAME(item->from->type), what);
	return bake_error_hint(err, "--drop PATTERN leaves it out");
}

/* F16 and F8 are exact in F16, which every loader reads without unpacking; the rest is exact in F32. */
static struct bake_convert_type exact(const struct bake_convert_tensor *from)
{
	return ggml(from->type.dtype == BAKE_DTYPE_F16 || is_f8(from->type.dtype) ? GGML_F16
										  : GGML_F32);
}

/* For weights that are multiplied with: loaders unpack BF16 there, and only there. */
static struct bake_convert_type kept(const struct bake_convert_item *item)
{
	if (item->scale.kind != BAKE_SCALE_NONE)
		return ggml(GGML_F32);
	return item->from->type.dtype == BAKE_DTYPE_BF16 ? ggml(GGML_BF16) : exact(item->from);
}

static bool is_plain(const struct bake_ggml_type *type)
{
	return !bake_ggml_type_is_quantized(type);
}

/* Why a tensor must be F32; NULL when it need not. */
static const char *why_wide(
	const struct bake_convert_plan *plan, const struct bake_convert_item *item)
{
	if (item->from->rank <= 1)
		return "one dimension";
	if (item->from->elements <= SMALL)
		return "small";
	if (plan->family && bake_family_widens(plan->family, item->name))
		return "the architecture needs F32";
	return item->from->rank >= 5 ? "five dimensions" : NULL;
}

/* A matrix that the loader multiplies with: nothing else may be stored in blocks or as BF16. */
static bool is_linear(const struct bake_convert_item *item)
{
	return item->rank == 2 && bake_text_ends(item->name, "weight");
}

static void rule_float(struct bake_convert_plan *plan, struct bake_convert_item *item)
{
	const struct bake_ggml_type *target = plan->options.target;
	const char *why = why_wide(plan, item);
	uint64_t row = item->rank ? item->shape[item->rank - 1] : 1;
	struct bake_convert_type other =
		item->scale.kind == BAKE_SCALE_NONE ? exact(item->from) : ggml(GGML_F32);

	if (target->id == GGML_F32) {
		bake_plan_set(item, BAKE_CONVERT_CONVERT, ggml(GGML_F32), "asked for");
	} else if (why) {
		settle(item, ggml(GGML_F32), why);
	} else if (bake_plan_user_keeps(plan, item->name)) {
		settle(item, is_linear(item) ? kept(item) : other, "kept as asked");
	} else if (!is_linear(item) && target->id == GGML_F16) {
		bake_plan_set(item, BAKE_CONVERT_CONVERT, ggml(GGML_F16), "asked for");
	} else if (!is_linear(item)) {
		settle(item, other, item->rank == 2 ? "not a weight" : "not a matrix");
	} else if (!is_plain(target) && plan->family &&
		   bake_family_keeps(plan->family, item->name)) {
		settle(item, kept(item), "the architecture keeps it");
	} else if (row % target->block) {
		settle(item, kept(item), "its rows are no whole blocks");
		item->fallback = true;
	} else {
		bake_plan_set(
			item, BAKE_CONVERT_CONVERT, bake_convert_type_of_ggml(target), "asked for");
	}
}

enum bake_status bake_plan_rule_to_gguf(
	struct bake_convert_plan *plan, struct bake_convert_item *item, struct bake_error *err)
{
	const struct bake_convert_tensor *from = item->from;

	if (from->rank > BAKE_CONVERT_RANK_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "convert.limit",
			"%s: tensor '%s' has %u dimensions; at most %d are written",
			BAKE_SHOW(plan->model->path), BAKE_SHOW(from->name), (unsigned)from->rank,
			BAKE_CONVERT_RANK_MAX);
	if (!is_readable(from->type.dtype) && from->type.ggml) {
		bake_plan_set(item, BAKE_CONVERT_COPY, from->type, "integers");
		return BAKE_OK;
	}
	if (!is_readable(from->type.dtype))
		return refuse_type(plan, item, "which GGUF has no type for", err);
	BAKE_TRY(bake_companion_scale(plan->model, from, &item->scale, err));
	if (plan->family && plan->family->reshapes && !plan->options.container_only)
		BAKE_TRY(bake_plan_reshape(plan, item, err));
	rule_float(plan, item);
	return BAKE_OK;
}

static enum bake_status check_readable(const struct bake_convert_plan *plan,
	const struct bake_convert_item *item, struct bake_error *err)
{
	return bake_numbers_readable(item->from->type)
		       ? BAKE_OK
		       : refuse_type(plan, item, "which is not read", err);
}

enum bake_status bake_plan_rule_to_st(
	struct bake_convert_plan *plan, struct bake_convert_item *item, struct bake_error *err)
{
	const struct bake_convert_type to = bake_convert_type_of_ggml(plan->options.target);

	BAKE_TRY(bake_plan_unshape(plan, item, err));
	if (item->from->type.dtype != BAKE_DTYPE_NONE) {
		bake_plan_set(item,
			bake_convert_type_equal(item->from->type, to) ? BAKE_CONVERT_CONVERT
								      : BAKE_CONVERT_COPY,
			item->from->type, "not quantised");
		return BAKE_OK;
	}
	bake_plan_set(item, BAKE_CONVERT_CONVERT, to, "dequantised");
	return check_readable(plan, item, err);
}

/* Names that llama-quantize leaves alone, whatever their shape. */
static bool llama_keeps(const char *name)
{
	static const char *const parts[] = {"_norm.weight", "ffn_gate_inp.weight",
		"position_embd.weight", "token_types.weight", "ssm_conv1d.weight",
		"attn_rel_b.weight", "altup", "laurel", "per_layer_model_proj"};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strstr(name, parts[i]))
			return true;
	}
	return false;
}

/* Dimensions without the ones in front: a matrix of one expert is still a matrix. */
static uint32_t real_rank(const struct bake_convert_item *item)
{
	uint32_t first = 0;

	while (first < item->rank && item->shape[first] == 1)
		first++;
	return item->rank - first;
}

static const char *why_untouched(
	const struct bake_convert_plan *plan, const struct bake_convert_item *item)
{
	if (!bake_text_ends(item->name, "weight"))
		return "not a weight";
	if (plan->family ? item->rank != 2 : real_rank(item) < 2)
		return plan->family ? "not a matrix" : "one dimension";
	if (plan->family ? bake_family_keeps(plan->family, item->name) : llama_keeps(item->name))
		return "the architecture keeps it";
	return bake_plan_user_keeps(plan, item->name) ? "kept as asked" : NULL;
}

static bool is_number(struct bake_convert_type type)
{
	return type.dtype == BAKE_DTYPE_NONE || bake_dtype_is_float(type.dtype);
}

enum bake_status bake_plan_rule_requantize(
	struct bake_convert_plan *plan, struct bake_convert_item *item, struct bake_error *err)
{
	const struct bake_convert_tensor *from = item->from;
	const struct bake_convert_type to = bake_convert_type_of_ggml(plan->options.target);
	const char *why = is_number(from->type) ? why_untouched(plan, item) : "integers";

	if (bake_convert_type_equal(from->type, to)) {
		bake_plan_set(item, BAKE_CONVERT_CONVERT, to, "is so already");
	} else if (why) {
		bake_plan_set(item, BAKE_CONVERT_COPY, from->type, why);
	} else if (from->row % to.ggml->block) {
		bake_plan_set(item, BAKE_CONVERT_COPY, from->type, "its rows are no whole blocks");
		item->fallback = true;
	} else if (from->type.dtype == BAKE_DTYPE_NONE && !plan->options.allow_requantize) {
		bake_error_set(err, BAKE_ERR_DATA, "convert.requantized",
			"%s: tensor '%s' is %s already; quantising it again loses more than "
			"quantising the original",
			BAKE_SHOW(plan->model->path), BAKE_SHOW(from->name),
			BAKE_TYPE_NAME(from->type));
		return bake_error_hint(err, "--allow-requantize does it all the same");
	} else {
		bake_plan_set(item, BAKE_CONVERT_CONVERT, to, "asked for");
		return check_readable(plan, item, err);
	}
	return BAKE_OK;
}

/* sd1 and sdxl: most convolutions have rows of 3, which no block fits into. */
enum bake_status bake_plan_reshape(
	struct bake_convert_plan *plan, struct bake_convert_item *item, struct bake_error *err)
{
	const struct bake_convert_tensor *from = item->from;
	uint64_t *shape;

	if (from->rank <= 1 || from->elements < RESHAPE_MIN || from->elements % RESHAPE_ROW ||
		from->row % RESHAPE_ROW == 0)
		return BAKE_OK;
	for (uint32_t i = 0; i < from->rank; i++) {
		if (from->shape[i] > INT32_MAX)
			return BAKE_OK;
	}
	shape = bake_arena_array(&plan->arena, 2, sizeof(*shape));
	if (!shape)
		return bake_error_nomem(err);
	shape[0] = from->elements / RESHAPE_ROW;
	shape[1] = RESHAPE_ROW;
	item->shape = shape;
	item->rank = 2;
	item->reshaped = true;
	return BAKE_OK;
}

static enum bake_status bad_shape(const struct bake_convert_plan *plan,
	const struct bake_convert_item *item, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_DATA, "convert.metadata",
		"%s: " BAKE_ORIG_SHAPE "%s is not the shape of a tensor of %llu elements",
		BAKE_SHOW(plan->model->path), BAKE_SHOW(item->from->name),
		(unsigned long long)item->from->elements);
}

enum bake_status bake_plan_unshape(
	struct bake_convert_plan *plan, struct bake_convert_item *item, struct bake_error *err)
{
	const struct bake_gguf *gguf = bake_convert_model_gguf(plan->model);
	char key[sizeof(BAKE_ORIG_SHAPE) + BAKE_GGUF_NAME_MAX];
	const struct bake_gguf_kv *kv;
	uint64_t product = 1;
	uint64_t *shape;

	memcpy(key, BAKE_ORIG_SHAPE, sizeof(BAKE_ORIG_SHAPE));
	memcpy(key + sizeof(BAKE_ORIG_SHAPE) - 1, item->from->name, strlen(item->from->name) + 1);
	kv = bake_gguf_find(gguf, key);
	if (!kv)
		return BAKE_OK;
	if (kv->kind != BAKE_GGUF_ARRAY || kv->element != BAKE_GGUF_I32 ||
		kv->count > BAKE_CONVERT_RANK_MAX)
		return bad_shape(plan, item, err);
	shape = bake_arena_array(&plan->arena, (size_t)kv->count, sizeof(*shape));
	if (!shape)
		return bake_error_nomem(err);
	for (uint64_t i = 0; i < kv->count; i++) {
		if (!bake_gguf_u64_at(gguf, kv, i, &shape[i]) ||
			__builtin_mul_overflow(product, shape[i], &product))
			return bad_shape(plan, item, err);
	}
	if (product != item->from->elements)
		return bad_shape(plan, item, err);
	item->shape = shape;
	item->rank = (uint32_t)kv->count;
	item->reshaped = true;
	return BAKE_OK;
}
