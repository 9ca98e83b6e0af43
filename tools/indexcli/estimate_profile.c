/* SPDX-License-Identifier: Apache-2.0 */
/* bake-index estimate --profile: the calculator, with a model's facts or with what options say. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "cli/report.h"
#include "indexcli/estimate.h"

#define GIB	      ((double)((uint64_t)1 << 30))
#define CONTEXT_USUAL 8192 /* tokens, as is fp8: the calculator's own defaults */

bool indexcli_decimal(const char *text, double *out)
{
	const char *point = strchr(text, '.');
	size_t whole_len = point ? (size_t)(point - text) : strlen(text);
	size_t part_len = point ? strlen(point + 1) : 0;
	uint64_t whole;
	uint64_t part = 0;
	double scale = 1;

	if (!bake_number_parse(text, whole_len, &whole) || part_len > 15)
		return false;
	if (point && !bake_number_parse(point + 1, part_len, &part))
		return false;
	for (size_t i = 0; i < part_len; i++)
		scale *= 10;
	*out = (double)whole + (double)part / scale;
	return true;
}

/* What goes in, in the calculator's words, and where each comes from. */
struct inputs {
	struct bake_calculator_input numbers;
	const char *weight_precision; /* NULL: the bytes of the files count */
	const char *kv_precision;
	const char *weights_from;
	const char *kv_from;
	const char *context_from;
};

static enum bake_status missing(const char *what, const char *option, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_DATA, "estimate.unknown", "%s is not known", what);
	return bake_error_hint(err, "%s says it", option);
}

static enum bake_status take_number(
	const char *option, const char *text, double *out, struct bake_error *err)
{
	if (!text || indexcli_decimal(text, out))
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "%s: '%s' is no number", option,
		BAKE_SHOW(text));
}

/* The files' bytes, unless options say otherwise: no precision has as many bits as its name says. */
static enum bake_status take_weights(
	const struct indexcli_calculation *asked, struct inputs *in, struct bake_error *err)
{
	struct bake_calculator_input *numbers = &in->numbers;
	const struct bake_arch_fact *billions =
		bake_arch_get(asked->arch, BAKE_ARCH_PARAMS_BILLION);

	if (asked->weights->tensors && !asked->params_billion && !asked->weight_precision) {
		numbers->weights_gib = (double)asked->weights->bytes / GIB;
		in->weights_from = "the bytes of the tensors";
		return BAKE_OK;
	}
	in->weights_from = "parameters x bytes";
	in->weight_precision = asked->weight_precision ? asked->weight_precision : "fp8";
	numbers->parameter_bytes = bake_calculator_parameter_bytes(in->weight_precision, NULL);
	if (asked->params_billion)
		return take_number(
			"--params-billion", asked->params_billion, &numbers->params_billion, err);
	if (asked->weights->parameters)
		numbers->params_billion = (double)asked->weights->parameters / 1e9;
	else if (billions)
		numbers->params_billion = billions->f64;
	else
		return missing("the number of parameters", "--params-billion", err);
	return BAKE_OK;
}

static void take_cache_type(const struct indexcli_calculation *asked, struct inputs *in)
{
	in->kv_precision = asked->kv_dtype;
	in->kv_from = "option";
	if (!in->kv_precision && asked->model) {
		in->kv_precision = bake_memory_kv_type(asked->arch)->name;
		in->kv_from = "what the model computes with";
	} else if (!in->kv_precision) {
		in->kv_precision = "fp8";
		in->kv_from = "the calculator's default";
	}
	in->numbers.kv_bytes = bake_calculator_kv_bytes(in->kv_precision, NULL);
}

static enum bake_status take_profile(const struct indexcli_calculation *asked,
	struct bake_calculator_profile *out, struct bake_error *err)
{
	const struct bake_calculator_profile *profile = bake_calculator_profile(asked->profile);

	if (!profile) {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "--profile: there is no '%s'",
			BAKE_SHOW(asked->profile));
		return bake_error_hint(err, "default, ada_16gb, hopper_80gb or studio_dual");
	}
	*out = *profile;
	BAKE_TRY(take_number("--overhead-gib", asked->overhead_gib, &out->overhead_gib, err));
	BAKE_TRY(take_number("--vision-gib", asked->vision_gib, &out->vision_gib, err));
	return take_number("--frag-factor", asked->frag_factor, &out->frag_factor, err);
}

static enum bake_status take_inputs(
	const struct indexcli_calculation *asked, struct inputs *in, struct bake_error *err)
{
	const struct {
		enum bake_arch_field field;
		const char *option;
		double *out;
	} facts[] = {
		{BAKE_ARCH_NUM_LAYERS, "--layers", &in->numbers.layers},
		{BAKE_ARCH_NUM_KV_HEADS, "--kv-heads", &in->numbers.kv_heads},
		{BAKE_ARCH_HEAD_DIM, "--head-dim", &in->numbers.head_dim},
	};

	BAKE_TRY(take_profile(asked, &in->numbers.profile, err));
	for (size_t i = 0; i < countof(facts); i++) {
		uint64_t value = bake_arch_u64(asked->arch, facts[i].field, 0);

		if (!value)
			return missing(bake_arch_field_name(facts[i].field), facts[i].option, err);
		*facts[i].out = (double)value;
	}
	BAKE_TRY(take_weights(asked, in, err));
	take_cache_type(asked, in);
	in->context_from = asked->context ? "option" : "the calculator's default";
	in->numbers.context_k = (double)(asked->context ? asked->context : CONTEXT_USUAL) / 1024;
	in->numbers.batch = (double)(asked->sequences ? asked->sequences : 1);
	return BAKE_OK;
}

static void put_number(struct bake_json_writer *writer, const char *key, double value)
{
	bake_json_key(writer, key);
	bake_json_write_f64(writer, value);
}

static void put_inputs(const struct indexcli_calculation *asked, const struct inputs *in,
	struct bake_json_writer *writer)
{
	bake_json_put_text(writer, "profile", asked->profile);
	bake_json_put_text(writer, "model", asked->model);
	bake_json_key(writer, "inputs");
	bake_json_object(writer);
	if (in->weight_precision) {
		put_number(writer, "params_billion", in->numbers.params_billion);
		bake_json_put_text(writer, "quant", in->weight_precision);
	}
	bake_json_put_text(writer, "weights_from", in->weights_from);
	put_number(writer, "layers", in->numbers.layers);
	put_number(writer, "kv_heads", in->numbers.kv_heads);
	put_number(writer, "head_dim", in->numbers.head_dim);
	bake_json_put_text(writer, "kv_dtype", in->kv_precision);
	bake_json_put_text(writer, "kv_dtype_from", in->kv_from);
	if (!asked->solve) {
		put_number(writer, "context_k", in->numbers.context_k);
		bake_json_put_text(writer, "context_from", in->context_from);
	}
	put_number(writer, "batch", in->numbers.batch);
	bake_json_end_object(writer);
	bake_json_key(writer, "facts");
	indexcli_estimate_write_facts(asked->arch, writer);
}

/* A figure under the calculator's own key, and the name that its table gives it. */
struct figure {
	const char *key;
	const char *name;
	double value;
};

static void print_figures(const struct indexcli_calculation *asked, const struct inputs *in,
	const struct figure *figures, size_t count, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 20);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	if (asked->json) {
		bake_json_object(&writer);
		cli_put_outcome(&writer, err);
		for (size_t i = 0; i < count; i++)
			put_number(&writer, figures[i].key, figures[i].value);
		put_inputs(asked, in, &writer);
		bake_json_end_object(&writer);
		bake_json_finish(&writer);
		cli_print_json(&text);
		return;
	}
	for (size_t i = 0; i < count; i++)
		(void)printf("%-22s %.2f\n", figures[i].name, figures[i].value);
	(void)printf("- weights: %s; cache: %s, %s; %.0f sequence%s; profile %s\n",
		in->weights_from, BAKE_SHOW(in->kv_precision), in->kv_from, in->numbers.batch,
		in->numbers.batch > 1 ? "s" : "", asked->profile);
}

static enum bake_status no_fit(double needed, double has, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_NOSPACE, "estimate.no-fit",
		"it does not fit: %.2f GiB are needed, the GPU has %.2f GiB", needed, has);
}

static enum bake_status solve_context(const struct indexcli_calculation *asked,
	const struct inputs *in, double gib, struct bake_error *err)
{
	struct bake_calculator_context found = bake_calculator_solve(&in->numbers, gib);
	const struct figure figures[] = {
		{"context_k", "Context (k tokens)", found.context_k},
		{"context_tokens", "Context (tokens)", found.context_tokens},
		{"kv_gib", "KV Cache (GiB)", found.kv_gib},
		{"total_gib", "Total (GiB)", found.total_gib},
	};

	if (found.total_gib > gib)
		(void)no_fit(found.total_gib, gib, err);
	print_figures(asked, in, figures, countof(figures), err);
	return err->status;
}

enum bake_status indexcli_calculate(
	const struct indexcli_calculation *asked, struct bake_error *err)
{
	struct inputs in = {.weights_from = NULL};
	double gib = (double)asked->gpu_memory / GIB;
	struct bake_calculator_estimate estimate;

	BAKE_TRY(take_inputs(asked, &in, err));
	if (asked->solve)
		return solve_context(asked, &in, gib, err);
	estimate = bake_calculator_estimate(&in.numbers);
	if (asked->gpu_memory && estimate.total_gib > gib)
		(void)no_fit(estimate.total_gib, gib, err);
	print_figures(asked, &in,
		(const struct figure[]){
			{"weights_gib", "Weights (GiB)", estimate.weights_gib},
			{"kv_gib", "KV Cache (GiB)", estimate.kv_gib},
			{"overhead_gib", "Overhead (GiB)", estimate.overhead_gib},
			{"vision_gib", "Vision Tower (GiB)", estimate.vision_gib},
			{"frag_factor", "Fragmentation Factor", estimate.frag_factor},
			{"total_gib", "Total (GiB)", estimate.total_gib},
		},
		6, err);
	return err->status;
}
