/* SPDX-License-Identifier: Apache-2.0 */
#include "format/values.h"

#include <endian.h>
#include <string.h>

#include "base/cleanup.h"

enum {
	GROUP = 1024 /* numbers that are asked together whether any of them is one */
};

/* Numbers of one kind: which bits say NaN or infinity, and what they then are. */
struct number {
	unsigned bytes;
	uint64_t mask;
	uint64_t all;
	uint64_t fraction; /* infinity has none of these bits; 0: the kind has no infinity */
};

static const struct number f16 = {2, 0x7c00, 0x7c00, 0x03ff};
static const struct number bf16 = {2, 0x7f80, 0x7f80, 0x007f};
static const struct number f32 = {4, 0x7f800000, 0x7f800000, 0x007fffff};
static const struct number f64 = {8, 0x7ff0000000000000, 0x7ff0000000000000, 0x000fffffffffffff};
static const struct number f8_e5m2 = {1, 0x7c, 0x7c, 0x03};
static const struct number f8_e4m3 = {1, 0x7f, 0x7f, 0};
static const struct number f8_e8m0 = {1, 0xff, 0xff, 0};
static const struct number f8_fnuz = {1, 0xff, 0x80, 0}; /* what would be -0 */

/* Where the numbers of a unit are. */
struct bake_values_layout {
	const struct number *number;
	unsigned unit;	/* bytes */
	unsigned count; /* numbers to look at; as many as fit: all of them, side by side */
	unsigned at[2]; /* of a block, in bytes */
};

#define PLAIN(kind, bytes, many)                                                                   \
	{                                                                                          \
		.number = &(kind), .unit = (bytes), .count = (many)                                \
	}

static const struct bake_values_layout dtypes[BAKE_DTYPES] = {
	[BAKE_DTYPE_F16] = PLAIN(f16, 2, 1),
	[BAKE_DTYPE_BF16] = PLAIN(bf16, 2, 1),
	[BAKE_DTYPE_F32] = PLAIN(f32, 4, 1),
	[BAKE_DTYPE_F64] = PLAIN(f64, 8, 1),
	[BAKE_DTYPE_C64] = PLAIN(f32, 8, 2),
	[BAKE_DTYPE_F8_E5M2] = PLAIN(f8_e5m2, 1, 1),
	[BAKE_DTYPE_F8_E4M3] = PLAIN(f8_e4m3, 1, 1),
	[BAKE_DTYPE_F8_E8M0] = PLAIN(f8_e8m0, 1, 1),
	[BAKE_DTYPE_F8_E4M3FNUZ] = PLAIN(f8_fnuz, 1, 1),
	[BAKE_DTYPE_F8_E5M2FNUZ] = PLAIN(f8_fnuz, 1, 1),
};

/* The scales of ggml's blocks (ggml-common.h). */
static const struct {
	const char *type;
	struct bake_values_layout layout;
} ggml_types[] = {
	{"f32", PLAIN(f32, 4, 1)},
	{"f16", PLAIN(f16, 2, 1)},
	{"bf16", PLAIN(bf16, 2, 1)},
	{"f64", PLAIN(f64, 8, 1)},
	{"q4_0", {&f16, 18, 1, {0}}},
	{"q4_1", {&f16, 20, 2, {0, 2}}},
	{"q5_0", {&f16, 22, 1, {0}}},
	{"q5_1", {&f16, 24, 2, {0, 2}}},
	{"q8_0", {&f16, 34, 1, {0}}},
	{"q8_1", {&f16, 36, 2, {0, 2}}},
	{"q2_K", {&f16, 84, 2, {80, 82}}},
	{"q3_K", {&f16, 110, 1, {108}}},
	{"q4_K", {&f16, 144, 2, {0, 2}}},
	{"q5_K", {&f16, 176, 2, {0, 2}}},
	{"q6_K", {&f16, 210, 1, {208}}},
	{"q8_K", {&f32, 292, 1, {0}}},
	{"iq2_xxs", {&f16, 66, 1, {0}}},
	{"iq2_xs", {&f16, 74, 1, {0}}},
	{"iq3_xxs", {&f16, 98, 1, {0}}},
	{"iq1_s", {&f16, 50, 1, {0}}},
	{"iq4_nl", {&f16, 18, 1, {0}}},
	{"iq3_s", {&f16, 110, 1, {0}}},
	{"iq2_s", {&f16, 82, 1, {0}}},
	{"iq4_xs", {&f16, 136, 1, {0}}},
	{"tq1_0", {&f16, 54, 1, {52}}},
	{"tq2_0", {&f16, 66, 1, {64}}},
	{"mxfp4", {&f8_e8m0, 17, 1, {0}}},
};

static const struct bake_values_layout nothing = {.unit = 1};

bool bake_values_init_dtype(struct bake_values *out, enum bake_dtype dtype)
{
	*out = (struct bake_values){.layout = &dtypes[dtype]};
	if (out->layout->number)
		return true;
	out->layout = &nothing;
	return false;
}

bool bake_values_init_ggml(struct bake_values *out, const struct bake_ggml_type *type)
{
	*out = (struct bake_values){.layout = &nothing};
	for (size_t i = 0; i < countof(ggml_types); i++) {
		if (strcmp(ggml_types[i].type, type->name) == 0 &&
			ggml_types[i].layout.unit == type->block_bytes)
			out->layout = &ggml_types[i].layout;
	}
	return out->layout->number != NULL;
}

size_t bake_values_unit(const struct bake_values *values)
{
	return values->layout->unit;
}

/* One number, little-endian. Each length for itself: a copy of a variable length is a call. */
static uint64_t read_number(const uint8_t *at, unsigned bytes)
{
	uint16_t half;
	uint32_t word;
	uint64_t value;

	switch (bytes) {
	case 1:
		return *at;
	case 2:
		memcpy(&half, at, sizeof(half));
		return le16toh(half);
	case 4:
		memcpy(&word, at, sizeof(word));
		return le32toh(word);
	default:
		memcpy(&value, at, sizeof(value));
		return le64toh(value);
	}
}

static void count_number(
	struct bake_values *values, const struct number *number, const uint8_t *at, uint64_t unit)
{
	uint64_t value = read_number(at, number->bytes);

	if ((value & number->mask) != number->all)
		return;
	if (!values->nan && !values->inf)
		values->first = unit;
	if (number->fraction && !(value & number->fraction))
		values->inf++;
	else
		values->nan++;
}

/*
 * Whether any of GROUP numbers is NaN or infinite. A loop of fixed length without a way out: the
 * compiler makes vectors of it.
 */
#define SUSPECT(width, to_host)                                                                    \
	static bool suspect_##width(const uint8_t *bytes, const struct number *number)             \
	{                                                                                          \
		const uint##width##_t mask = (uint##width##_t)number->mask;                        \
		const uint##width##_t all = (uint##width##_t)number->all;                          \
		uint##width##_t numbers[GROUP];                                                    \
		uint##width##_t any = 0;                                                           \
                                                                                                   \
		memcpy(numbers, bytes, sizeof(numbers));                                           \
		for (unsigned i = 0; i < GROUP; i++)                                               \
			any |= (uint##width##_t)((to_host(numbers[i]) & mask) == all);             \
		return any != 0;                                                                   \
	}

#define AS_IT_IS(byte) (byte)

SUSPECT(8, AS_IT_IS)
SUSPECT(16, le16toh)
SUSPECT(32, le32toh)
SUSPECT(64, le64toh)

static bool suspect(const uint8_t *bytes, const struct number *number)
{
	switch (number->bytes) {
	case 1:
		return suspect_8(bytes, number);
	case 2:
		return suspect_16(bytes, number);
	case 4:
		return suspect_32(bytes, number);
	default:
		return suspect_64(bytes, number);
	}
}

/* Numbers side by side, count of them. */
static void scan_plain(struct bake_values *values, const uint8_t *bytes, uint64_t count)
{
	const struct bake_values_layout *layout = values->layout;
	const struct number *number = layout->number;

	for (uint64_t i = 0; i < count;) {
		uint64_t end = count - i < GROUP ? count : i + GROUP;

		if (end - i == GROUP && !suspect(bytes + i * number->bytes, number)) {
			i = end;
			continue;
		}
		for (; i < end; i++)
			count_number(values, number, bytes + i * number->bytes,
				values->units + i / layout->count);
	}
}

static void scan_blocks(struct bake_values *values, const uint8_t *bytes, uint64_t blocks)
{
	const struct bake_values_layout *layout = values->layout;

	for (uint64_t i = 0; i < blocks; i++) {
		for (unsigned n = 0; n < layout->count; n++)
			count_number(values, layout->number,
				bytes + i * layout->unit + layout->at[n], values->units + i);
	}
}

void bake_values_scan(struct bake_values *values, struct bake_span piece)
{
	const struct bake_values_layout *layout = values->layout;
	uint64_t units = piece.len / layout->unit;

	if (layout->number && layout->unit == layout->count * layout->number->bytes)
		scan_plain(values, piece.ptr, units * layout->count);
	else if (layout->number)
		scan_blocks(values, piece.ptr, units);
	values->units += units;
}
