/* SPDX-License-Identifier: Apache-2.0 */
/* What the names of files say of a model. */
#include "unit/rows.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "index/names.h"

enum {
	FILES_MAX = 4
};

static void same_text(const char *got, const char *want)
{
	if (!want) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_string_equal(got, want);
}

static const struct format_row {
	const char *name;
	const char *files[FILES_MAX];
	const char *want;
} formats[] = {
	{"none", {NULL}, NULL},
	{"one file", {"a.safetensors"}, "safetensors"},
	{"GGUF", {"a/b.gguf", "a/config.json"}, "gguf"},
	{"transformers", {"a/config.json", "a/model.safetensors"}, "transformers"},
	{"diffusers", {"a/model_index.json", "a/vae/config.json", "a/x.safetensors"}, "diffusers"},
	{"diffusers at the top", {"model_index.json"}, "diffusers"},
	{"a name that ends like it", {"a/my_model_index.json", "a/x.bin"}, NULL},
	{"another config", {"a/generation_config.json"}, NULL},
	{"something else", {"a/b.bin", "README.md"}, NULL},
	{"the suffix in the middle", {"a.gguf.txt"}, NULL},
};

static void try_format(void **state)
{
	const struct format_row *row = *state;
	struct bake_index_file files[FILES_MAX] = {{NULL}};
	size_t count = 0;

	for (; count < FILES_MAX && row->files[count]; count++)
		files[count].path = row->files[count];
	same_text(bake_names_format(files, count), row->want);
}

static const struct label_row {
	const char *name;
	const char *input;
	const char *want;
} labels[] = {
	{"Q4_K_M", "llama-3-8b-Q4_K_M.gguf", "Q4_K_M"},
	{"small letters", "llama-3-8b.q4_k_m.gguf", "Q4_K_M"},
	{"Q4_K", "llama.Q4_K.gguf", "Q4_K"},
	{"the longest of those that begin alike", "x-UD-Q4_K_XL.gguf", "Q4_K_XL"},
	{"Q8_0", "demo-chat-Q8_0.gguf", "Q8_0"},
	{"IQ2_XXS", "x-IQ2_XXS.gguf", "IQ2_XXS"},
	{"IQ4_XS is not Q4_X", "x-IQ4_XS.gguf", "IQ4_XS"},
	{"BF16 is not F16", "x-BF16.gguf", "BF16"},
	{"fp16 is not F16", "x-fp16.safetensors", "FP16"},
	{"fp8 with its form", "x_fp8_e4m3fn.safetensors", "FP8_E4M3FN"},
	{"fp8 with another form", "x_fp8_e5m2.safetensors", "FP8_E5M2"},
	{"fp8 with more behind", "x-fp8-scaled.safetensors", "FP8"},
	{"int4 of nunchaku", "svdq-int4_r32-x.safetensors", "INT4"},
	{"MXFP4 is not FP4", "gpt-oss-20b-MXFP4.gguf", "MXFP4"},
	{"NF4", "flux-nf4.safetensors", "NF4"},
	{"AWQ", "Qwen2-7B-AWQ", "AWQ"},
	{"four bits and no more", "tiny-q4.gguf", "Q4"},
	{"in front", "Q4_0-x.gguf", "Q4_0"},
	{"at the end", "x-Q4_0", "Q4_0"},
	{"alone", "Q4_0", "Q4_0"},
	{"a second place where it is a word", "fp16model-fp16.safetensors", "FP16"},
	{"nothing", "model.safetensors", NULL},
	{"empty", "", NULL},
	{"part of a word", "haf16x.bin", NULL},
	{"with a digit behind", "x-Q4_01.gguf", NULL},
	{"with a letter in front", "xQ4_0.gguf", NULL},
	{"a size is no label", "qwen-32B-f320.bin", NULL},
};

static void try_label(void **state)
{
	const struct label_row *row = *state;

	same_text(bake_names_quantization(row->input), row->want);
}

/* Whatever a word begins with, no label is passed over. */
static const char *const all_labels[] = {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ2_M",
	"IQ3_XXS", "IQ3_XS", "IQ3_S", "IQ3_M", "IQ4_XS", "IQ4_NL", "Q2_K_S", "Q2_K_L", "Q2_K",
	"Q3_K_XL", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q3_K", "Q4_K_XL", "Q4_K_S", "Q4_K_M", "Q4_K_L",
	"Q4_K", "Q5_K_XL", "Q5_K_S", "Q5_K_M", "Q5_K_L", "Q5_K", "Q6_K_XL", "Q6_K_L", "Q6_K",
	"Q8_K_XL", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "BF16", "F16", "F32", "FP16", "FP32",
	"FP8_E4M3FN", "FP8_E5M2", "FP8", "INT4", "INT8", "FP4", "NF4", "MXFP4", "AWQ", "GPTQ"};

static void each_label_is_found(void)
{
	for (size_t i = 0; i < countof(all_labels); i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "model-%s.gguf", all_labels[i]);
		same_text(bake_names_quantization(name), all_labels[i]);
		for (char *at = name; *at; at++)
			*at = (char)tolower((unsigned char)*at);
		same_text(bake_names_quantization(name), all_labels[i]);
	}
}

static const struct projector_row {
	const char *name;
	const char *path;
	bool want;
} projectors[] = {
	{"in front", "mmproj-model-f16.gguf", true},
	{"at the end", "model-mmproj", true},
	{"any case", "a/Model.MMPROJ.gguf", true},
	{"behind an m", "ammmproj.gguf", true},
	{"cut off", "model-mmpro", false},
	{"two letters of it", "gemma.gguf", false},
	{"the last letter is an m", "mm", false},
	{"of the directory", "mmproj/model.gguf", false},
	{"empty", "", false},
};

static void try_projector(void **state)
{
	const struct projector_row *row = *state;

	assert_int_equal(bake_names_is_projector(row->path), row->want);
}

static const struct scenario others[] = {
	{"each label is found", each_label_is_found},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(formats, try_format),
		ROWS(labels, try_label),
		ROWS(projectors, try_projector),
		ROWS(others, play_scenario),
	};

	return run_rows("index/names", tables, countof(tables));
}
