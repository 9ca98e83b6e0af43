/* SPDX-License-Identifier: Apache-2.0 */
/* How a source is cut: every byte once, in order, and nowhere within a block. */
#include "convert/pieces.h"

#include "unit/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "base/cleanup.h"

struct source {
	struct bake_convert_tensor tensors[3];
	struct bake_convert_item items[3];
	struct bake_convert_file files[2];
	struct bake_convert_model model;
	struct bake_convert_plan plan;
	uint64_t shape[3];
};

static void add(struct source *source, size_t at, size_t file, uint64_t offset, uint64_t elements,
	enum bake_dtype from, const char *to)
{
	struct bake_convert_item *item = &source->items[at];
	struct bake_convert_type type = bake_convert_type_of_dtype(from);

	source->shape[at] = elements;
	source->tensors[at] = (struct bake_convert_tensor){.name = "t",
		.type = type,
		.rank = 1,
		.shape = &source->shape[at],
		.elements = elements,
		.row = elements,
		.file = file,
		.offset = offset,
		.bytes = elements * bake_dtype_bits(from) / 8};
	*item = (struct bake_convert_item){.from = &source->tensors[at],
		.action = to ? BAKE_CONVERT_CONVERT : BAKE_CONVERT_DROP,
		.to = to ? bake_convert_type_of_ggml(bake_ggml_type_named(to)) : type,
		.offset = source->plan.data_bytes};
	if (!to)
		return;
	item->bytes = elements / item->to.ggml->block * item->to.ggml->block_bytes;
	source->plan.data_bytes += item->bytes + bake_convert_padding(&source->plan, item->bytes);
}

static void make(struct source *source)
{
	memset(source, 0, sizeof(*source));
	source->plan.alignment = 32;
	source->plan.header.len = 96;
	add(source, 0, 0, 100, 5 * 1024 * 1024 + 32, BAKE_DTYPE_BF16, "q4_0");
	add(source, 1, 0, 100 + 2 * (5 * 1024 * 1024 + 32) + 7, 1000, BAKE_DTYPE_F32, NULL);
	add(source, 2, 1, 64, 3, BAKE_DTYPE_F64, "f32");
	source->files[0].bytes = source->tensors[1].offset + 4000 + 3 * 1024 * 1024;
	source->files[1].bytes = 64 + 24;
	source->model.files = source->files;
	source->model.file_count = 2;
	source->plan.model = &source->model;
	source->plan.items = source->items;
	source->plan.item_count = 3;
}

static void test_every_byte_once(void **state)
{
	static struct source source;
	struct bake_pieces pieces = {.plan = &source.plan};
	struct bake_piece piece;
	uint64_t in[2] = {0, 0};
	uint64_t out = 96;
	uint64_t ends = 0;

	(void)state;
	make(&source);
	while (bake_pieces_next(&pieces, &piece)) {
		assert_int_equal(piece.offset, in[piece.file]);
		assert_true(piece.len > 0 && piece.len <= BAKE_PIECE_IN);
		in[piece.file] += piece.len;
		assert_int_equal(piece.last, in[piece.file] == source.files[piece.file].bytes);
		ends += piece.last;
		if (!piece.is_data)
			continue;
		assert_int_equal(piece.out_from, out);
		assert_true(piece.out_len <= BAKE_PIECE_OUT);
		assert_int_equal(piece.out_len % source.items[piece.item].to.ggml->block_bytes, 0);
		assert_int_equal(piece.element % BAKE_PIECE_UNIT, 0);
		out += piece.out_len + piece.padding;
	}
	assert_int_equal(in[0], source.files[0].bytes);
	assert_int_equal(in[1], source.files[1].bytes);
	assert_int_equal(out, 96 + source.plan.data_bytes);
	assert_int_equal(ends, 2);
}

static void test_families_have_their_own_names(void **state)
{
	char list[200];
	char name[32];

	(void)state;
	bake_family_list(list, sizeof(list));
	for (const char *at = list; *at; at += strspn(at, ", ")) {
		size_t len = strcspn(at, ",");

		assert_true(len < sizeof(name));
		memcpy(name, at, len);
		name[len] = '\0';
		assert_string_equal(bake_family_named(name)->name, name);
		at += len;
	}
	assert_null(bake_family_named("qwen"));
	assert_true(bake_family_keeps(bake_family_named("sd3"), "pos_embed"));
	assert_false(bake_family_keeps(bake_family_named("sd3"), "pos_embed.more"));
	assert_true(bake_family_widens(bake_family_named("wan"), "blocks.7.modulation"));
	assert_true(bake_family_drops(bake_family_named("cosmos"), "a._extra_state"));
	assert_false(bake_family_drops(bake_family_named("flux"), "a._extra_state"));
}

static void test_prefix_is_taken_off(void **state)
{
	struct bake_family_prefix prefix = {"net.", 4};

	(void)state;
	assert_string_equal(bake_family_strip(prefix, "net.a.weight"), "a.weight");
	assert_null(bake_family_strip(prefix, "other.a.weight"));
	assert_string_equal(bake_family_strip((struct bake_family_prefix){"", 0}, "a"), "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte_once),
		cmocka_unit_test(test_families_have_their_own_names),
		cmocka_unit_test(test_prefix_is_taken_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
