/* SPDX-License-Identifier: Apache-2.0 */
/* Weights to blocks and back: the rules one by one, blocks that others made, and every instruction
 * set that this machine has against plain C. */
#include "unit/rows.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant/quant.h"
#include "tensor/ggml_type.h"
#include "unit/random.h"

enum {
	BLOCK = 32,
	GROUPED = 256,	   /* elements that the vector kernels do at a time */
	COUNT = 64 * 1024, /* elements of an array: all values of 16 bits */
	ROOM = COUNT * 8,
};

static const uint32_t written[] = {BAKE_QUANT_F32, BAKE_QUANT_F16, BAKE_QUANT_BF16, BAKE_QUANT_Q4_0,
	BAKE_QUANT_Q4_1, BAKE_QUANT_Q5_0, BAKE_QUANT_Q5_1, BAKE_QUANT_Q8_0};

static float values[COUNT];
static float decoded[2][COUNT];
static uint8_t blocks[2][ROOM];

static uint32_t bits_of(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static float float_of(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* ---- the rules: a block that begins with some values and goes on with another */

#define X16(byte) byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte
#define X14(byte) byte byte byte byte byte byte byte byte byte byte byte byte byte byte

static const struct rule_row {
	const char *name;
	uint32_t type;
	float first[4];
	float rest;
	const char *bytes;
	size_t size;
} rules[] = {
#define BYTES(text) text, sizeof(text) - 1
	{"q4_0 of zeros has the scale -0", 2, {0}, 0, BYTES("\x00\x80" X16("\x88"))},
	{"q5_0 of zeros has the scale -0", 6, {0}, 0,
		BYTES("\x00\x80\xff\xff\xff\xff" X16("\x00"))},
	{"q4_1 of zeros", 3, {0}, 0, BYTES("\x00\x00\x00\x00" X16("\x00"))},
	{"q8_0 of zeros", 8, {0}, 0, BYTES("\x00\x00" X16("\x00") X16("\x00"))},
	{"q4_0 constant", 2, {0.37F, 0.37F, 0.37F, 0.37F}, 0.37F, BYTES("\xec\xa9" X16("\x00"))},
	{"q5_0 constant", 6, {0.37F, 0.37F, 0.37F, 0.37F}, 0.37F,
		BYTES("\xec\xa5\x00\x00\x00\x00" X16("\x00"))},
	{"q4_1 constant", 3, {0.37F, 0.37F, 0.37F, 0.37F}, 0.37F,
		BYTES("\x00\x00\xec\x35" X16("\x00"))},
	{"q5_1 constant", 7, {0.37F, 0.37F, 0.37F, 0.37F}, 0.37F,
		BYTES("\x00\x00\xec\x35\x00\x00\x00\x00" X16("\x00"))},
	{"q8_0 constant", 8, {0.37F, 0.37F, 0.37F, 0.37F}, 0.37F,
		BYTES("\xf7\x19" X16("\x7f") X16("\x7f"))},
	{"q4_0 the first of equal magnitudes, positive", 2, {1, -1, 0.5F, 0.5F}, 0.5F,
		BYTES("\x00\xb0\x40\x4f" X14("\x44"))},
	{"q4_0 the first of equal magnitudes, negative", 2, {-1, 1, 0.5F, 0.5F}, 0.5F,
		BYTES("\x00\x30\xc0\xcf" X14("\xcc"))},
	{"q4_1 the first zero is the minimum: -0", 3, {-0.0F, 0, -0.0F, 0}, 0,
		BYTES("\x00\x00\x00\x80" X16("\x00"))},
	{"q4_1 the first zero is the minimum: +0", 3, {0, -0.0F, -0.0F, -0.0F}, -0.0F,
		BYTES("\x00\x00\x00\x00" X16("\x00"))},
	{"q5_1 the first zero below others: -0", 7, {31, -0.0F, 0, 0}, 0,
		BYTES("\x00\x3c\x00\x80\x01\x00\x00\x00\x0f\x00" X14("\x00"))},
	{"q8_0 halves go away from zero", 8, {127, 0.5F, -0.5F, 2.5F}, 0,
		BYTES("\x00\x3c\x7f\x01\xff\x03" X14("\x00") X14("\x00"))},
	{"q8_0 just below a half", 8, {127, 0x1.fffffep-2F, -0x1.fffffep-2F, 1.4999999F}, 0,
		BYTES("\x00\x3c\x7f\x00\x00\x01" X14("\x00") X14("\x00"))},
	{"q8_0 of the least subnormals has no reciprocal", 8, {0x1p-149F, 0, 0, 0}, 0,
		BYTES("\x00\x00" X16("\x00") X16("\x00"))},
	{"q4_0 of subnormals: the reciprocal is infinite", 2, {0x1p-148F, 0x1p-145F, 0, 0}, 0,
		BYTES("\x00\x80" X16("\x00"))},
	{"q4_0 a scale too small for float16 still divides", 2, {0x1p-60F, 0, 0, 0}, 0,
		BYTES("\x00\x80\x80\x88" X14("\x88"))},
};

/* Eight such blocks, so that the kernels of vectors do them too. */
static void try_rule(void **state)
{
	const struct rule_row *row = *state;
	struct bake_quant_fault fault;

	for (unsigned i = 0; i < GROUPED; i++)
		values[i] = i % BLOCK < 4 ? row->first[i % BLOCK] : row->rest;
	for (unsigned isa = 0; isa < BAKE_QUANT_ISAS; isa++) {
		if (!bake_quant_use(isa))
			continue;
		assert_true(
			bake_quant_encode(row->type, values, GROUPED, blocks[0], false, &fault));
		for (unsigned i = 0; i < GROUPED / BLOCK; i++)
			assert_memory_equal(blocks[0] + i * row->size, row->bytes, row->size);
	}
}

/* ---- single numbers */

static const struct number_row {
	const char *name;
	uint32_t type;
	uint32_t from;
	uint16_t to;
} numbers[] = {
	{"f16 one", 1, 0x3f800000, 0x3c00},
	{"f16 tie to even, down", 1, 0x3f801000, 0x3c00},
	{"f16 tie to even, up", 1, 0x3f803000, 0x3c02},
	{"f16 above a tie", 1, 0x3f801001, 0x3c01},
	{"f16 largest", 1, 0x477fefff, 0x7bff},
	{"f16 overflow", 1, 0x477ff000, 0x7c00},
	{"f16 least subnormal", 1, 0x33800000, 0x0001},
	{"f16 half of it is a tie, to zero", 1, 0x33000000, 0x0000},
	{"f16 above half of it", 1, 0x33000001, 0x0001},
	{"f16 subnormal that rounds up to normal", 1, 0x387ff000, 0x0400},
	{"f16 -0", 1, 0x80000000, 0x8000},
	{"f16 infinite", 1, 0xff800000, 0xfc00},
	{"f16 a NaN loses its payload", 1, 0xffc12345, 0xfe00},
	{"f16 a signalling NaN too", 1, 0x7f812345, 0x7e00},
	{"bf16 one", 30, 0x3f800000, 0x3f80},
	{"bf16 tie to even, down", 30, 0x3f808000, 0x3f80},
	{"bf16 tie to even, up", 30, 0x3f818000, 0x3f82},
	{"bf16 subnormal stays", 30, 0x00018001, 0x0002},
	{"bf16 overflow", 30, 0x7f7fffff, 0x7f80},
	{"bf16 largest", 30, 0x7f7f7fff, 0x7f7f},
	{"bf16 a NaN keeps what fits, and is quiet", 30, 0xff812345, 0xffc1},
	{"bf16 a NaN of low bits", 30, 0x7f800001, 0x7fc0},
};

static void try_number(void **state)
{
	const struct number_row *row = *state;
	struct bake_quant_fault fault;

	for (unsigned i = 0; i < BLOCK; i++)
		values[i] = float_of(row->from);
	for (unsigned isa = 0; isa < BAKE_QUANT_ISAS; isa++) {
		if (!bake_quant_use(isa))
			continue;
		assert_true(bake_quant_encode(row->type, values, BLOCK, blocks[0], true, &fault));
		for (unsigned i = 0; i < BLOCK; i++) {
			uint16_t got;

			memcpy(&got, blocks[0] + 2 * i, 2);
			assert_int_equal(got, row->to);
		}
	}
}

/* ---- faults */

static const struct fault_row {
	const char *name;
	uint32_t type;
	size_t at;
	float value;
	enum bake_quant_fault_kind kind;
} faults[] = {
	{"f32 NaN", 0, 7, NAN, BAKE_QUANT_FAULT_NAN},
	{"f32 infinite", 0, 700, INFINITY, BAKE_QUANT_FAULT_INF},
	{"f32 largest", 0, 700, FLT_MAX, BAKE_QUANT_FAULT_NONE},
	{"f16 too large", 1, 1023, -65520, BAKE_QUANT_FAULT_VALUE},
	{"f16 just not", 1, 0, 65519, BAKE_QUANT_FAULT_NONE},
	{"bf16 too large", 30, 41, FLT_MAX, BAKE_QUANT_FAULT_VALUE},
	{"bf16 NaN", 30, 999, NAN, BAKE_QUANT_FAULT_NAN},
	{"q4_0 NaN", 2, 555, NAN, BAKE_QUANT_FAULT_NAN},
	{"q4_0 infinite", 2, 555, -INFINITY, BAKE_QUANT_FAULT_INF},
	{"q4_0 scale", 2, 31, 65520 * 8, BAKE_QUANT_FAULT_SCALE},
	{"q4_0 scale just not", 2, 31, 65519 * 8, BAKE_QUANT_FAULT_NONE},
	{"q5_0 scale", 6, 300, -65520 * 16, BAKE_QUANT_FAULT_SCALE},
	{"q4_1 minimum", 3, 300, -65520, BAKE_QUANT_FAULT_SCALE},
	{"q4_1 range", 3, 300, 65521 * 15, BAKE_QUANT_FAULT_SCALE},
	{"q4_1 NaN", 3, 300, NAN, BAKE_QUANT_FAULT_NAN},
	{"q5_1 range", 7, 300, 65521 * 31, BAKE_QUANT_FAULT_SCALE},
	{"q5_1 infinite", 7, 1022, INFINITY, BAKE_QUANT_FAULT_INF},
	{"q8_0 scale", 8, 1, 65520 * 127.0F, BAKE_QUANT_FAULT_SCALE},
	{"q8_0 NaN behind the maximum", 8, 65, NAN, BAKE_QUANT_FAULT_NAN},
};

static void try_fault(void **state)
{
	const struct fault_row *row = *state;
	bool good = row->kind == BAKE_QUANT_FAULT_NONE;
	struct bake_quant_fault fault;

	for (unsigned i = 0; i < 1024; i++)
		values[i] = (float)(i % 7) * 0.25F;
	values[row->at] = row->value;
	if (!good)
		values[1023] = row->value; /* only the first is told */
	for (unsigned isa = 0; isa < BAKE_QUANT_ISAS; isa++) {
		if (!bake_quant_use(isa))
			continue;
		assert_int_equal(
			bake_quant_encode(row->type, values, 1024, blocks[0], false, &fault), good);
		assert_int_equal(fault.kind, row->kind);
		assert_int_equal(fault.index, good ? 0 : row->at);
		assert_true(bake_quant_encode(row->type, values, 1024, blocks[0], true, &fault));
	}
}

/* ---- every instruction set against plain C */

static void same_bytes(unsigned isa, size_t count)
{
	struct bake_quant_fault fault[2];

	for (unsigned i = 0; i < countof(written); i++) {
		const struct bake_ggml_type *type = bake_ggml_type_find(written[i]);
		size_t bytes = count / type->block * type->block_bytes;

		for (int allow = 1; allow >= 0; allow--) {
			bool good[2];

			for (unsigned side = 0; side < 2; side++) {
				assert_true(bake_quant_use(side ? isa : BAKE_QUANT_SCALAR));
				memset(blocks[side], 0xa5, bytes + 1);
				good[side] = bake_quant_encode(
					type->id, values, count, blocks[side], allow, &fault[side]);
				assert_int_equal(blocks[side][bytes], 0xa5);
			}
			assert_int_equal(good[0], good[1]);
			assert_int_equal(fault[0].kind, fault[1].kind);
			assert_int_equal(fault[0].index, fault[1].index);
			if (good[0])
				assert_memory_equal(blocks[0], blocks[1], bytes);
		}
	}
}

/* All values of float16 and bfloat16, in their order and mixed. */
static void halves_differ_nowhere(unsigned isa)
{
	for (unsigned step = 1; step < 60000; step += 12344) {
		for (unsigned i = 0; i < COUNT; i++) {
			uint16_t half = (uint16_t)(i * step);

			memcpy(blocks[0] + 2 * i, &half, 2);
		}
		assert_true(bake_quant_use(BAKE_QUANT_SCALAR));
		assert_true(bake_quant_decode(BAKE_QUANT_F16, blocks[0], COUNT, values));
		same_bytes(isa, COUNT);
		for (unsigned i = 0; i < COUNT; i++)
			values[i] = float_of((uint32_t)(uint16_t)(i * step) << 16);
		same_bytes(isa, COUNT);
	}
}

/* Values as weights are, with few digits and many, so that ties come; and any bits at all. */
static float any_value(unsigned kind)
{
	uint32_t bits = (uint32_t)random_below(1ULL << 32);

	switch (kind) {
	case 0:
		return (float)(int32_t)bits * 0x1p-36F;
	case 1:
		return (float)((int32_t)(bits & 0xff) - 128) * 0x1p-7F;
	case 2: /* few large, many zeros of both signs */
		return bits % 5 ? float_of(bits & 0x80000000) : (float)((int32_t)bits % 4);
	case 3:
		return float_of(bits & 0x8fffffff); /* tiny */
	case 4:
		return float_of((bits & 0x80ffffff) | 0x47000000); /* about the ends of float16 */
	default:
		return float_of(bits);
	}
}

static void values_differ_nowhere(unsigned isa)
{
	for (unsigned kind = 0; kind < 6; kind++) {
		for (unsigned i = 0; i < COUNT; i++)
			values[i] = any_value(kind);
		same_bytes(isa, COUNT);
		for (size_t count = 0; count <= 2 * GROUPED; count += BLOCK)
			same_bytes(isa, count);
	}
}

static bool same_float(float a, float b)
{
	return bits_of(a) == bits_of(b) || (isnan(a) && isnan(b));
}

static void blocks_differ_nowhere(unsigned isa)
{
	for (uint32_t id = 0; bake_ggml_type_find(id); id++) {
		const struct bake_ggml_type *type = bake_ggml_type_find(id);
		size_t count = 8192;

		if (!bake_quant_can_decode(id))
			continue;
		for (size_t i = 0; i < 8 * count; i++)
			blocks[0][i] = (uint8_t)random_below(256);
		for (; count; count = count / 2 / type->block * type->block) {
			for (unsigned side = 0; side < 2; side++) {
				assert_true(bake_quant_use(side ? isa : BAKE_QUANT_SCALAR));
				decoded[side][count] = 5;
				assert_true(
					bake_quant_decode(id, blocks[0] + 1, count, decoded[side]));
				assert_true(decoded[side][count] == 5);
			}
			for (size_t i = 0; i < count; i++)
				assert_true(same_float(decoded[0][i], decoded[1][i]));
		}
	}
}

static void instruction_sets(void)
{
	random_state = 1;
	for (unsigned isa = BAKE_QUANT_SCALAR + 1; isa < BAKE_QUANT_ISAS; isa++) {
		if (!bake_quant_isa_runs(isa)) {
			print_message("not run here: %s\n", bake_quant_isa_name(isa));
			assert_false(bake_quant_use(isa));
			continue;
		}
		print_message("compared with plain C: %s\n", bake_quant_isa_name(isa));
		halves_differ_nowhere(isa);
		values_differ_nowhere(isa);
		blocks_differ_nowhere(isa);
	}
}

/* All of float16 and bfloat16 come back as they were, but NaNs. */
static void halves_come_back(void)
{
	static const uint32_t types[] = {BAKE_QUANT_F16, BAKE_QUANT_BF16};
	struct bake_quant_fault fault;

	for (unsigned i = 0; i < COUNT; i++) {
		uint16_t half = (uint16_t)i;

		memcpy(blocks[0] + 2 * i, &half, 2);
	}
	for (unsigned isa = 0; isa < BAKE_QUANT_ISAS; isa++) {
		if (!bake_quant_use(isa))
			continue;
		for (unsigned type = 0; type < countof(types); type++) {
			assert_true(bake_quant_decode(types[type], blocks[0], COUNT, values));
			assert_true(bake_quant_encode(
				types[type], values, COUNT, blocks[1], true, &fault));
			for (unsigned i = 0; i < COUNT; i++)
				assert_true(isnan(values[i]) ||
					    memcmp(blocks[0] + 2 * i, blocks[1] + 2 * i, 2) == 0);
		}
	}
}

/* Their definition: sign, exponent, fraction. */
static float eight_bits(unsigned bits, int fraction_bits, int bias)
{
	int exponent = (int)((bits & 0x7f) >> fraction_bits);
	int fraction = (int)(bits & ((1U << fraction_bits) - 1));
	float value = ldexpf((float)(fraction + (exponent ? 1 << fraction_bits : 0)),
		(exponent ? exponent : 1) - bias - fraction_bits);

	return bits & 0x80 ? -value : value;
}

static void eight_bit_floats(void)
{
	for (unsigned i = 0; i < 256; i++) {
		unsigned rest = i & 0x7f;
		float e5m2 = bake_f8_e5m2_to_f32((uint8_t)i);
		uint8_t byte = (uint8_t)i;
		float row;

		if (rest == 0x7f)
			assert_true(isnan(bake_f8_e4m3_to_f32((uint8_t)i)));
		else
			assert_true(
				same_float(bake_f8_e4m3_to_f32((uint8_t)i), eight_bits(i, 3, 7)));
		if (rest > 0x7c)
			assert_true(isnan(e5m2));
		else if (rest == 0x7c)
			assert_true(isinf(e5m2) && !!signbit(e5m2) == (i > 127));
		else
			assert_true(same_float(e5m2, eight_bits(i, 2, 15)));
		bake_f8_e5m2_decode(&byte, 1, &row);
		assert_true(same_float(row, e5m2));
		bake_f8_e4m3_decode(&byte, 1, &row);
		assert_true(same_float(row, bake_f8_e4m3_to_f32(byte)));
	}
}

/* What is not whole blocks, or not known, is not touched. */
static void refused(void)
{
	struct bake_quant_fault fault;

	for (uint32_t id = 0; id < 100; id++) {
		const struct bake_ggml_type *type = bake_ggml_type_find(id);

		if (!bake_quant_can_encode(id) || type->block > 1)
			assert_false(bake_quant_encode(id, values, 33, blocks[0], true, &fault));
		if (!bake_quant_can_decode(id) || type->block > 1)
			assert_false(bake_quant_decode(id, blocks[0], 33, values));
		assert_true(!bake_quant_can_encode(id) || bake_quant_can_decode(id));
	}
	assert_false(bake_quant_can_encode(BAKE_QUANT_Q4_K));
	assert_false(bake_quant_can_decode(UINT32_MAX));
}

/* Outputs so large that they are written past the cache are the same. */
static void large_outputs(void)
{
	const size_t count = 5U * 1024 * 1024 + 32;
	_cleanup_free_ float *from = malloc(count * sizeof(*from));
	_cleanup_free_ float *whole = malloc(count * sizeof(*from));
	_cleanup_free_ uint8_t *to = malloc(count * sizeof(*from));
	struct bake_quant_fault fault;

	assert_true(from && whole && to);
	random_state = 7;
	for (size_t i = 0; i < count; i++)
		from[i] = (float)(int32_t)random_below(1ULL << 20) * 0x1p-20F;
	assert_true(bake_quant_encode(BAKE_QUANT_F32, from, count, to, false, &fault));
	assert_memory_equal(to, from, count * sizeof(*from));
	assert_true(bake_quant_encode(BAKE_QUANT_Q8_0, from, count, to, false, &fault));
	assert_true(bake_quant_decode(BAKE_QUANT_Q8_0, to, count, whole));
	for (size_t at = 0; at < count; at += 4096) {
		size_t part = count - at < 4096 ? count - at : 4096;

		assert_true(
			bake_quant_decode(BAKE_QUANT_Q8_0, to + at / 32 * 34, part, decoded[0]));
		assert_memory_equal(whole + at, decoded[0], part * sizeof(*whole));
	}
	from[count - 1] = NAN;
	assert_false(bake_quant_encode(BAKE_QUANT_F32, from, count, to, false, &fault));
	assert_int_equal(fault.index, count - 1);
}

/* ---- blocks that the reference made */

static size_t read_fixture(const char *name, void *to, size_t room)
{
	const char *root = getenv("BAKE_FIXTURES");
	char path[4096];
	FILE *file;
	size_t got;

	if (!root)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/quant/%s", root, name);
	file = fopen(path, "rb");
	if (!file)
		return 0;
	got = fread(to, 1, room, file);
	(void)fclose(file);
	return got;
}

static void golden_blocks(void)
{
	static const struct {
		const char *name;
		uint32_t type;
	} files[] = {{"edge.F16.bin", BAKE_QUANT_F16}, {"edge.Q4_0.bin", BAKE_QUANT_Q4_0},
		{"edge.Q4_1.bin", BAKE_QUANT_Q4_1}, {"edge.Q8_0.bin", BAKE_QUANT_Q8_0}};
	size_t count = read_fixture("edge.f32.bin", values, sizeof(values)) / sizeof(float);
	struct bake_quant_fault fault;

	if (!count) {
		print_message("no golden blocks: BAKE_FIXTURES is not set\n");
		return;
	}
	for (unsigned isa = 0; isa < BAKE_QUANT_ISAS; isa++) {
		if (!bake_quant_use(isa))
			continue;
		for (unsigned i = 0; i < countof(files); i++) {
			size_t bytes = read_fixture(files[i].name, blocks[0], sizeof(blocks[0]));

			assert_true(bytes > 0);
			assert_true(bake_quant_encode(
				files[i].type, values, count, blocks[1], true, &fault));
			assert_memory_equal(blocks[0], blocks[1], bytes);
		}
	}
}

static const struct scenario scenarios[] = {
	{"instruction sets", instruction_sets},
	{"halves come back", halves_come_back},
	{"floats of eight bits", eight_bit_floats},
	{"refused", refused},
	{"large outputs", large_outputs},
	{"golden blocks", golden_blocks},
};

static const struct rows tables[] = {
	ROWS(rules, try_rule),
	ROWS(numbers, try_number),
	ROWS(faults, try_fault),
	ROWS(scenarios, play_scenario),
};

int main(void)
{
	return run_rows("quant", tables, countof(tables));
}
