/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that a plan is made of. Inside convert only. */
#ifndef CONVERT_PLANNING_H
#define CONVERT_PLANNING_H

#include "convert/plan.h"

/* The ids of ggml's types that are written. */
enum {
	GGML_F32 = 0,
	GGML_F16 = 1,
	GGML_Q4_0 = 2,
	GGML_Q4_1 = 3,
	GGML_Q5_0 = 6,
	GGML_Q5_1 = 7,
	GGML_Q8_0 = 8,
	GGML_BF16 = 30
};

/* Sets the action, type and reason of an item, whose from, name, rank and shape are set. */
enum bake_status bake_plan_rule_to_gguf(
	struct bake_convert_plan *plan, struct bake_convert_item *item, struct bake_error *err);
enum bake_status bake_plan_rule_to_st(
	struct bake_convert_plan *plan, struct bake_convert_item *item, struct bake_error *err);
enum bake_status bake_plan_rule_requantize(
	struct bake_convert_plan *plan, struct bake_convert_item *item, struct bake_error *err);

/* Helpers of the rules. */
void bake_plan_set(struct bake_convert_item *item, enum bake_convert_action action,
	struct bake_convert_type to, const char *why);
bool bake_plan_user_keeps(const struct bake_convert_plan *plan, const char *name);
bool bake_plan_user_drops(const struct bake_convert_plan *plan, const char *name);

/* Makes the item's rows 256 long where the loader can undo that. */
enum bake_status bake_plan_reshape(struct bake_convert_plan *plan, struct bake_convert_item *item,
	struct bake_error *err) BAKE_CHECKED;

/* On reading: the shape that comfy.gguf.orig_shape has of the item. */
enum bake_status bake_plan_unshape(struct bake_convert_plan *plan, struct bake_convert_item *item,
	struct bake_error *err) BAKE_CHECKED;

#define BAKE_ORIG_SHAPE "comfy.gguf.orig_shape."

/* Fill plan->header. The items' offsets are set. */
enum bake_status bake_plan_write_gguf(
	struct bake_convert_plan *plan, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_plan_write_st(
	struct bake_convert_plan *plan, struct bake_error *err) BAKE_CHECKED;

/* llama.cpp's number of a file that is mostly of that type. */
uint32_t bake_plan_file_type(const struct bake_ggml_type *type);

/* One of the user's "KEY=VALUE". *out_key_len is where the "=" is. */
enum bake_status bake_plan_meta(
	const char *text, size_t *out_key_len, struct bake_error *err) BAKE_CHECKED;

#endif
