/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index apply. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/report.h"
#include "indexcli/commands.h"
#include "indexcli/estimate.h"
#include "ops/apply.h"

enum {
	TOKENS_MAX = 1 << 30,
	SEQUENCES_MAX = 65536
};

/* The order is that of enum bake_engine, behind the one that is not said. */
static const char *const engine_words[] = {"auto", "llama.cpp", "ollama", "vllm", NULL};

static const char *models_dir;
static const char *registry_path;
static unsigned engine;
static uint64_t context;
static uint64_t max_model_len;
static uint64_t num_ctx;
static uint64_t parallel;
static uint64_t max_num_seqs;
static const char *gpu_share;
static uint64_t gpu_memory;
static bool dry_run;

static const struct cli_option options[] = {
	{'d', "models", "DIR", "the models directory ($MODEL_CACHE_DIR, /app/models)", CLI_TEXT,
		&models_dir, 0, 0, NULL},
	{0, "registry", "FILE", "write into the entry of this registry, not beside the index",
		CLI_TEXT, &registry_path, 0, 0, NULL},
	{0, "engine", "NAME", "write for llama.cpp, ollama or vllm (auto: as the registry says)",
		CLI_WORD, &engine, 0, 0, engine_words},
	{0, "context", "N", "give each sequence N tokens", CLI_NUMBER, &context, 1, TOKENS_MAX,
		NULL},
	{0, "max-model-len", "N", "the same, as vLLM calls it", CLI_NUMBER, &max_model_len, 1,
		TOKENS_MAX, NULL},
	{0, "num-ctx", "N", "the same, as Ollama calls it", CLI_NUMBER, &num_ctx, 1, TOKENS_MAX,
		NULL},
	{0, "parallel", "N", "run N sequences at the same time", CLI_NUMBER, &parallel, 1,
		SEQUENCES_MAX, NULL},
	{0, "max-num-seqs", "N", "the same, as vLLM calls it", CLI_NUMBER, &max_num_seqs, 1,
		SEQUENCES_MAX, NULL},
	{0, "gpu-memory-utilization", "F", "have vLLM use this share of the GPU", CLI_TEXT,
		&gpu_share, 0, 0, NULL},
	{0, "gpu-memory", "SIZE", "find the largest context that fits a GPU of SIZE (16GiB)",
		CLI_BYTES, &gpu_memory, 1, 0, NULL},
	{0, "dry-run", NULL, "only show the change", CLI_FLAG, &dry_run, 0, 0, NULL},
};

static const char *const notes[] = {
	"N tokens of each sequence are --max-model-len N of vLLM, num_ctx N of Ollama, and of "
	"llama.cpp -c with N times the sequences. MODEL is an id of the index, whose arguments go "
	"into "
	"model-info.runtime.json, or with --registry the name of an entry.",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-index apply",
	.summary = "write down how an engine is to run a model",
	.usage = "MODEL",
	.options = options,
	.option_count = countof(options),
	.args_min = 1,
	.args_max = 1,
	.notes = notes,
};

/* How the context of a sequence is given: each of the three means the same. */
static unsigned count_contexts(void)
{
	return (context ? 1U : 0U) + (max_model_len ? 1U : 0U) + (num_ctx ? 1U : 0U);
}

static bool is_nothing(void)
{
	return !count_contexts() && !parallel && !max_num_seqs && !gpu_share && !gpu_memory;
}

static enum bake_status check_line(struct bake_error *err)
{
	const struct {
		bool wrong;
		const char *id;
		const char *text;
	} rules[] = {
		{count_contexts() > 1, "usage.conflict",
			"--context, --max-model-len and --num-ctx are the same: give one"},
		{parallel && max_num_seqs, "usage.conflict",
			"--parallel and --max-num-seqs are the same: give one"},
		{count_contexts() && gpu_memory, "usage.conflict",
			"--gpu-memory finds the context: it takes none"},
		{models_dir && registry_path, "usage.conflict",
			"--models and --registry both say where MODEL is: name one"},
		{!registry_path && !engine, "usage.arguments",
			"which engine? --engine llama.cpp, ollama or vllm"},
		{is_nothing(), "usage.arguments",
			"nothing to apply: --context N, or --gpu-memory SIZE to find it"},
	};

	for (size_t i = 0; i < countof(rules); i++) {
		if (rules[i].wrong)
			return bake_error_set(
				err, BAKE_ERR_USAGE, rules[i].id, "%s", rules[i].text);
	}
	return BAKE_OK;
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

static void print_json(const struct bake_apply_report *report, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 24);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_text(&writer, "engine", bake_engine_name(report->engine));
	bake_json_put_text(&writer, "path", report->path);
	bake_json_put_bool(&writer, "dry_run", dry_run);
	bake_json_put_bool(&writer, "changed", report->changed);
	bake_json_put_bool(&writer, "solved", report->solved);
	if (report->context)
		bake_json_put_u64(&writer, "context", report->context);
	if (report->sequences)
		bake_json_put_u64(&writer, "sequences", report->sequences);
	bake_json_put_list(
		&writer, "before", (const char *const *)report->before, report->before_count);
	bake_json_put_list(
		&writer, "after", (const char *const *)report->after, report->after_count);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static bool has(const char **lines, size_t count, const char *line)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(lines[i], line) == 0)
			return true;
	}
	return false;
}

/* What goes, what stays, what comes. */
static void print_diff(const struct bake_apply_report *report)
{
	for (size_t i = 0; i < report->before_count; i++) {
		if (!has(report->after, report->after_count, report->before[i]))
			(void)printf("- %s\n", BAKE_SHOW(report->before[i]));
	}
	for (size_t i = 0; i < report->after_count; i++)
		(void)printf("%c %s\n",
			has(report->before, report->before_count, report->after[i]) ? ' ' : '+',
			BAKE_SHOW(report->after[i]));
}

static void print_report(const struct bake_apply_report *report, const char *model)
{
	uint64_t sequences = report->sequences ? report->sequences : 1;

	(void)printf("%s, %s%s\n", BAKE_SHOW(model), bake_engine_name(report->engine),
		report->solved ? ", the largest context that fits" : "");
	print_diff(report);
	if (report->context)
		(void)printf("each sequence %" PRIu64 " tokens: vLLM --max-model-len %" PRIu64
			     ", Ollama num_ctx %" PRIu64 ", llama.cpp -c %" PRIu64 " -np %" PRIu64
			     "\n",
			report->context, report->context, report->context,
			report->context * sequences, sequences);
	(void)printf("%s %s\n", BAKE_SHOW(report->path),
		!report->changed ? "stays as it is"
		: dry_run	 ? "would be written"
				 : "written");
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	struct bake_apply_options wanted = {
		.model = args->items[0],
		.models_dir = cli_models_dir(models_dir),
		.registry_path = registry_path,
		.has_engine = engine != 0,
		.engine = engine ? (enum bake_engine)(engine - 1) : BAKE_ENGINE_VLLM,
		.context = context	   ? context
			   : max_model_len ? max_model_len
					   : num_ctx,
		.sequences = parallel ? parallel : max_num_seqs,
		.gpu_memory = gpu_memory,
		.dry_run = dry_run,
	};
	struct bake_apply_report report;
	enum bake_status status;

	BAKE_TRY(check_line(err));
	BAKE_TRY(parse_share(&wanted.gpu_share, err));
	status = bake_apply(&wanted, &report, err);
	if (status == BAKE_OK && common->json)
		print_json(&report, err);
	else if (status == BAKE_OK && !common->quiet)
		print_report(&report, args->items[0]);
	bake_apply_report_release(&report);
	return status;
}

const struct indexcli_command indexcli_apply = {&command, run, NULL};
