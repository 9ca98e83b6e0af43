/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/apply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "index/index.h"
#include "json/edit.h"
#include "ops/arguments.h"
#include "ops/document.h"
#include "ops/inspect.h"
#include "ops/registry.h"
#include "ops/runtime.h"

enum {
	ARENA_BYTES_MAX = 16 * 1024 * 1024,
	ARGUMENTS = 3, /* that are set at most */
	NUMBER_TEXT = 24,
	ROUND_TOKENS = 256,  /* a found context is a multiple of this */
	TOKENS_MAX = 1 << 20 /* of a model that does not say what it was made for */
};

static const char *const max_model_len[] = {"--max-model-len", NULL};
static const char *const max_num_seqs[] = {"--max-num-seqs", NULL};
static const char *const gpu_share[] = {"--gpu-memory-utilization", NULL};
static const char *const num_ctx[] = {"--num-ctx", NULL};
static const char *const ctx_size[] = {"-c", "--ctx-size", NULL};
static const char *const parallel[] = {"-np", "--parallel", NULL};

struct applying {
	const struct bake_apply_options *options;
	struct bake_apply_report *report;
	struct bake_registry registry;
	struct bake_runtime runtime;
	struct bake_index *index;
	char *place; /* where the model is; NULL: not known */
	char numbers[ARGUMENTS][NUMBER_TEXT];
	struct bake_argument wanted[ARGUMENTS];
	size_t wanted_count;
};

static void release(struct applying *applying)
{
	bake_registry_release(&applying->registry);
	bake_runtime_release(&applying->runtime);
	bake_index_free(&applying->index);
	free(applying->place);
}

static void want(struct applying *applying, const char *const *flags, uint64_t value)
{
	char *text = applying->numbers[applying->wanted_count];

	(void)snprintf(text, NUMBER_TEXT, "%" PRIu64, value);
	applying->wanted[applying->wanted_count++] = (struct bake_argument){flags, text};
}

static void want_share(struct applying *applying, uint32_t thousandths)
{
	char *text = applying->numbers[applying->wanted_count];
	size_t len;

	(void)snprintf(text, NUMBER_TEXT, "%u.%03u", thousandths / 1000, thousandths % 1000);
	for (len = strlen(text); text[len - 1] == '0' && text[len - 2] != '.'; len--)
		text[len - 1] = '\0';
	applying->wanted[applying->wanted_count++] = (struct bake_argument){gpu_share, text};
}

static void want_llama(struct applying *applying)
{
	const struct bake_apply_report *report = applying->report;
	uint64_t sequences = report->sequences ? report->sequences : 1;

	if (report->context)
		want(applying, ctx_size, bake_u64_scale(report->context, sequences, 1));
	if (report->sequences)
		want(applying, parallel, report->sequences);
}

static enum bake_status want_all(struct applying *applying, struct bake_error *err)
{
	const struct bake_apply_report *report = applying->report;

	switch (report->engine) {
	case BAKE_ENGINE_VLLM:
		if (report->context)
			want(applying, max_model_len, report->context);
		if (report->sequences)
			want(applying, max_num_seqs, report->sequences);
		if (applying->options->gpu_share)
			want_share(applying, applying->options->gpu_share);
		break;
	case BAKE_ENGINE_OLLAMA:
		if (report->context)
			want(applying, num_ctx, report->context);
		break;
	case BAKE_ENGINE_LLAMA_CPP:
		want_llama(applying);
		break;
	case BAKE_ENGINE_DIFFUSERS:
	case BAKE_ENGINES:
	default:
		break;
	}
	if (applying->wanted_count)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
		"nothing of what was given is an argument of %s", bake_engine_name(report->engine));
}

static enum bake_status no_fit(const struct applying *applying, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_NOSPACE, "estimate.no-fit",
		"'%s' fits %s with no context at all, as far as is known",
		BAKE_SHOW(applying->options->model), BAKE_BYTES(applying->options->gpu_memory));
	return bake_error_hint(err, "bake-index estimate says what it needs");
}

/* The largest context that fits the GPU for certain. */
static enum bake_status solve(struct applying *applying, struct bake_error *err)
{
	const struct bake_apply_options *options = applying->options;
	const struct bake_inspect_options tolerant = {.mode = BAKE_GGUF_TOLERANT};
	_cleanup_(bake_inspection_free) struct bake_inspection *inspection = NULL;
	uint64_t sequences = options->sequences ? options->sequences : 1;
	/* llama.cpp's context is that of all sequences. */
	uint64_t share = applying->report->engine == BAKE_ENGINE_LLAMA_CPP ? sequences : 1;
	struct bake_memory_wish wish = {
		.engine = applying->report->engine,
		.sequences = sequences,
		.gpu_memory = options->gpu_memory,
		.gpu_share = options->gpu_share,
	};
	struct bake_memory_model model;
	uint64_t tokens;

	if (!applying->place)
		return bake_error_set(err, BAKE_ERR_NOINPUT, "registry.place",
			"the entry '%s' does not say where its files are",
			BAKE_SHOW(options->model));
	BAKE_TRY(bake_inspect_path(applying->place, &tolerant, &inspection, err));
	model = (struct bake_memory_model){
		.arch = inspection->arch,
		.weights = &inspection->weights,
		.projector = inspection->projector.tensors ? &inspection->projector : NULL,
		.component_weights = inspection->component_weights,
		.format = inspection->format,
	};
	tokens = bake_arch_u64(inspection->arch, BAKE_ARCH_CONTEXT_LENGTH, TOKENS_MAX);
	tokens = bake_memory_solve_context(&model, &wish, bake_u64_scale(tokens, share, 1)).sure /
		 share;
	if (tokens > ROUND_TOKENS)
		tokens -= tokens % ROUND_TOKENS;
	if (!tokens)
		return no_fit(applying, err);
	applying->report->context = tokens;
	applying->report->solved = true;
	return BAKE_OK;
}

static const char *unknown_id(const void *context, size_t at)
{
	return ((const struct bake_index *)context)->models[at].id;
}

/* The list of the index's model, beside the index. */
static enum bake_status open_override(
	struct applying *applying, struct bake_json levels[4], struct bake_error *err)
{
	const struct bake_apply_options *options = applying->options;
	const struct bake_index_model *model;
	_cleanup_free_ char *path = NULL;
	const char *near;

	if (asprintf(&path, "%s/%s", options->models_dir, BAKE_INDEX_NAME) < 0)
		return bake_error_nomem(err);
	BAKE_TRY(bake_load_index(path, &applying->index, err));
	model = bake_index_find(applying->index, options->model);
	if (!model) {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-model",
			"the index has no model '%s'", BAKE_SHOW(options->model));
		near = bake_text_nearest(
			options->model, applying->index->model_count, unknown_id, applying->index);
		return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
	}
	if (asprintf(&applying->place, "%s/%s", options->models_dir, model->path) < 0) {
		applying->place = NULL;
		return bake_error_nomem(err);
	}
	applying->report->engine = options->engine;
	BAKE_TRY(bake_runtime_open(&applying->runtime, options->models_dir, err));
	BAKE_TRY(bake_json_make_object(&applying->runtime.models, options->model, &levels[0], err));
	BAKE_TRY(bake_json_make_object(&levels[0], "overrides", &levels[1], err));
	BAKE_TRY(bake_json_make_object(
		&levels[1], bake_engine_name(options->engine), &levels[2], err));
	return bake_json_make_array(&levels[2], "extra_args", &levels[3], err);
}

/* The engine that a registry's "backend" is. */
static bool engine_of(const char *backend, enum bake_engine *out)
{
	static const struct {
		const char *name;
		enum bake_engine engine;
	} backends[] = {
		{"vllm", BAKE_ENGINE_VLLM},
		{"ollama", BAKE_ENGINE_OLLAMA},
		{"llama.cpp", BAKE_ENGINE_LLAMA_CPP},
		{"llamacpp", BAKE_ENGINE_LLAMA_CPP},
		{"llama_cpp", BAKE_ENGINE_LLAMA_CPP},
	};

	for (size_t i = 0; backend && i < countof(backends); i++) {
		if (strcmp(backends[i].name, backend) == 0) {
			*out = backends[i].engine;
			return true;
		}
	}
	return false;
}

static enum bake_status choose_engine(
	struct applying *applying, const struct bake_json *entry, struct bake_error *err)
{
	const struct bake_apply_options *options = applying->options;
	const char *backend = bake_registry_text(entry, "backend");
	bool known = engine_of(backend, &applying->report->engine);

	if (known && options->has_engine && options->engine != applying->report->engine)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.conflict",
			"the entry '%s' is run by %s, not by %s", BAKE_SHOW(options->model),
			bake_engine_name(applying->report->engine),
			bake_engine_name(options->engine));
	if (known)
		return BAKE_OK;
	applying->report->engine = options->engine;
	if (options->has_engine)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
		"the entry '%s' does not say which engine runs it: --engine NAME",
		BAKE_SHOW(options->model));
}

static enum bake_status open_entry(
	struct applying *applying, struct bake_json levels[4], struct bake_error *err)
{
	const struct bake_apply_options *options = applying->options;

	BAKE_TRY(bake_registry_open(&applying->registry, options->registry_path, err));
	if (applying->registry.is_index)
		return bake_error_set(err, BAKE_ERR_DATA, "registry.format",
			"'%s' is an index, no registry", BAKE_SHOW(applying->registry.path));
	if (!bake_registry_find(&applying->registry, options->model, &levels[0]))
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-model",
			"the registry has no entry '%s'", BAKE_SHOW(options->model));
	BAKE_TRY(choose_engine(applying, &levels[0], err));
	BAKE_TRY(bake_registry_place(&applying->registry, &levels[0], &applying->place, err));
	BAKE_TRY(bake_json_make_object(&levels[0], "backend_config", &levels[1], err));
	return bake_json_make_array(&levels[1], "extra_args", &levels[3], err);
}

static enum bake_status add_line(struct bake_arena *arena, const struct bake_json *element,
	const char **lines, size_t *count, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 20);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	const char *word = NULL;
	const char *line;

	if (bake_json_is_string(element))
		BAKE_TRY(bake_json_string(element, &word, err));
	else
		bake_json_write_value(&writer, element);
	if (!word)
		word = text.ptr ? text.ptr : "";
	/* A value stands behind its flag. */
	if (*count && word[0] != '-' && lines[*count - 1][0] == '-' &&
		!strchr(lines[*count - 1], ' ')) {
		_cleanup_free_ char *both = NULL;

		if (asprintf(&both, "%s %s", lines[*count - 1], word) < 0)
			return bake_error_nomem(err);
		line = bake_arena_text(arena, both);
		lines[*count - 1] = line;
	} else {
		line = bake_arena_text(arena, word);
		lines[(*count)++] = line;
	}
	return line ? BAKE_OK : bake_error_nomem(err);
}

static enum bake_status take_lines(struct bake_arena *arena, const struct bake_json *list,
	const char ***out, size_t *out_count, struct bake_error *err)
{
	size_t count = bake_json_count(list);

	*out = bake_arena_array(arena, count, sizeof(**out));
	if (!*out)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		struct bake_json element = bake_json_element(list, i);

		BAKE_TRY(add_line(arena, &element, *out, out_count, err));
	}
	return BAKE_OK;
}

enum bake_status bake_apply(const struct bake_apply_options *options, struct bake_apply_report *out,
	struct bake_error *err)
{
	_cleanup_(release) struct applying applying = {.options = options, .report = out};
	struct bake_json levels[4]; /* cursors hang on each other */

	*out = (struct bake_apply_report){.arena = {.max = ARENA_BYTES_MAX},
		.context = options->context,
		.sequences = options->sequences};
	BAKE_TRY(options->registry_path ? open_entry(&applying, levels, err)
					: open_override(&applying, levels, err));
	if (options->gpu_memory)
		BAKE_TRY(solve(&applying, err));
	BAKE_TRY(want_all(&applying, err));
	out->path = bake_arena_text(&out->arena,
		options->registry_path ? applying.registry.path : applying.runtime.path);
	if (!out->path)
		return bake_error_nomem(err);
	BAKE_TRY(take_lines(&out->arena, &levels[3], &out->before, &out->before_count, err));
	BAKE_TRY(bake_arguments_set(&levels[3], applying.wanted, applying.wanted_count, err));
	BAKE_TRY(take_lines(&out->arena, &levels[3], &out->after, &out->after_count, err));
	return options->registry_path ? bake_registry_write(&applying.registry, options->dry_run,
						&out->changed, err)
				      : bake_runtime_write(&applying.runtime, options->dry_run,
						&out->changed, err);
}

void bake_apply_report_release(struct bake_apply_report *report)
{
	bake_arena_release(&report->arena);
}
