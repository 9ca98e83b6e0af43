/* SPDX-License-Identifier: Apache-2.0 */
/* What tells the members of a group apart: variants, and lists of them and of ranks. */
#include "base/cleanup.h"
#include "manifest/fields.h"

enum {
	NUMBER_MAX = 1000000
};

struct variant_reading {
	struct bake_arena *arena;
	struct bake_variant variant;
};

static enum bake_status read_precision(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct variant_reading *reading = out;

	return bake_json_copy(
		value, BAKE_NAME_MAX, reading->arena, &reading->variant.precision, err);
}

static enum bake_status read_small(
	const struct bake_json *value, uint32_t *out, struct bake_error *err)
{
	uint64_t number;

	BAKE_TRY(bake_json_u64(value, NUMBER_MAX, &number, err));
	*out = (uint32_t)number;
	return BAKE_OK;
}

static enum bake_status read_rank(const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_small(value, &((struct variant_reading *)out)->variant.rank, err);
}

static enum bake_status read_steps(const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_small(value, &((struct variant_reading *)out)->variant.steps, err);
}

enum bake_status bake_field_variant(const struct bake_json *value, enum bake_json_unknown unknown,
	struct bake_arena *arena, struct bake_variant *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"precision", read_precision, false},
		{"rank", read_rank, false},
		{"steps", read_steps, false},
	};
	struct variant_reading reading = {.arena = arena};

	BAKE_TRY(bake_json_read_object(value, fields, countof(fields), unknown, &reading, err));
	*out = reading.variant;
	return BAKE_OK;
}

struct variants {
	struct bake_arena *arena;
	enum bake_json_unknown unknown;
	struct bake_variant *list;
	size_t count;
};

static enum bake_status read_one(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct variants *variants = out;

	BAKE_TRY(bake_field_variant(
		value, variants->unknown, variants->arena, &variants->list[variants->count], err));
	variants->count++;
	return BAKE_OK;
}

enum bake_status bake_field_variants(const struct bake_json *value, enum bake_json_unknown unknown,
	struct bake_arena *arena, const struct bake_variant **out, size_t *out_count,
	struct bake_error *err)
{
	struct variants variants = {.arena = arena, .unknown = unknown};

	variants.list = bake_arena_array(arena, bake_json_count(value), sizeof(*variants.list));
	if (!variants.list)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_each_element(value, read_one, &variants, err));
	*out = variants.list;
	*out_count = variants.count;
	return BAKE_OK;
}

struct ranks {
	uint32_t *list;
	size_t count;
};

static enum bake_status read_one_rank(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct ranks *ranks = out;

	return read_small(value, &ranks->list[ranks->count++], err);
}

enum bake_status bake_field_ranks(const struct bake_json *value, struct bake_arena *arena,
	const uint32_t **out, size_t *out_count, struct bake_error *err)
{
	struct ranks ranks = {
		.list = bake_arena_array(arena, bake_json_count(value), sizeof(uint32_t))};

	if (!ranks.list)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_each_element(value, read_one_rank, &ranks, err));
	*out = ranks.list;
	*out_count = ranks.count;
	return BAKE_OK;
}
