/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/plan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"
#include "convert/planning.h"

enum {
	ARENA_MAX = 1024 * 1024 * 1024
};

const char *bake_convert_action_name(enum bake_convert_action action)
{
	static const char *const names[] = {"copy", "cast", "convert", "drop"};

	return names[action];
}

uint32_t bake_plan_file_type(const struct bake_ggml_type *type)
{
	static const struct {
		uint32_t id;
		uint32_t file_type;
	} rows[] = {
		{GGML_F32, 0},
		{GGML_F16, 1},
		{GGML_Q4_0, 2},
		{GGML_Q4_1, 3},
		{GGML_Q8_0, 7},
		{GGML_Q5_0, 8},
		{GGML_Q5_1, 9},
		{GGML_BF16, 32},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].id == type->id)
			return rows[i].file_type;
	}
	return 0;
}

uint64_t bake_convert_padding(const struct bake_convert_plan *plan, uint64_t bytes)
{
	return (plan->alignment - bytes % plan->alignment) % plan->alignment;
}

uint64_t bake_convert_plan_bytes(const struct bake_convert_plan *plan)
{
	return plan->header.len + plan->data_bytes;
}

static bool is_name(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 0 && len <= 64 && text[len] == '\0';
}

/* Requantising trusts what the file says; what it does not know is treated as a language model's. */
static enum bake_status know_gguf(struct bake_convert_plan *plan, struct bake_error *err)
{
	const struct bake_gguf *gguf = bake_convert_model_gguf(plan->model);
	struct bake_span text;

	if (plan->options.architecture)
		return bake_error_set(err, BAKE_ERR_USAGE, "convert.option",
			"--arch is for safetensors input: a GGUF file says what it is");
	if (bake_gguf_text(gguf, "general.architecture", &text)) {
		plan->architecture =
			bake_arena_copy(&plan->arena, (const char *)text.ptr, text.len);
		if (!plan->architecture)
			return bake_error_nomem(err);
		plan->family = bake_family_named(plan->architecture);
	}
	plan->alignment = plan->options.format == BAKE_WEIGHTS_GGUF ? gguf->alignment : 1;
	if (plan->alignment > BAKE_CONVERT_ALIGNMENT_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "convert.limit",
			"%s: an alignment of %llu; at most %d is written",
			BAKE_SHOW(plan->model->path), (unsigned long long)plan->alignment,
			BAKE_CONVERT_ALIGNMENT_MAX);
	return BAKE_OK;
}

static enum bake_status know_st(struct bake_convert_plan *plan, struct bake_error *err)
{
	const char *given = plan->options.architecture;

	plan->alignment = BAKE_CONVERT_ALIGNMENT;
	if (given && !is_name(given))
		return bake_error_set(err, BAKE_ERR_USAGE, "convert.option",
			"--arch: '%s' is no name of an architecture", BAKE_SHOW(given));
	BAKE_TRY(bake_companions_check(plan->model, err));
	if (!plan->options.container_only)
		plan->prefix = bake_family_prefix_of(plan->model);
	if (given) {
		plan->family = bake_family_named(given);
		plan->architecture = given;
		return BAKE_OK;
	}
	if (plan->options.container_only)
		return BAKE_OK;
	BAKE_TRY(bake_family_detect(plan->model, plan->prefix, &plan->family, err));
	plan->architecture = plan->family->name;
	return BAKE_OK;
}

static void drop(struct bake_convert_item *item, const char *why)
{
	bake_plan_set(item, BAKE_CONVERT_DROP, item->from->type, why);
}

static enum bake_status apply_rule(
	struct bake_convert_plan *plan, struct bake_convert_item *item, struct bake_error *err)
{
	const char *stripped = bake_family_strip(plan->prefix, item->from->name);

	if (bake_plan_user_drops(plan, item->from->name)) {
		drop(item, "left out as asked");
		return BAKE_OK;
	}
	if (plan->model->format == BAKE_WEIGHTS_GGUF)
		return plan->options.format == BAKE_WEIGHTS_GGUF
			       ? bake_plan_rule_requantize(plan, item, err)
			       : bake_plan_rule_to_st(plan, item, err);
	if (!stripped || stripped[0] == '\0') {
		drop(item, "not of the diffusion model");
		return BAKE_OK;
	}
	item->name = stripped;
	if (bake_companion_is(plan->model, item->from))
		drop(item, "scale, multiplied in");
	else if (plan->family && bake_family_drops(plan->family, stripped))
		drop(item, "no loader wants it");
	else
		return bake_plan_rule_to_gguf(plan, item, err);
	return BAKE_OK;
}

static enum bake_status count_item(
	struct bake_convert_plan *plan, struct bake_convert_item *item, struct bake_error *err)
{
	uint32_t block = bake_convert_type_block(item->to);
	uint64_t elements = item->from->elements;

	if (item->action == BAKE_CONVERT_DROP) {
		plan->dropped++;
		return BAKE_OK;
	}
	if (plan->options.format == BAKE_WEIGHTS_GGUF && strlen(item->name) > BAKE_GGUF_NAME_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "convert.limit",
			"%s: the name '%s' has more than %d bytes", BAKE_SHOW(plan->model->path),
			BAKE_SHOW(item->name), BAKE_GGUF_NAME_MAX);
	plan->written++;
	plan->converted += item->action == BAKE_CONVERT_CONVERT;
	plan->fallbacks += item->fallback;
	plan->long_names += strlen(item->name) > BAKE_CONVERT_NAME_GGML;
	plan->wide_ranks += item->rank > 4;
	item->offset = plan->data_bytes;
	if (__builtin_mul_overflow(
		    elements / block, bake_convert_type_block_bytes(item->to), &item->bytes) ||
		item->bytes > BAKE_SIZE_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "convert.limit",
			"%s: tensor '%s' would be too large", BAKE_SHOW(plan->model->path),
			BAKE_SHOW(item->from->name));
	plan->data_bytes += item->bytes + bake_convert_padding(plan, item->bytes);
	return plan->data_bytes <= BAKE_SIZE_MAX
		       ? BAKE_OK
		       : bake_error_set(err, BAKE_ERR_DATA, "convert.limit",
				 "%s: the output would be too large", BAKE_SHOW(plan->model->path));
}

/* Says of the largest tensor why. */
static enum bake_status nothing(const struct bake_convert_plan *plan, struct bake_error *err)
{
	const struct bake_convert_item *largest = NULL;

	for (size_t i = 0; i < plan->item_count; i++) {
		if (!largest || plan->items[i].from->elements > largest->from->elements)
			largest = &plan->items[i];
	}
	bake_error_set(err, BAKE_ERR_DATA, "convert.nothing",
		"%s: of its %zu tensors none would become %s", BAKE_SHOW(plan->model->path),
		plan->model->tensor_count,
		BAKE_TYPE_NAME(bake_convert_type_of_ggml(plan->options.target)));
	if (!largest)
		return err->status;
	return bake_error_hint(err, "the largest would not: %s", largest->why);
}

static enum bake_status check(const struct bake_convert_plan *plan, struct bake_error *err)
{
	const struct bake_convert_item *first = NULL;

	for (size_t i = 0; i < plan->item_count && !first; i++) {
		if (plan->items[i].fallback)
			first = &plan->items[i];
	}
	if (first && plan->options.strict)
		return bake_error_set(err, BAKE_ERR_DATA, "convert.fallback",
			"%s: %zu tensors cannot be %s, among them '%s', whose rows have %llu "
			"elements",
			BAKE_SHOW(plan->model->path), plan->fallbacks,
			BAKE_TYPE_NAME(bake_convert_type_of_ggml(plan->options.target)),
			BAKE_SHOW(first->name), (unsigned long long)first->from->row);
	return plan->converted ? BAKE_OK : nothing(plan, err);
}

static int compare_items(const void *a, const void *b)
{
	const struct bake_convert_item *const *left = a;
	const struct bake_convert_item *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

/* Without the prefix, two names of a container that was not read by this rule could be the same. */
static enum bake_status check_names(const struct bake_convert_plan *plan, struct bake_error *err)
{
	const struct bake_convert_item **sorted = calloc(plan->written + 1, sizeof(*sorted));
	enum bake_status status = BAKE_OK;
	size_t count = 0;

	if (!sorted)
		return bake_error_nomem(err);
	for (size_t i = 0; i < plan->item_count; i++) {
		if (plan->items[i].action != BAKE_CONVERT_DROP)
			sorted[count++] = &plan->items[i];
	}
	qsort(sorted, count, sizeof(*sorted), compare_items);
	for (size_t i = 1; i < count && status == BAKE_OK; i++) {
		if (compare_items(&sorted[i - 1], &sorted[i]) == 0)
			status = bake_error_set(err, BAKE_ERR_DATA, "shard.duplicate",
				"%s: two tensors would be named '%s'", BAKE_SHOW(plan->model->path),
				BAKE_SHOW(sorted[i]->name));
	}
	free(sorted);
	return status;
}

static enum bake_status check_meta(
	const struct bake_convert_options *options, struct bake_error *err)
{
	for (size_t i = 0; i < options->meta_count; i++) {
		size_t len;

		BAKE_TRY(bake_plan_meta(options->meta[i], &len, err));
		for (size_t k = 0; k < i; k++) {
			if (strncmp(options->meta[i], options->meta[k], len + 1) == 0)
				return bake_error_set(err, BAKE_ERR_USAGE, "convert.option",
					"--meta: '%s' has a key that is given twice",
					BAKE_SHOW(options->meta[i]));
		}
	}
	return BAKE_OK;
}

static enum bake_status make(struct bake_convert_plan *plan, struct bake_error *err)
{
	const struct bake_convert_model *model = plan->model;

	if (model->format == BAKE_WEIGHTS_SAFETENSORS &&
		plan->options.format == BAKE_WEIGHTS_SAFETENSORS)
		return bake_error_set(err, BAKE_ERR_USAGE, "convert.option",
			"%s is a safetensors file already", BAKE_SHOW(model->path));
	if (plan->options.format == BAKE_WEIGHTS_SAFETENSORS &&
		bake_ggml_type_is_quantized(plan->options.target))
		return bake_error_set(err, BAKE_ERR_USAGE, "convert.option",
			"a safetensors file holds F32, F16 or BF16, not %s",
			BAKE_TYPE_NAME(bake_convert_type_of_ggml(plan->options.target)));
	BAKE_TRY(check_meta(&plan->options, err));
	BAKE_TRY(model->format == BAKE_WEIGHTS_GGUF ? know_gguf(plan, err) : know_st(plan, err));
	plan->items = bake_arena_array(&plan->arena, model->tensor_count, sizeof(*plan->items));
	if (!plan->items)
		return bake_error_nomem(err);
	for (size_t i = 0; i < model->tensor_count; i++) {
		const struct bake_convert_tensor *from = &model->tensors[i];
		struct bake_convert_item *item = &plan->items[i];

		*item = (struct bake_convert_item){
			.from = from, .name = from->name, .rank = from->rank, .shape = from->shape};
		plan->item_count++;
		BAKE_TRY(apply_rule(plan, item, err));
		BAKE_TRY(count_item(plan, item, err));
	}
	BAKE_TRY(check(plan, err));
	BAKE_TRY(check_names(plan, err));
	return plan->options.format == BAKE_WEIGHTS_GGUF ? bake_plan_write_gguf(plan, err)
							 : bake_plan_write_st(plan, err);
}

enum bake_status bake_convert_plan_make(const struct bake_convert_model *model,
	const struct bake_convert_options *options, struct bake_convert_plan **out,
	struct bake_error *err)
{
	struct bake_convert_plan *plan = calloc(1, sizeof(*plan));

	if (!plan)
		return bake_error_nomem(err);
	plan->arena = (struct bake_arena)BAKE_ARENA_INIT(ARENA_MAX);
	plan->model = model;
	plan->options = *options;
	plan->prefix = (struct bake_family_prefix){"", 0};
	plan->alignment = 1;
	plan->header = (struct bake_buf)BAKE_BUF_INIT(BAKE_GGUF_HEADER_MAX);
	if (make(plan, err) != BAKE_OK) {
		bake_convert_plan_free(&plan);
		return err->status;
	}
	*out = plan;
	return BAKE_OK;
}

void bake_convert_plan_free(struct bake_convert_plan **plan)
{
	if (!*plan)
		return;
	bake_buf_release(&(*plan)->header);
	bake_arena_release(&(*plan)->arena);
	free(*plan);
	*plan = NULL;
}

enum bake_status bake_plan_meta(const char *text, size_t *out_key_len, struct bake_error *err)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_.-");
	static const char *const ours[] = {"general.architecture", "general.file_type",
		"general.quantization_version", "general.alignment", "format"};

	if (len == 0 || len > 255 || text[len] != '=' || !bake_utf8_valid(text, strlen(text)))
		return bake_error_set(err, BAKE_ERR_USAGE, "convert.option",
			"--meta: '%s' is no KEY=VALUE, KEY being of lower case letters, digits, "
			"'_', '-' and '.'",
			BAKE_SHOW(text));
	if (bake_text_starts(text, BAKE_ORIG_SHAPE))
		return bake_error_set(err, BAKE_ERR_USAGE, "convert.option",
			"--meta: " BAKE_ORIG_SHAPE "* is written by bake-convert itself");
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		if (strlen(ours[i]) == len && strncmp(ours[i], text, len) == 0)
			return bake_error_set(err, BAKE_ERR_USAGE, "convert.option",
				"--meta: %s is written by bake-convert itself", ours[i]);
	}
	*out_key_len = len;
	return BAKE_OK;
}
