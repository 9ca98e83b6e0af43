/* SPDX-License-Identifier: Apache-2.0 */
/* What Nunchaku's files say of themselves. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"

#define QWEN_IMAGE                                                                                 \
	"{\"_class_name\": \"QwenImageTransformer2DModel\", \"num_layers\": 60, "                  \
	"\"num_attention_heads\": 24, \"attention_head_dim\": 128, \"in_channels\": 64}"
#define QUANTIZATION(dtype, group, rank)                                                           \
	"{\"method\": \"svdquant\", \"weight\": {\"dtype\": \"" dtype                              \
	"\", \"scale_dtype\": null, \"group_size\": " #group "}" rank "}"

static void free_arch(struct bake_arch **arch)
{
	bake_arch_free(arch);
}

static const struct row {
	const char *name;
	const char *quantization; /* quantization_config; NULL: there is none */
	const char *model_class;
	const char *config;
	const char *tensor; /* of 3072 by 128 */
	const char *label;  /* NULL: not known */
	int64_t group_size; /* -2: no quantization is known at all */
	uint64_t rank;
	const char *architecture; /* NULL: not known */
	uint64_t layers;	  /* 0: not known */
	const char *warning;	  /* how the first begins; NULL: there is none */
} rows[] = {
	{"int4", QUANTIZATION("int4", 64, ", \"rank\": 32"), "NunchakuQwenImageTransformer2DModel",
		QWEN_IMAGE, NULL, "int4", 64, 32, "NunchakuQwenImageTransformer2DModel", 60, NULL},
	{"fp4", QUANTIZATION("fp4_e2m1_all", 16, ", \"rank\": 128"),
		"NunchakuFluxTransformer2dModel", NULL, NULL, "fp4", 16, 128,
		"NunchakuFluxTransformer2dModel", 0, NULL},
	{"rank of lora_down", QUANTIZATION("int4", 64, ""), NULL, NULL,
		"transformer_blocks.0.attn.to_qkv.lora_down", "int4", 64, 128, NULL, 0, NULL},
	{"rank of proj_down", QUANTIZATION("int4", 64, ""), NULL, NULL,
		"transformer_blocks.0.attn.to_qkv.proj_down", "int4", 64, 128, NULL, 0, NULL},
	{"rank said beats rank seen", QUANTIZATION("int4", 64, ", \"rank\": 32"), NULL, NULL,
		"a.proj_down", "int4", 64, 32, NULL, 0, NULL},
	{"no rank anywhere", QUANTIZATION("int4", 64, ""), NULL, NULL, "a.weight", "int4", 64, 0,
		NULL, 0, NULL},
	{"a precision nobody knows", QUANTIZATION("int3", 64, ""), NULL, NULL, NULL, NULL, 64, 0,
		NULL, 0, NULL},
	{"the class alone", NULL, "NunchakuQwenImageTransformer2DModel", QWEN_IMAGE, NULL, NULL, -2,
		0, "NunchakuQwenImageTransformer2DModel", 60, NULL},
	{"nothing", NULL, NULL, NULL, "a.proj_down", NULL, -2, 0, NULL, 0, NULL},
	{"another's class and configuration", NULL, "FluxTransformer2DModel", QWEN_IMAGE, NULL,
		NULL, -2, 0, NULL, 0, NULL},
	{"another's quantization", "{\"method\": \"gptq\"}", NULL, QWEN_IMAGE, NULL, NULL, -2, 0,
		NULL, 0, NULL},
	{"a quantization that is no JSON", "{", "NunchakuX", NULL, NULL, NULL, -2, 0, "NunchakuX",
		0, "m.safetensors: quantization_config in __metadata__ cannot be read: "},
	{"a quantization that is no object", "[]", "NunchakuX", NULL, NULL, NULL, -2, 0,
		"NunchakuX", 0, "m.safetensors: quantization_config in __metadata__ is no object"},
	{"a configuration that is no JSON", NULL, "NunchakuX", "nope", NULL, NULL, -2, 0,
		"NunchakuX", 0, "m.safetensors: config in __metadata__ cannot be read: "},
	{"a configuration that is no object", NULL, "NunchakuX", "7", NULL, NULL, -2, 0,
		"NunchakuX", 0, "m.safetensors: config in __metadata__ cannot be read: "},
	{"members of another kind", "{\"method\": \"svdquant\", \"weight\": 4, \"rank\": \"many\"}",
		NULL, NULL, NULL, NULL, 0, 0, NULL, 0, NULL},
	{"numbers that are too large",
		"{\"method\": \"svdquant\", \"weight\": {\"dtype\": \"int4\", \"group_size\": "
		"9007199254740993}, \"rank\": 9007199254740993}",
		NULL, NULL, NULL, "int4", 0, 0, NULL, 0, NULL},
	{"numbers that are negative",
		"{\"method\": \"svdquant\", \"weight\": {\"dtype\": \"int4\", \"group_size\": -1}, "
		"\"rank\": -1}",
		NULL, NULL, NULL, "int4", 0, 0, NULL, 0, NULL},
	{"a class that is hostile", NULL, "Nunchaku\x1b[31m", NULL, NULL, NULL, -2, 0,
		"Nunchaku\\x1b[31m", 0, NULL},
};

/* A file as the reader of safetensors gives it. */
static void read_file(struct bake_arch *arch, const struct row *row)
{
	static const uint64_t shape[] = {3072, 128};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_st_metadata metadata[3];
	struct bake_st_tensor tensor = {.name = row->tensor, .rank = 2, .shape = shape};
	struct bake_safetensors file = {.metadata = metadata};

	if (row->quantization)
		metadata[file.metadata_count++] =
			(struct bake_st_metadata){"quantization_config", row->quantization};
	if (row->model_class)
		metadata[file.metadata_count++] =
			(struct bake_st_metadata){"model_class", row->model_class};
	if (row->config)
		metadata[file.metadata_count++] = (struct bake_st_metadata){"config", row->config};
	if (row->tensor) {
		file.tensors = &tensor;
		file.tensor_count = 1;
	}
	check_status(bake_arch_read_safetensors(arch, &file, "m.safetensors", &err), &err, BAKE_OK,
		NULL);
}

static struct bake_arch *new_arch(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_arch *arch = NULL;

	check_status(bake_arch_new(&arch, &err), &err, BAKE_OK, NULL);
	return arch;
}

static void try_row(void **state)
{
	const struct row *row = *state;
	_cleanup_(free_arch) struct bake_arch *arch = new_arch();
	const struct bake_arch_fact *fact;

	read_file(arch, row);
	if (row->group_size == -2) {
		assert_null(arch->quantization.method);
	} else {
		assert_string_equal(arch->quantization.method, "svdquant");
		assert_int_equal(arch->quantization.group_size, row->group_size);
		assert_int_equal(arch->quantization.rank, row->rank);
		assert_int_equal(arch->quantization.bits, row->label ? 4 : 0);
		assert_string_equal(
			arch->quantization.source, "safetensors:m.safetensors:quantization_config");
		assert_non_null(arch->quantization.details);
	}
	if (row->label)
		assert_string_equal(arch->quantization.label, row->label);
	else
		assert_null(arch->quantization.label);
	fact = bake_arch_get(arch, BAKE_ARCH_ARCHITECTURE);
	if (row->architecture) {
		assert_non_null(fact);
		assert_string_equal(fact->text, row->architecture);
		assert_string_equal(fact->source, "safetensors:m.safetensors:model_class");
	}
	assert_int_equal(bake_arch_u64(arch, BAKE_ARCH_NUM_LAYERS, 0), row->layers);
	assert_int_equal(arch->warning_count > 0, row->warning != NULL);
	if (row->warning)
		assert_memory_equal(arch->warnings[0], row->warning, strlen(row->warning));
}

static void a_document_that_is_too_long(void)
{
	enum {
		LONG = 1024 * 1024 + 1
	};
	_cleanup_(free_arch) struct bake_arch *arch = new_arch();
	_cleanup_free_ char *text = malloc(LONG + 1);
	struct row row = {.quantization = text, .model_class = "NunchakuX", .config = text};

	assert_non_null(text);
	memset(text, ' ', LONG);
	text[LONG] = '\0';
	read_file(arch, &row);
	assert_int_equal(arch->warning_count, 2);
	assert_string_equal(arch->warnings[0],
		"m.safetensors: quantization_config in __metadata__ is too long");
	assert_string_equal(arch->warnings[1], "m.safetensors: config in __metadata__ is too long");
}

static void what_the_file_says_is_kept_as_it_is(void)
{
	_cleanup_(free_arch) struct bake_arch *arch = new_arch();

	read_file(arch, &rows[0]);
	assert_string_equal(arch->quantization.details,
		"{\"method\": \"svdquant\", \"weight\": {\"dtype\": \"int4\", \"scale_dtype\": "
		"null, "
		"\"group_size\": 64}, \"rank\": 32}");
	assert_string_equal(arch->sources[0], "safetensors:m.safetensors");
	assert_string_equal(bake_arch_get(arch, BAKE_ARCH_NUM_LAYERS)->source,
		"safetensors:m.safetensors:config:num_layers");
	assert_string_equal(bake_arch_get(arch, BAKE_ARCH_ARCHITECTURE)->text,
		"NunchakuQwenImageTransformer2DModel");
	assert_int_equal(bake_arch_u64(arch, BAKE_ARCH_HEAD_DIM, 0), 128);
}

static const struct scenario scenarios[] = {
	{"a document that is too long", a_document_that_is_too_long},
	{"what the file says is kept as it is", what_the_file_says_is_kept_as_it_is},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(rows, try_row),
		ROWS(scenarios, play_scenario),
	};

	return run_rows("arch_nunchaku", tables, countof(tables));
}
