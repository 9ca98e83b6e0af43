/* SPDX-License-Identifier: Apache-2.0 */
/* The documents beside config.json, together as a model has them, and the parts of a pipeline. */
#include "unit/archcheck.h"

#include <stdlib.h>

#include "base/buf.h"

typedef enum bake_status reader(
	struct bake_arch *arch, struct bake_span text, const char *path, struct bake_error *err);

static void read_all(struct bake_arch **arch, reader *read, const char *path, struct bake_span text)
{
	struct bake_error err = BAKE_ERROR_INIT;

	if (!*arch)
		check_status(bake_arch_new(arch, &err), &err, BAKE_OK, NULL);
	check_status(read(*arch, text, path, &err), &err, BAKE_OK, NULL);
}

static void read_text(struct bake_arch **arch, reader *read, const char *path, const char *text)
{
	read_all(arch, read, path, bake_span_text(text));
}

static void finish(struct bake_arch *arch)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_arch_finish(arch, &err), &err, BAKE_OK, NULL);
}

#define ARCH _cleanup_(bake_arch_free) struct bake_arch *arch = NULL

static const char small[] = "{\"architectures\": [\"LlamaForCausalLM\"], \"hidden_size\": 64, "
			    "\"num_attention_heads\": 4, \"num_hidden_layers\": 2, "
			    "\"torch_dtype\": \"bfloat16\"}";

static void limits_of_generation(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_generation, "sub/generation_config.json",
		"{\"max_length\": 32768, \"max_new_tokens\": 2048}");
	check_record(arch, "max_length=32768;max_generation_tokens=2048;"
			   "field_sources.max_length=generation_config:sub/"
			   "generation_config.json:max_length;"
			   "sources=[\"generation_config:sub/generation_config.json\"]");
}

static void a_tokenizer_without_a_limit(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_config, "config.json", small);
	read_text(&arch, bake_arch_read_tokenizer, "tokenizer_config.json",
		"{\"model_max_length\": 1000000000000000019884624838656}");
	finish(arch);
	check_record(arch, "context_length=;warnings=1");
	assert_string_equal(arch->warnings[0], "context_length is not known");
}

static void a_tokenizer_with_a_limit(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_config, "config.json", small);
	read_text(&arch, bake_arch_read_tokenizer, "tokenizer_config.json",
		"{\"model_max_length\": 8192.0}");
	finish(arch);
	check_record(arch, "context_length=8192;warnings=0;field_sources.context_length="
			   "config:tokenizer_config.json:model_max_length");
}

static void the_models_limit_beats_the_tokenizers(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_config, "config.json",
		"{\"max_position_embeddings\": 40960}");
	read_text(&arch, bake_arch_read_tokenizer, "tokenizer_config.json",
		"{\"model_max_length\": 131072}");
	finish(arch);
	check_record(arch, "context_length=40960");
}

static void pixels_within_bounds(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_preprocessor, "preprocessor_config.json",
		"{\"min_pixels\": 3136, \"max_pixels\": 12845056, \"patch_size\": 14, "
		"\"merge_size\": 2, \"size\": {\"height\": 1}}");
	check_record(arch, "vision={\"min_pixels\": 3136, \"max_pixels\": 12845056, "
			   "\"patch_size\": 14, \"spatial_merge_size\": 2};"
			   "field_sources.vision.min_pixels=config:preprocessor_config.json:"
			   "min_pixels");
}

static void pixels_called_edges(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_preprocessor, "p.json",
		"{\"image_processor_type\": \"Qwen2VLImageProcessor\", \"size\": "
		"{\"shortest_edge\": 3136, \"longest_edge\": 12845056}}");
	check_record(arch, "vision={\"min_pixels\": 3136, \"max_pixels\": 12845056}");
}

static void edges_that_are_edges(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_preprocessor, "p.json",
		"{\"image_processor_type\": \"CLIPImageProcessor\", \"crop_size\": {\"height\": "
		"336, \"width\": 336}, \"size\": {\"shortest_edge\": 224}}");
	check_record(arch, "vision={\"image_size\": 336}");
}

static void gptq_in_a_file_of_its_own(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_quantize, "quantize_config.json",
		"{\"bits\": 4, \"group_size\": -1, \"desc_act\": true}");
	check_record(arch, "quantization={\"method\": \"gptq\", \"label\": \"int4\", \"bits\": 4, "
			   "\"group_size\": -1, \"details\": {\"desc_act\": true}};"
			   "field_sources.quantization=config:quantize_config.json");
}

static void awq_in_a_file_of_its_own(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_quantize, "quant_config.json",
		"{\"w_bit\": 4, \"q_group_size\": 128, \"zero_point\": true}");
	check_record(arch, "quantization.method=awq;quantization.group_size=128");
}

static void modelopt_in_a_file_of_its_own(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_quantize, "hf_quant_config.json",
		"{\"producer\": {\"name\": \"modelopt\"}, \"quantization\": {\"quant_algo\": "
		"\"NVFP4\", \"kv_cache_quant_algo\": \"FP8\", \"group_size\": 16}}");
	check_record(arch, "quantization.method=modelopt;quantization.label=nvfp4;"
			   "quantization.group_size=16;kv_precision=fp8_e4m3;"
			   "field_sources.kv_precision=config:hf_quant_config.json:"
			   "quantization.kv_cache_quant_algo");
}

static void the_same_quantization_twice(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_config, "config.json",
		"{\"quantization_config\": {\"quant_method\": \"gptq\", \"bits\": 4}}");
	read_text(&arch, bake_arch_read_quantize, "quantize_config.json",
		"{\"bits\": 8, \"group_size\": 128}");
	check_record(arch, "quantization.bits=4;quantization.group_size=128;"
			   "field_sources.quantization=config:config.json:quantization_config");
}

static void a_config_read_twice(void)
{
	static const char text[] = "{\"model_type\": \"qwen\", \"num_hidden_layers\": 3, "
				   "\"num_nextn_predict_layers\": 1, \"intermediate_size\": 200, "
				   "\"sliding_window\": 5}";
	ARCH;
	read_text(&arch, bake_arch_read_config, "config.json", text);
	read_text(&arch, bake_arch_read_config, "config.json", text);
	finish(arch);
	finish(arch);
	check_record(arch, "num_layers=4;intermediate_size=100;sliding_window=5;"
			   "sources=[\"config:config.json\"]");
}

static void long_settings_are_left_out(void)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(1 << 20);
	ARCH;
	bake_buf_text(&text, "{\"quantization_config\": {\"quant_method\": \"awq\", \"bits\": 4, "
			     "\"version\": \"gemm\", \"modules_to_not_convert\": [\"m\"");
	for (unsigned i = 0; i < 10000; i++)
		bake_buf_addf(&text, ", \"model.layers.%u\"", i);
	bake_buf_text(&text, "]}}");
	read_all(&arch, bake_arch_read_config, "config.json", bake_buf_span(&text));
	check_record(arch, "quantization={\"method\": \"awq\", \"label\": \"int4\", \"bits\": 4, "
			   "\"details\": {\"version\": \"gemm\"}};warnings=0");
}

static const char pipeline[] =
	"{\"_class_name\": \"QwenImageEditPipeline\", \"_diffusers_version\": \"0.35.0\", "
	"\"_private\": [\"a\", \"b\"], \"processor\": [\"transformers\", \"Qwen2VLProcessor\"], "
	"\"image_encoder\": [null, null], \"force_zeros\": true, \"odd\": [\"a\"], "
	"\"custom\": [null, \"Thing\"], \"vae\": [\"diffusers\", \"AutoencoderKL\"]}";

static void parts_of_a_pipeline(void)
{
	ARCH;
	read_text(&arch, bake_arch_read_model_index, "model_index.json", pipeline);
	read_text(&arch, bake_arch_read_model_index, "model_index.json", pipeline);
	read_text(&arch->components[2].arch, bake_arch_read_config, "vae/config.json",
		"{\"_class_name\": \"AutoencoderKL\", \"latent_channels\": 4}");
	finish(arch);
	assert_int_equal(arch->component_count, 3);
	assert_string_equal(arch->components[0].library, "transformers");
	assert_string_equal(arch->components[1].name, "custom");
	assert_null(arch->components[1].library);
	check_record(arch, "architecture=QwenImageEditPipeline;causal=;warnings=0");
	check_record(arch->components[2].arch,
		"latent_channels=4;field_sources.latent_channels=config:vae/config.json:"
		"latent_channels");
}

static void too_many_parts(void)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(1 << 20);
	ARCH;
	bake_buf_text(&text, "{");
	for (unsigned i = 0; i < 20000; i++)
		bake_buf_addf(&text, "%s\"p%u\": [\"l\", \"C\"]", i ? ", " : "", i);
	bake_buf_text(&text, "}");
	read_all(&arch, bake_arch_read_model_index, "model_index.json", bake_buf_span(&text));
	assert_int_equal(arch->component_count, 256);
	assert_true(arch->arena.used < 100000); /* not a copy of the warning for each */
	check_record(arch, "warnings=1");
}

static const struct scenario documents[] = {
	{"limits of generation", limits_of_generation},
	{"a tokenizer without a limit says 10^30", a_tokenizer_without_a_limit},
	{"a tokenizer's limit is used when there is no other", a_tokenizer_with_a_limit},
	{"the model's limit beats the tokenizer's", the_models_limit_beats_the_tokenizers},
	{"pixels within bounds, and no size of an image", pixels_within_bounds},
	{"pixels that are called edges", pixels_called_edges},
	{"edges that are edges", edges_that_are_edges},
	{"quantize_config.json is gptq", gptq_in_a_file_of_its_own},
	{"quant_config.json is awq", awq_in_a_file_of_its_own},
	{"hf_quant_config.json is modelopt", modelopt_in_a_file_of_its_own},
	{"a second description completes the first", the_same_quantization_twice},
	{"a config read twice changes nothing", a_config_read_twice},
	{"long settings are left out", long_settings_are_left_out},
	{"parts of a pipeline, without what is no part", parts_of_a_pipeline},
	{"more parts than there can be", too_many_parts},
};

/* Real files, when there are any: $BAKE_FIXTURES/PATH. False when not. */
static bool real_file(const char *path, struct bake_buf *text)
{
	const char *directory = getenv("BAKE_FIXTURES");
	char full[1024];
	char piece[4096];
	size_t got;
	FILE *file;

	if (!directory)
		return false;
	(void)snprintf(full, sizeof(full), "%s/%s", directory, path);
	file = fopen(full, "re");
	if (!file)
		return false;
	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		bake_buf_add(text, piece, got);
	(void)fclose(file);
	return true;
}

static void read_real(
	struct bake_arch **arch, reader *read, const char *directory, const char *name)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(1 << 24);
	char path[512];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (!real_file(path, &text))
		skip();
	read_all(arch, read, name, bake_buf_span(&text));
}

static void real_gptq_model(void)
{
	static const char directory[] = "hf-config/qwen-vl-chat-int4-gptq";
	ARCH;
	read_real(&arch, bake_arch_read_config, directory, "config.json");
	read_real(&arch, bake_arch_read_generation, directory, "generation_config.json");
	read_real(&arch, bake_arch_read_tokenizer, directory, "tokenizer_config.json");
	read_real(&arch, bake_arch_read_quantize, directory, "quantize_config.json");
	finish(arch);
	check_record(arch,
		"model_type=qwen;architecture=QWenLMHeadModel;num_layers=32;num_kv_heads=32;"
		"head_dim=128;hidden_size=4096;intermediate_size=11008;context_length=8192;"
		"max_position_embeddings=8192;seq_length=2048;max_generation_tokens=512;"
		"vocab_size=151936;weight_precision=fp16;kv_precision=fp16;causal=true;"
		"quantization.method=gptq;quantization.bits=4;quantization.group_size=128;"
		"vision.image_size=448;vision.num_layers=48;vision.hidden_size=1664;warnings=0");
}

static void real_text_encoder(void)
{
	static const char directory[] = "hf-layout/qwen-image-lfs-pointers/text_encoder";
	ARCH;
	read_real(&arch, bake_arch_read_config, directory, "config.json");
	read_real(&arch, bake_arch_read_generation, directory, "generation_config.json");
	finish(arch);
	check_record(arch,
		"num_layers=28;num_attention_heads=28;num_kv_heads=4;hidden_size=3584;"
		"head_dim=128;intermediate_size=18944;context_length=128000;rope_theta=1000000;"
		"rope_scaling=;sliding_window=;sliding_window_per_layer=;weight_precision=bf16;"
		"vision={\"patch_size\": 14, \"hidden_size\": 1280, \"num_layers\": 32, "
		"\"num_heads\": 16, \"intermediate_size\": 3420, \"projection_dim\": 3584, "
		"\"spatial_merge_size\": 2, \"window_size\": 112};warnings=0");
}

static void real_pipeline(void)
{
	static const char directory[] = "hf-layout/qwen-image-lfs-pointers";
	ARCH;
	read_real(&arch, bake_arch_read_model_index, directory, "model_index.json");
	assert_int_equal(arch->component_count, 5);
	read_real(&arch->components[3].arch, bake_arch_read_config, directory,
		"transformer/config.json");
	read_real(&arch->components[4].arch, bake_arch_read_config, directory, "vae/config.json");
	read_real(&arch->components[2].arch, bake_arch_read_tokenizer, directory,
		"tokenizer/tokenizer_config.json");
	finish(arch);
	check_record(arch, "architecture=QwenImagePipeline;warnings=0");
	check_record(arch->components[3].arch,
		"num_layers=60;hidden_size=3072;joint_attention_dim=3584;warnings=0");
	check_record(arch->components[4].arch, "latent_channels=16;warnings=0");
}

static const struct scenario real[] = {
	{"a gptq model", real_gptq_model},
	{"a text encoder", real_text_encoder},
	{"a pipeline", real_pipeline},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(documents, play_scenario),
		ROWS(real, play_scenario),
	};

	return run_rows("arch/read", tables, countof(tables));
}
