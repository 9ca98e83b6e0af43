/* SPDX-License-Identifier: Apache-2.0 */
/* Which projector goes with which model. */
#include "unit/rows.h"

#include <stdbool.h>
#include <string.h>

#include "arch/mmproj.h"

enum {
	FILES_MAX = 4
};

struct file {
	const char *path; /* NULL: no more files */
	const char *type; /* "clip" is a projector; NULL: no architecture is known */
	uint64_t width;	  /* hidden size, or what the projector puts out; 0: not known */
};

#define NO_PAIR(what) BAKE_PAIR_##what, 0

static const struct pair_row {
	const char *name;
	struct file files[FILES_MAX];
	enum bake_pairing pairing; /* of the first file */
	size_t other;
} pairs[] = {
	{"one of each", {{"m.gguf", "llama", 4096}, {"mmproj.gguf", "clip", 4096}}, BAKE_PAIR_FOUND,
		1},
	{"below a directory", {{"a/b/m.gguf", "llama", 4096}, {"a/b/p.gguf", "clip", 4096}},
		BAKE_PAIR_FOUND, 1},
	{"the projector's name says nothing",
		{{"m.gguf", "qwen2vl", 2048}, {"vision.gguf", "clip", 2048}}, BAKE_PAIR_FOUND, 1},
	{"widths not known", {{"m.gguf", "llama", 4096}, {"p.gguf", "clip", 0}}, BAKE_PAIR_FOUND,
		1},
	{"a width beats one that is not known",
		{{"m.gguf", "llama", 4096}, {"p.gguf", "clip", 0}, {"q.gguf", "clip", 4096}},
		BAKE_PAIR_FOUND, 2},
	{"another width", {{"m.gguf", "llama", 4096}, {"p.gguf", "clip", 5120}}, NO_PAIR(NONE)},
	{"another width, and the model sees",
		{{"m.gguf", "qwen2vl", 2048}, {"p.gguf", "clip", 3584}}, NO_PAIR(MISFIT)},
	{"of two the one that fits",
		{{"m.gguf", "qwen2vl", 2048}, {"p.gguf", "clip", 3584}, {"q.gguf", "clip", 2048}},
		BAKE_PAIR_FOUND, 2},
	{"two that fit",
		{{"m.gguf", "qwen2vl", 2048}, {"p-f16.gguf", "clip", 2048},
			{"p-f32.gguf", "clip", 2048}},
		NO_PAIR(AMBIGUOUS)},
	{"none beside it", {{"m.gguf", "qwen2vl", 2048}}, NO_PAIR(MISSING)},
	{"one above it", {{"a/m.gguf", "qwen2vl", 2048}, {"p.gguf", "clip", 2048}},
		NO_PAIR(MISSING)},
	{"one below it", {{"m.gguf", "qwen2vl", 2048}, {"a/p.gguf", "clip", 2048}},
		NO_PAIR(MISSING)},
	{"a directory that begins alike",
		{{"ab/m.gguf", "qwen2vl", 2048}, {"a/p.gguf", "clip", 2048}}, NO_PAIR(MISSING)},
	{"none, and none is needed", {{"m.gguf", "llama", 4096}}, NO_PAIR(NONE)},
	{"a projector alone", {{"p.gguf", "clip", 4096}}, NO_PAIR(NONE)},
	{"two quantizations share it",
		{{"m-q4.gguf", "qwen2vl", 2048}, {"m-q8.gguf", "qwen2vl", 2048},
			{"p.gguf", "clip", 2048}},
		BAKE_PAIR_FOUND, 2},
	{"models of two kinds fit it",
		{{"m.gguf", "llama", 4096}, {"n.gguf", "mistral", 4096}, {"p.gguf", "clip", 4096}},
		NO_PAIR(AMBIGUOUS)},
	{"the one of the two that sees has it",
		{{"m.gguf", "qwen2vl", 2048}, {"n.gguf", "llama", 2048}, {"p.gguf", "clip", 2048}},
		BAKE_PAIR_FOUND, 2},
	{"the one of the two that does not see has it not",
		{{"n.gguf", "llama", 2048}, {"m.gguf", "qwen2vl", 2048}, {"p.gguf", "clip", 2048}},
		NO_PAIR(NONE)},
	{"two that see are of two kinds",
		{{"m.gguf", "qwen2vl", 2048}, {"n.gguf", "qwen3vl", 2048},
			{"p.gguf", "clip", 2048}},
		NO_PAIR(AMBIGUOUS)},
	{"no architecture is known", {{"m.gguf", NULL, 0}, {"p.gguf", "clip", 2048}},
		NO_PAIR(NONE)},
};

static struct bake_arch *make(const struct file *file)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_arch *arch = NULL;
	bool projector = strcmp(file->type, "clip") == 0;

	assert_int_equal(bake_arch_new(&arch, &err), BAKE_OK);
	arch->quantization.method = "gguf";
	arch->facts[BAKE_ARCH_MODEL_TYPE] =
		(struct bake_arch_fact){.known = true, .text = file->type};
	if (projector && file->width > 0)
		arch->vision[BAKE_VISION_PROJECTION_DIM] =
			(struct bake_arch_fact){.known = true, .u64 = file->width};
	if (projector)
		return arch;
	assert_int_equal(
		bake_arch_set_u64(arch, BAKE_ARCH_VOCAB_SIZE, 32000, "test", &err), BAKE_OK);
	assert_int_equal(
		bake_arch_set_u64(arch, BAKE_ARCH_HIDDEN_SIZE, file->width, "test", &err), BAKE_OK);
	return arch;
}

static void try_pair(void **state)
{
	const struct pair_row *row = *state;
	struct bake_arch *made[FILES_MAX] = {NULL};
	struct bake_pair_file files[FILES_MAX];
	struct bake_pair out[FILES_MAX];
	size_t count = 0;

	for (; count < FILES_MAX && row->files[count].path; count++) {
		if (row->files[count].type)
			made[count] = make(&row->files[count]);
		files[count] = (struct bake_pair_file){row->files[count].path, made[count]};
	}
	bake_mmproj_pair(files, count, out);
	for (size_t i = 0; i < count; i++)
		bake_arch_free(&made[i]);
	assert_int_equal(out[0].pairing, row->pairing);
	assert_int_equal(out[0].other, row->other);
	assert_int_equal(bake_pairing_warning(out[0].pairing) != NULL,
		row->pairing != BAKE_PAIR_NONE && row->pairing != BAKE_PAIR_FOUND);
}

static void more_projectors_than_can_be_told_apart(void)
{
	static struct bake_pair_file files[258];
	static struct bake_pair out[countof(files)];
	struct bake_arch *model = make(&(struct file){"m.gguf", "llama", 4096});
	struct bake_arch *projector = make(&(struct file){"p.gguf", "clip", 512});

	files[0] = (struct bake_pair_file){"m.gguf", model};
	for (size_t i = 1; i < countof(files); i++)
		files[i] = (struct bake_pair_file){"p.gguf", projector};
	bake_mmproj_pair(files, countof(files), out);
	assert_int_equal(out[0].pairing, BAKE_PAIR_AMBIGUOUS);
	bake_mmproj_pair(files, countof(files) - 1, out);
	assert_int_equal(out[0].pairing, BAKE_PAIR_NONE);
	bake_arch_free(&model);
	bake_arch_free(&projector);
}

static const struct scenario scenarios[] = {
	{"more projectors than can be told apart", more_projectors_than_can_be_told_apart},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(pairs, try_pair),
		ROWS(scenarios, play_scenario),
	};

	return run_rows("arch_mmproj", tables, countof(tables));
}
