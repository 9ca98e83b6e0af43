/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index estimate. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "indexcli/commands.h"
#include "indexcli/estimate.h"
#include "indexcli/load.h"
#include "ops/inspect.h"

enum {
	SEQUENCES_MAX = 65536,
	TOKENS_MAX = 1 << 30
};

static const char *const engine_words[] = {
	"auto", "llama.cpp", "ollama", "vllm", "diffusers", NULL};
static const char *const flash_words[] = {"auto", "off", "on", NULL};
static const char *const solve_words[] = {"nothing", "context", "batch", NULL};

static const char *models_dir;
static const char *index_path;
static unsigned engine;
static uint64_t context;
static uint64_t sequences;
static uint64_t batch;
static uint64_t ubatch;
static const char *kv_dtype;
static unsigned flash;
static bool offload;
static uint64_t gpu_memory;
static const char *gpu_share;
static uint64_t block_size;
static const char *gpu_arch;
static unsigned solve;
static bool beyond;
static const char *profile;
static const char *params_billion;
static const char *weight_precision;
static const char *overhead_gib;
static const char *vision_gib;
static const char *frag_factor;
static uint64_t layers;
static uint64_t kv_heads;
static uint64_t head_dim;

static const struct cli_option options[] = {
	{'d', "models", "DIR", "look up MODEL in DIR ($MODEL_CACHE_DIR, /app/models)", CLI_TEXT,
		&models_dir, 0, 0, NULL},
	{0, "index", "FILE", "look up MODEL in this index", CLI_TEXT, &index_path, 0, 0, NULL},
	{0, "engine", "NAME", "run with llama.cpp, ollama, vllm or diffusers (auto: the usual one)",
		CLI_WORD, &engine, 0, 0, engine_words},
	{'c', "context", "N", "keep N tokens, as the engine's own option counts them", CLI_NUMBER,
		&context, 1, TOKENS_MAX, NULL},
	{0, "parallel", "N", "run N sequences at the same time", CLI_NUMBER, &sequences, 1,
		SEQUENCES_MAX, NULL},
	{0, "batch", "N", "take N tokens in a step; with --profile, run N sequences", CLI_NUMBER,
		&batch, 1, TOKENS_MAX, NULL},
	{0, "ubatch", "N", "take N tokens in a physical step of llama.cpp", CLI_NUMBER, &ubatch, 1,
		TOKENS_MAX, NULL},
	{0, "kv-dtype", "T[,T]", "store the cache (keys, values) as f16, bf16, f8, q8_0, q4_0, ...",
		CLI_TEXT, &kv_dtype, 0, 0, NULL},
	{0, "flash-attention", "WHEN", "say auto, on or off", CLI_WORD, &flash, 0, 0, flash_words},
	{0, "offload", NULL, "have one component of a pipeline on the GPU at a time", CLI_FLAG,
		&offload, 0, 0, NULL},
	{0, "gpu-memory", "SIZE", "compare with a GPU of SIZE (16GiB)", CLI_BYTES, &gpu_memory, 1,
		0, NULL},
	{0, "gpu-memory-utilization", "F", "have vLLM use this share of the GPU (0.9)", CLI_TEXT,
		&gpu_share, 0, 0, NULL},
	{0, "block-size", "N", "have pages of vLLM hold N tokens (16)", CLI_NUMBER, &block_size, 1,
		4096, NULL},
	{0, "gpu-arch", "SM", "check whether sm_SM can run it at all", CLI_TEXT, &gpu_arch, 0, 0,
		NULL},
	{0, "solve", "WHAT", "find the largest context or batch (sequences) that fits", CLI_WORD,
		&solve, 0, 0, solve_words},
	{0, "beyond", NULL, "solve beyond the context that the model was made for", CLI_FLAG,
		&beyond, 0, 0, NULL},
	{0, "profile", "NAME", "use the calculator: default, ada_16gb, hopper_80gb or studio_dual",
		CLI_TEXT, &profile, 0, 0, NULL},
	{0, "params-billion", "F", "have F billion parameters, with --profile", CLI_TEXT,
		&params_billion, 0, 0, NULL},
	{0, "weight-precision", "P", "store them as fp16, bf16, fp8, int8, int4 or fp4", CLI_TEXT,
		&weight_precision, 0, 0, NULL},
	{0, "overhead-gib", "F", "have another overhead than the profile's", CLI_TEXT,
		&overhead_gib, 0, 0, NULL},
	{0, "vision-gib", "F", "have another size of the vision tower", CLI_TEXT, &vision_gib, 0, 0,
		NULL},
	{0, "frag-factor", "F", "have another factor for fragmentation", CLI_TEXT, &frag_factor, 0,
		0, NULL},
	{0, "layers", "N", "have N layers, whatever the model says", CLI_NUMBER, &layers, 1,
		BAKE_KV_LAYERS_MAX, NULL},
	{0, "kv-heads", "N", "have N heads of keys and values in each", CLI_NUMBER, &kv_heads, 1,
		TOKENS_MAX, NULL},
	{0, "head-dim", "N", "have heads of N elements", CLI_NUMBER, &head_dim, 1, TOKENS_MAX,
		NULL},
};

static const char *const notes[] = {
	"MODEL is an id of the index, or the path of a file or a directory. Each figure says what "
	"it "
	"is reckoned from; what cannot be told is unknown, and the total then is the least. A "
	"model "
	"that does not fit into --gpu-memory even so is an error (23).",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-index estimate",
	.summary = "say what memory a model needs, and if a GPU has it",
	.usage = "MODEL | PATH | --profile NAME",
	.options = options,
	.option_count = countof(options),
	.args_max = 1,
	.notes = notes,
};

static enum bake_status conflict(const char *what, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict", "%s", what);
}

/* What only the calculator takes. */
static enum bake_status check_calculator(struct bake_error *err)
{
	const struct {
		const char *given;
		const char *name;
	} numbers[] = {
		{params_billion, "--params-billion"},
		{weight_precision, "--weight-precision"},
		{overhead_gib, "--overhead-gib"},
		{vision_gib, "--vision-gib"},
		{frag_factor, "--frag-factor"},
	};

	for (size_t i = 0; !profile && i < countof(numbers); i++) {
		if (numbers[i].given)
			return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
				"%s goes with --profile", numbers[i].name);
	}
	if (profile && (engine || gpu_share))
		return conflict("--profile is a calculator of its own: it takes no engine", err);
	if (profile && batch && sequences)
		return conflict("--batch and --parallel are the same to --profile: give one", err);
	if (profile && solve == INDEXCLI_SOLVE_SEQUENCES)
		return conflict("--profile solves the context only", err);
	return BAKE_OK;
}

/* Options that would be ignored are refused. */
static enum bake_status check_line(const struct cli_list *args, struct bake_error *err)
{
	BAKE_TRY(check_calculator(err));
	if (solve && !gpu_memory)
		return conflict("--solve needs --gpu-memory", err);
	if (solve == INDEXCLI_SOLVE_CONTEXT && context)
		return conflict("--solve context finds the context: it takes no --context", err);
	if (solve == INDEXCLI_SOLVE_SEQUENCES && sequences)
		return conflict("--solve batch finds the sequences: it takes no --parallel", err);
	if (!args->count && !profile)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
			"which model? an id of the index, or a path");
	return BAKE_OK;
}

static enum bake_status parse_types(struct bake_kv_types *out, struct bake_error *err)
{
	const char *comma = kv_dtype ? strchr(kv_dtype, ',') : NULL;
	_cleanup_free_ char *key = NULL;

	if (!kv_dtype)
		return BAKE_OK;
	key = strndup(kv_dtype, comma ? (size_t)(comma - kv_dtype) : strlen(kv_dtype));
	if (!key)
		return bake_error_nomem(err);
	out->key = bake_kv_type_find(key);
	out->value = comma ? bake_kv_type_find(comma + 1) : out->key;
	if (out->key && out->value)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "--kv-dtype: '%s' is no type of a cache",
		BAKE_SHOW(out->key ? comma + 1 : key));
	return bake_error_hint(err, "%s", bake_kv_type_names);
}

static enum bake_status parse_share(uint32_t *out, struct bake_error *err)
{
	double share;

	if (!gpu_share)
		return BAKE_OK;
	if (!indexcli_decimal(gpu_share, &share) || share < 0.001 || share > 1)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"--gpu-memory-utilization: '%s' is no share between 0.001 and 1",
			BAKE_SHOW(gpu_share));
	*out = (uint32_t)(share * 1000 + 0.5);
	return BAKE_OK;
}

/* Whether name is a path rather than an id: it looks like one, or there is such a file. */
static bool is_path(const char *name)
{
	return strchr(name, '/') || access(name, F_OK) == 0;
}

/* The file or directory that a model of the index is. */
static enum bake_status find_model(const char *id, char **out_path, struct bake_error *err)
{
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX);
	const struct indexcli_which which = {models_dir, index_path};
	const struct bake_index_model *model;

	if (indexcli_load(&which, &index, &text, err) != BAKE_OK) {
		if (err->status == BAKE_ERR_NOINPUT)
			bake_error_wrap(err, "'%s' is neither a file nor a model of an index",
				BAKE_SHOW(id));
		return err->status;
	}
	BAKE_TRY(indexcli_find(index, id, &model, err));
	if (!model->baked) {
		bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
			"model '%s' is not baked", BAKE_SHOW(id));
		return bake_error_hint(err, INDEXCLI_TOOL " show lists what is baked");
	}
	if (asprintf(out_path, "%s/%s", cli_models_dir(models_dir), model->path) < 0) {
		*out_path = NULL;
		return bake_error_nomem(err);
	}
	return BAKE_OK;
}

static enum bake_status inspect(
	const char *name, struct bake_inspection **out, struct bake_error *err)
{
	const struct bake_inspect_options tolerant = {.mode = BAKE_GGUF_TOLERANT};
	_cleanup_free_ char *path = NULL;

	if (!is_path(name))
		BAKE_TRY(find_model(name, &path, err));
	return bake_inspect_path(path ? path : name, &tolerant, out, err);
}

static void override(struct bake_arch *arch, enum bake_arch_field field,
	enum bake_arch_field per_layer, uint64_t value)
{
	if (!value)
		return;
	arch->facts[field] = (struct bake_arch_fact){
		.known = true, .kind = BAKE_ARCH_U64, .u64 = value, .source = "option"};
	arch->facts[per_layer].known = false;
}

/* What options say over what the files say. Lists of layers go with what they list. */
static void override_all(struct bake_arch *arch)
{
	override(arch, BAKE_ARCH_NUM_LAYERS, BAKE_ARCH_KV_HEADS_PER_LAYER, layers);
	if (layers) {
		arch->facts[BAKE_ARCH_SLIDING_WINDOW_PER_LAYER].known = false;
		arch->facts[BAKE_ARCH_RECURRENT_PER_LAYER].known = false;
		arch->facts[BAKE_ARCH_NEXTN_PREDICT_LAYERS].known = false;
	}
	override(arch, BAKE_ARCH_NUM_KV_HEADS, BAKE_ARCH_KV_HEADS_PER_LAYER, kv_heads);
	override(arch, BAKE_ARCH_HEAD_DIM, BAKE_ARCH_VALUE_HEAD_DIM, head_dim);
}

/* As the rule of GPUs names it; NULL: not known. */
static const char *precision_of(const struct bake_arch_quantization *how)
{
	static const char *const precisions[] = {"int4", "fp4"};

	for (size_t i = 0; how->label && i < countof(precisions); i++) {
		if (strstr(how->label, precisions[i]))
			return precisions[i];
	}
	return NULL;
}

/* A Nunchaku file runs only on some GPUs, whatever memory they have. */
static enum bake_status judge_gpu(struct indexcli_estimate *estimate, struct bake_error *err)
{
	const struct bake_arch_quantization *how = &estimate->arch->quantization;
	struct bake_gpu gpu;

	if (!gpu_arch)
		return BAKE_OK;
	if (!bake_gpu_parse(gpu_arch, &gpu)) {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"--gpu-arch: '%s' is no compute capability", BAKE_SHOW(gpu_arch));
		return bake_error_hint(
			err, "sm_89 or 8.9: nvidia-smi --query-gpu=compute_cap says it");
	}
	if (!bake_text_equal(how->method, "svdquant"))
		return BAKE_OK;
	estimate->has_gpu = true;
	bake_gpu_judge_nunchaku(gpu, precision_of(how), &estimate->gpu);
	return BAKE_OK;
}

static uint64_t limit_of(const struct bake_memory_model *model, const struct bake_memory_wish *wish)
{
	uint64_t own = bake_arch_u64(model->arch, BAKE_ARCH_CONTEXT_LENGTH, 0);
	uint64_t limit = own && !beyond ? own : TOKENS_MAX;

	/* -c of llama.cpp is for all its sequences. */
	if (own && wish->engine == BAKE_ENGINE_LLAMA_CPP && wish->sequences)
		limit = bake_u64_mul_capped(limit, wish->sequences);
	return bake_u64_min(limit, TOKENS_MAX);
}

static enum bake_status check_solvable(
	const struct bake_memory *memory, bool has_context, struct bake_error *err)
{
	if (memory->engine == BAKE_ENGINE_DIFFUSERS)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--solve is for models that keep a cache of tokens");
	if (!memory->kv.known) {
		bake_error_set(err, BAKE_ERR_DATA, "estimate.unknown", "nothing can be solved: %s",
			memory->kv.because);
		return bake_error_hint(err, "--layers, --kv-heads and --head-dim say it");
	}
	if (solve == INDEXCLI_SOLVE_SEQUENCES && !has_context) {
		bake_error_set(err, BAKE_ERR_DATA, "estimate.unknown",
			"nothing can be solved: the model's context length is not known");
		return bake_error_hint(err, "--context says it");
	}
	return BAKE_OK;
}

/* Finds the number, and estimates with it. */
static enum bake_status solve_for(const struct bake_memory_model *model,
	struct bake_memory_wish *wish, struct indexcli_estimate *estimate, struct bake_error *err)
{
	struct bake_memory_solution *solution = &estimate->solution;
	uint64_t found;
	uint64_t each = context ? context : estimate->memory.context_model;

	BAKE_TRY(check_solvable(&estimate->memory, each != 0, err));
	if (solve == INDEXCLI_SOLVE_CONTEXT)
		*solution = bake_memory_solve_context(model, wish, limit_of(model, wish));
	else
		*solution = bake_memory_solve_sequences(model, wish, SEQUENCES_MAX);
	found = solution->sure ? solution->sure : solution->perhaps;
	if (solve == INDEXCLI_SOLVE_CONTEXT)
		wish->context = found ? found : 1;
	else if (wish->engine == BAKE_ENGINE_LLAMA_CPP)
		wish->context = bake_u64_mul_capped(each, found ? found : 1);
	if (solve == INDEXCLI_SOLVE_SEQUENCES)
		wish->sequences = found ? found : 1;
	bake_memory_estimate(model, wish, &estimate->memory);
	return BAKE_OK;
}

/* A GPU that cannot do it is the answer no. What would fit is said. */
static enum bake_status judge(const struct bake_memory_model *model,
	const struct bake_memory_wish *wish, const struct indexcli_estimate *estimate,
	struct bake_error *err)
{
	const struct bake_memory *memory = &estimate->memory;
	struct bake_memory_solution other = {.sure = 0};

	if (estimate->has_gpu && (estimate->gpu.verdict == BAKE_GPU_OTHER_PRECISION ||
					 estimate->gpu.verdict == BAKE_GPU_UNSUPPORTED))
		return bake_error_set(
			err, BAKE_ERR_NOSPACE, "estimate.gpu", "%s", estimate->gpu.reason);
	if (!memory->budget || bake_memory_verdict(memory) != BAKE_MEMORY_NO_FIT)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_NOSPACE, "estimate.no-fit",
		"it does not fit: %s are needed at the least, %s has %s for it",
		INDEXCLI_GIB(memory->min), bake_engine_name(memory->engine),
		INDEXCLI_GIB(memory->budget));
	if (memory->kv.known && memory->kv.group_count)
		other = bake_memory_solve_context(model, wish, limit_of(model, wish));
	if (other.perhaps)
		return bake_error_hint(err, "a context of %llu tokens would fit",
			(unsigned long long)(other.sure ? other.sure : other.perhaps));
	if (memory->engine == BAKE_ENGINE_DIFFUSERS)
		return bake_error_hint(err, "fewer bits a weight, or %s",
			wish->offload ? "another GPU" : "--offload");
	return bake_error_hint(
		err, "not even without a context: fewer bits a weight, or another GPU");
}

static enum bake_status estimate_with(const struct cli_common *common,
	const struct bake_memory_model *model, const char *name, struct bake_error *err)
{
	struct bake_memory_wish wish = {
		.engine = engine ? (enum bake_engine)(engine - 1) : bake_engine_usual(model),
		.context = context,
		.sequences = sequences,
		.batch = batch,
		.ubatch = ubatch,
		.flash_attention = (enum bake_memory_switch)flash,
		.gpu_memory = gpu_memory,
		.block_size = block_size,
		.offload = offload,
	};
	_cleanup_free_ struct indexcli_estimate *estimate = calloc(1, sizeof(*estimate));

	if (!estimate)
		return bake_error_nomem(err);
	BAKE_TRY(parse_types(&wish.types, err));
	BAKE_TRY(parse_share(&wish.gpu_share, err));
	estimate->model = name;
	estimate->arch = model->arch;
	estimate->solve = (enum indexcli_solve)solve;
	BAKE_TRY(judge_gpu(estimate, err));
	bake_memory_estimate(model, &wish, &estimate->memory);
	if (solve)
		BAKE_TRY(solve_for(model, &wish, estimate, err));
	(void)judge(model, &wish, estimate, err);
	indexcli_estimate_print(estimate, common->json, err);
	return err->status;
}

static enum bake_status calculate(const struct cli_common *common, const struct bake_arch *arch,
	const struct bake_weights *weights, const char *name, struct bake_error *err)
{
	const struct indexcli_calculation asked = {
		.model = name,
		.arch = arch,
		.weights = weights,
		.profile = profile,
		.params_billion = params_billion,
		.weight_precision = weight_precision,
		.overhead_gib = overhead_gib,
		.vision_gib = vision_gib,
		.frag_factor = frag_factor,
		.kv_dtype = kv_dtype,
		.context = context,
		.sequences = batch ? batch : sequences,
		.gpu_memory = gpu_memory,
		.solve = solve != 0,
		.json = common->json,
	};

	return indexcli_calculate(&asked, err);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_inspection_free) struct bake_inspection *inspection = NULL;
	_cleanup_(bake_arch_free) struct bake_arch *nothing = NULL;
	static const struct bake_weights no_weights;

	BAKE_TRY(check_line(args, err));
	if (!args->count) {
		BAKE_TRY(bake_arch_new(&nothing, err));
		override_all(nothing);
		return calculate(common, nothing, &no_weights, NULL, err);
	}
	BAKE_TRY(inspect(args->items[0], &inspection, err));
	override_all(inspection->arch);
	if (profile)
		return calculate(
			common, inspection->arch, &inspection->weights, args->items[0], err);
	return estimate_with(common,
		&(struct bake_memory_model){
			.arch = inspection->arch,
			.weights = &inspection->weights,
			.projector = &inspection->projector,
			.component_weights = inspection->component_weights,
			.format = inspection->format,
		},
		args->items[0], err);
}

const struct indexcli_command indexcli_estimate = {&command, run, NULL};
