/* SPDX-License-Identifier: Apache-2.0 */
/* bake-convert: safetensors to GGUF, back, and GGUF of another type. */
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/main.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "convert/batch.h"
#include "convert/convert.h"
#include "convert/info.h"
#include "convertcli/print.h"

#define TOOL "bake-convert"

static const char *const formats[] = {"gguf", "safetensors", NULL};
static const char *const optimizes[] = {"size", "speed", NULL};

#define UNSET UINT32_MAX

static const char *output;
static unsigned format = UNSET;
static const char *type_name;
static const char *sha256;
static bool batch;
static bool info;
static unsigned optimize = UNSET;
static const char *architecture;
static struct cli_list keep;
static struct cli_list drop;
static struct cli_list meta;
static bool strict;
static bool allow_requantize;
static bool allow_nonfinite;
static bool container_only;
static bool force;
static bool dry_run;
static uint64_t jobs;
static unsigned progress_mode = CLI_PROGRESS_AUTO;

static const struct cli_option options[] = {
	{'o', "output", "OUT", "write there: a file, or a directory that exists (beside the input)",
		CLI_TEXT, &output, 0, 0, NULL},
	{'f', "format", "FORMAT", "write gguf or safetensors (what the input is not)", CLI_WORD,
		&format, 0, 0, formats},
	{'q', "type", "TYPE",
		"convert weights to F32, F16, BF16, Q8_0, Q5_1, Q5_0, Q4_1 or Q4_0 (Q8_0; F16 for "
		"safetensors)",
		CLI_TEXT, &type_name, 0, 0, NULL},
	{0, "optimize", "WHAT", "choose the type: for size Q4_0, for speed Q8_0", CLI_WORD,
		&optimize, 0, 0, optimizes},
	{0, "batch", NULL, "convert all models beneath the directory that are not of the format",
		CLI_FLAG, &batch, 0, 0, NULL},
	{0, "info", NULL, "print what the model is, convert nothing", CLI_FLAG, &info, 0, 0, NULL},
	{0, "arch", "NAME", "take it for a model of this architecture", CLI_TEXT, &architecture, 0,
		0, NULL},
	{0, "keep", "PATTERN", "do not quantise tensors of such names; may be repeated", CLI_LIST,
		&keep, 0, 0, NULL},
	{0, "drop", "PATTERN", "leave out tensors of such names; may be repeated", CLI_LIST, &drop,
		0, 0, NULL},
	{0, "meta", "KEY=VALUE", "add a text to the metadata; may be repeated", CLI_LIST, &meta, 0,
		0, NULL},
	{0, "strict", NULL, "fail when rows of a weight are no whole blocks of the type", CLI_FLAG,
		&strict, 0, 0, NULL},
	{0, "allow-requantize", NULL, "quantise what is quantised already", CLI_FLAG,
		&allow_requantize, 0, 0, NULL},
	{0, "allow-nonfinite", NULL, "accept NaN, infinity and what is too large for the type",
		CLI_FLAG, &allow_nonfinite, 0, 0, NULL},
	{0, "container-only", NULL, "keep all names, know no architecture", CLI_FLAG,
		&container_only, 0, 0, NULL},
	{0, "sha256", "DIGEST",
		"do nothing when OUT has this SHA-256 already; publish nothing that has another",
		CLI_TEXT, &sha256, 0, 0, NULL},
	{0, "force", NULL, "replace a file that is there", CLI_FLAG, &force, 0, 0, NULL},
	{0, "dry-run", NULL, "print what would become of each tensor, write nothing", CLI_FLAG,
		&dry_run, 0, 0, NULL},
	{'j', "jobs", "N", "use N threads (one per processor)", CLI_NUMBER, &jobs, 1, 64, NULL},
	{0, "progress", "MODE", "show progress as auto, bar, plain or none", CLI_WORD,
		&progress_mode, 0, 0, cli_progress_words},
};

static const char *const notes[] = {
	"INPUT is a file, the index of a sharded model (*.safetensors.index.json), a part of a "
	"split GGUF file, or a directory with one of these.",
	"The source is never changed, and nothing has the output's name before it is whole.",
	NULL,
};

static const struct cli_command command = {
	.name = TOOL,
	.summary = "convert models between safetensors and GGUF",
	.usage = "INPUT",
	.options = options,
	.option_count = countof(options),
	.args_min = 1,
	.args_max = 1,
	.notes = notes,
};

static enum bake_status make_request(
	const char *input, struct bake_convert_request *out, struct bake_error *err)
{
	*out = (struct bake_convert_request){
		.input = input,
		.output = output,
		.options =
			{
				.format = format == UNSET ? BAKE_WEIGHTS_NONE
					  : format == 0	  ? BAKE_WEIGHTS_GGUF
							  : BAKE_WEIGHTS_SAFETENSORS,
				.architecture = architecture,
				.keep = keep.items,
				.keep_count = keep.count,
				.drop = drop.items,
				.drop_count = drop.count,
				.meta = meta.items,
				.meta_count = meta.count,
				.strict = strict,
				.allow_requantize = allow_requantize,
				.allow_nonfinite = allow_nonfinite,
				.container_only = container_only,
			},
		.optimize = optimize == UNSET ? BAKE_OPTIMIZE_NONE
			    : optimize == 0   ? BAKE_OPTIMIZE_SIZE
					      : BAKE_OPTIMIZE_SPEED,
		.force = force,
		.dry_run = dry_run,
		.jobs = (unsigned)jobs,
	};
	if (sha256 && bake_digest_parse_sha256(sha256, &out->pinned, err) != BAKE_OK)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"--sha256: '%s' is not a SHA-256", BAKE_SHOW(sha256));
	if (!type_name)
		return BAKE_OK;
	out->options.target = bake_convert_target_named(type_name);
	return out->options.target
		       ? BAKE_OK
		       : bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
				 "--type: '%s' is not F32, F16, BF16, Q8_0, Q5_1, Q5_0, Q4_1 or "
				 "Q4_0",
				 BAKE_SHOW(type_name));
}

static enum bake_status check_line(struct bake_error *err)
{
	if (type_name && optimize != UNSET)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--type and --optimize exclude each other");
	if (info && (batch || dry_run))
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--info and --%s exclude each other", batch ? "batch" : "dry-run");
	if (sha256 && (info || batch))
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"--sha256 and --%s exclude each other", batch ? "batch" : "info");
	if (sha256 && !output)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
			"--sha256 needs --output: the file that is to have it");
	if (batch && format == UNSET)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
			"--batch needs --format: which models are to be converted");
	return BAKE_OK;
}

static enum bake_status run_info(
	const struct cli_common *common, const char *path, struct bake_error *err)
{
	static struct bake_convert_info described;
	struct bake_convert_model *model = NULL;

	BAKE_TRY(bake_convert_model_open(path, &model, err));
	bake_convert_describe(model, &described);
	if (common->json)
		convertcli_print_info_json(model, &described);
	else
		convertcli_print_info(model, &described, common->verbose > 0);
	bake_convert_model_close(&model);
	return BAKE_OK;
}

static enum bake_status run_batch(const struct cli_common *common,
	const struct bake_convert_request *request, struct cli_progress *progress,
	struct bake_error *err)
{
	struct bake_batch done = {.models = NULL};
	enum bake_status status = bake_batch_run(request, &done, err);

	cli_progress_clear(progress);
	if (common->json)
		convertcli_print_batch_json(&done, err);
	else if (!common->quiet && done.count)
		convertcli_print_batch(&done);
	bake_batch_release(&done);
	return status;
}

static enum bake_status run_one(const struct cli_common *common,
	const struct bake_convert_request *request, struct cli_progress *progress,
	struct bake_error *err)
{
	struct bake_convert_report report = {.model = NULL};
	enum bake_status status = bake_convert_run(request, &report, err);

	cli_progress_clear(progress);
	if (common->json)
		convertcli_print_report_json(&report, dry_run, err);
	else if (status == BAKE_OK && !common->quiet)
		convertcli_print_report(&report, dry_run || common->verbose > 0);
	bake_convert_report_release(&report);
	return status;
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	static struct cli_progress progress;
	struct bake_events events = {.emit = cli_progress_emit, .context = &progress};
	struct bake_convert_request request;

	BAKE_TRY(check_line(err));
	if (info)
		return run_info(common, args->items[0], err);
	BAKE_TRY(make_request(args->items[0], &request, err));
	cli_progress_init(
		&progress, TOOL, (enum cli_progress_mode)progress_mode, common->quiet, true);
	request.events = &events;
	return batch ? run_batch(common, &request, &progress, err)
		     : run_one(common, &request, &progress, err);
}

int main(int argc, char **argv)
{
	int code = cli_main(&command, argc, argv, run);

	cli_list_release(&keep);
	cli_list_release(&drop);
	cli_list_release(&meta);
	return code;
}
