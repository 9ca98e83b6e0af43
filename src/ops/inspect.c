/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/record.h"
#include "arch/config.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/text.h"
#include "format/pickle.h"
#include "ops/inspecting.h"

enum {
	ARENA_BYTES_MAX = 256 * 1024 * 1024
};

static void release(struct bake_inspecting *inspecting)
{
	for (size_t i = 0; inspecting->headers && i < inspecting->room; i++)
		bake_model_header_release(&inspecting->headers[i]);
	free(inspecting->headers);
	free(inspecting->looked_at);
	bake_listing_release(&inspecting->files);
}

void bake_inspection_free(struct bake_inspection **inspection)
{
	if (*inspection) {
		bake_arch_free(&(*inspection)->arch);
		bake_arena_release(&(*inspection)->arena);
	}
	free(*inspection);
	*inspection = NULL;
}

static bool may_have_weights(const char *path)
{
	return bake_text_ends(path, ".gguf") || bake_text_ends(path, ".safetensors");
}

static bool may_be_pickle(const char *path)
{
	return bake_pickle_by_name(path) || bake_text_ends(path, ".bin");
}

/* Room for every file that can be looked at. */
static enum bake_status make_room(struct bake_inspecting *inspecting, struct bake_error *err)
{
	const struct bake_listing *files = &inspecting->files;
	size_t count = 1; /* one that was asked for, whatever its name */

	for (size_t i = 0; i < files->source->count; i++) {
		const char *path = bake_listing_at(files, i)->path;

		count += may_have_weights(path) || may_be_pickle(path) ? 1 : 0;
	}
	inspecting->room = count;
	inspecting->headers = calloc(count, sizeof(*inspecting->headers));
	inspecting->looked_at = calloc(files->source->count + 1, sizeof(*inspecting->looked_at));
	inspecting->out->files =
		bake_arena_array(&inspecting->out->arena, count, sizeof(*inspecting->out->files));
	return inspecting->headers && inspecting->looked_at && inspecting->out->files
		       ? BAKE_OK
		       : bake_error_nomem(err);
}

/* A file that was asked for and whose name does not say what it is. */
static enum bake_status add_unnamed(struct bake_inspecting *inspecting, struct bake_error *err)
{
	const char *only = inspecting->options->only;
	struct bake_inspected_file *file;
	ptrdiff_t at;

	if (!only || may_have_weights(only) || may_be_pickle(only))
		return BAKE_OK;
	at = bake_listing_find(&inspecting->files, "", only);
	return at == BAKE_LISTING_NONE ? BAKE_OK
				       : bake_inspecting_add(inspecting, (size_t)at, &file, err);
}

/* What the bytes are, by both of their ends. */
static enum bake_status sniff_pickle(
	const struct bake_listing *files, size_t at, const char **out_what, struct bake_error *err)
{
	const struct bake_inspect_source *source = files->source;
	const struct bake_inspect_entry *entry = bake_listing_at(files, at);
	size_t head = (size_t)bake_u64_min(BAKE_PICKLE_HEAD_BYTES, entry->bytes);
	size_t tail =
		source->from_front ? 0 : (size_t)bake_u64_min(BAKE_PICKLE_TAIL_BYTES, entry->bytes);
	_cleanup_free_ uint8_t *bytes = malloc(head + tail + 1);
	struct bake_pickle_view view = {.name = entry->path, .size = entry->bytes};

	if (!bytes)
		return bake_error_nomem(err);
	BAKE_TRY(source->read(source->context, files->order[at], 0, bytes, head, err));
	if (tail)
		BAKE_TRY(source->read(source->context, files->order[at], entry->bytes - tail,
			bytes + head, tail, err));
	view.head = bake_span(bytes, head);
	view.tail = bake_span(bytes + head, tail);
	*out_what = bake_pickle_by_content(&view);
	return BAKE_OK;
}

static enum bake_status add_pickle(struct bake_inspection *out,
	const struct bake_inspect_entry *entry, const char *what, struct bake_error *err)
{
	struct bake_inspected_file *file = &out->files[out->file_count];

	*file = (struct bake_inspected_file){
		.path = bake_arena_text(&out->arena, entry->path),
		.bytes = entry->bytes,
		.problem_id = "policy.pickle",
		.problem = bake_arena_text(&out->arena, what),
	};
	if (!file->path || !file->problem)
		return bake_error_nomem(err);
	out->file_count++;
	out->executable_code = true;
	return BAKE_OK;
}

/* Files that run code when they are loaded: by name, else by content. */
static enum bake_status find_pickles(struct bake_inspecting *inspecting, struct bake_error *err)
{
	const struct bake_listing *files = &inspecting->files;
	const char *only = inspecting->options->only;

	for (size_t i = 0; i < files->source->count; i++) {
		const struct bake_inspect_entry *entry = bake_listing_at(files, i);
		const char *what = bake_pickle_by_name(entry->path);

		if (!may_be_pickle(entry->path) || (only && strcmp(only, entry->path) != 0))
			continue;
		if (!what)
			BAKE_TRY(sniff_pickle(files, i, &what, err));
		if (what)
			BAKE_TRY(add_pickle(inspecting->out, entry, what, err));
	}
	return BAKE_OK;
}

/* A pipeline's parts, each in its own directory. */
static enum bake_status take_component(
	struct bake_inspecting *inspecting, size_t at, struct bake_error *err)
{
	struct bake_inspection *out = inspecting->out;
	struct bake_arch_component *component = &out->arch->components[at];
	struct bake_weights *weights = &out->component_weights[at];
	bool has_config;
	bool has_weights;

	BAKE_TRY(bake_arch_new(&component->arch, err));
	BAKE_TRY(bake_inspecting_config(
		&inspecting->files, component->name, component->arch, &has_config, err));
	BAKE_TRY(bake_inspecting_safetensors(
		inspecting, component->name, component->arch, weights, &has_weights, err));
	BAKE_TRY(bake_inspecting_weights(component->arch, weights, err));
	bake_weights_add(&out->weights, weights);
	if (has_config && !has_weights)
		BAKE_TRY(bake_arch_warn(out->arch, err, "component '%s' has no weights here",
			BAKE_SHOW(component->name)));
	if (!has_config && !has_weights) { /* a tokenizer, a scheduler */
		bake_arch_free(&component->arch);
		return BAKE_OK;
	}
	return bake_arch_finish(component->arch, err);
}

static enum bake_status take_pipeline(struct bake_inspecting *inspecting, struct bake_error *err)
{
	struct bake_inspection *out = inspecting->out;

	out->format = "diffusers";
	out->component_weights = bake_arena_array(
		&out->arena, out->arch->component_count, sizeof(*out->component_weights));
	if (!out->component_weights)
		return bake_error_nomem(err);
	for (size_t i = 0; i < out->arch->component_count; i++)
		BAKE_TRY(take_component(inspecting, i, err));
	return BAKE_OK;
}

/* The configuration of another model: of a pipeline that of its transformer, for which there are
 * replacements. Read last, so that it gives what is still missing. */
static enum bake_status take_support(struct bake_inspecting *inspecting, struct bake_error *err)
{
	const struct bake_inspect_options *options = inspecting->options;
	_cleanup_(bake_listing_release) struct bake_listing listing = {NULL};
	char label[BAKE_PATH_MAX];
	const char *dir = "";
	bool any;

	if (!options->support)
		return BAKE_OK;
	(void)snprintf(label, sizeof(label), "@%s/", options->support_id);
	BAKE_TRY(bake_listing_make(options->support, label, &listing, err));
	if (bake_listing_find(&listing, "", "model_index.json") != BAKE_LISTING_NONE)
		dir = bake_listing_find(&listing, "transformer", "config.json") != BAKE_LISTING_NONE
			      ? "transformer"
			      : "unet";
	BAKE_TRY(bake_inspecting_config(&listing, dir, inspecting->out->arch, &any, err));
	if (any)
		return BAKE_OK;
	return bake_arch_warn(inspecting->out->arch, err,
		"the model '%s' has no configuration to support this one",
		BAKE_SHOW(options->support_id));
}

enum bake_status bake_inspecting_weights(
	struct bake_arch *arch, const struct bake_weights *weights, struct bake_error *err)
{
	static const char source[] = "tensors";
	const char *type = bake_weights_main_type(weights);
	char lower[32] = "";

	if (weights->parameters)
		BAKE_TRY(bake_arch_set_f64(arch, BAKE_ARCH_PARAMS_BILLION,
			(double)weights->parameters / 1e9, source, err));
	if (weights->layers && !arch->components)
		BAKE_TRY(bake_arch_set_u64(
			arch, BAKE_ARCH_NUM_LAYERS, weights->layers, source, err));
	for (size_t i = 0; type && type[i] && i + 1 < sizeof(lower); i++)
		lower[i] = (char)(type[i] >= 'A' && type[i] <= 'Z' ? type[i] + 32 : type[i]);
	if (!lower[0])
		return BAKE_OK;
	return bake_arch_set_text(arch, BAKE_ARCH_WEIGHT_PRECISION,
		bake_span_text(bake_arch_precision(lower)), source, err);
}

/* The description with a method counts; of a pipeline that of its heaviest part with one. */
static void name_quantization(struct bake_inspection *inspection)
{
	const struct bake_arch *arch = inspection->arch;
	const char *label = arch->quantization.label;
	uint64_t most = 0;

	for (size_t i = 0; !arch->quantization.label && i < arch->component_count; i++) {
		const struct bake_arch *part = arch->components[i].arch;

		if (!part || !part->quantization.label ||
			inspection->component_weights[i].bytes < most)
			continue;
		label = part->quantization.label;
		most = inspection->component_weights[i].bytes;
	}
	inspection->by_type = !label || bake_text_equal(arch->quantization.source, "tensors");
	inspection->quantization = label ? label : bake_weights_main_type(&inspection->weights);
}

static enum bake_status take_plain(struct bake_inspecting *inspecting, struct bake_error *err)
{
	struct bake_inspection *out = inspecting->out;
	bool has_gguf;
	bool has_config;
	bool has_weights = false;

	BAKE_TRY(bake_inspecting_gguf(inspecting, &has_gguf, err));
	BAKE_TRY(bake_inspecting_config(&inspecting->files, "", out->arch, &has_config, err));
	if (!has_gguf)
		BAKE_TRY(bake_inspecting_safetensors(
			inspecting, "", out->arch, &out->weights, &has_weights, err));
	if (has_gguf)
		out->format = "gguf";
	else if (has_config)
		out->format = "transformers";
	else
		out->format = has_weights ? "safetensors" : NULL;
	return BAKE_OK;
}

static int compare_file(const void *a, const void *b)
{
	return strcmp(((const struct bake_inspected_file *)a)->path,
		((const struct bake_inspected_file *)b)->path);
}

static enum bake_status inspect(struct bake_inspecting *inspecting, struct bake_error *err)
{
	struct bake_inspection *out = inspecting->out;
	bool pipeline = false;

	BAKE_TRY(make_room(inspecting, err));
	BAKE_TRY(add_unnamed(inspecting, err));
	if (!inspecting->options->only)
		BAKE_TRY(
			bake_inspecting_model_index(&inspecting->files, out->arch, &pipeline, err));
	if (pipeline && out->arch->component_count)
		BAKE_TRY(take_pipeline(inspecting, err));
	else
		BAKE_TRY(take_plain(inspecting, err));
	BAKE_TRY(find_pickles(inspecting, err));
	BAKE_TRY(take_support(inspecting, err));
	BAKE_TRY(bake_inspecting_weights(out->arch, &out->weights, err));
	if (out->pointer_bytes)
		BAKE_TRY(bake_arch_warn(out->arch, err,
			"%" PRIu64 " bytes of weights are elsewhere: here are Git LFS pointers",
			out->pointer_bytes));
	name_quantization(out);
	return bake_arch_finish(out->arch, err);
}

enum bake_status bake_inspect(const struct bake_inspect_source *source,
	const struct bake_inspect_options *options, struct bake_inspection **out,
	struct bake_error *err)
{
	_cleanup_(bake_inspection_free) struct bake_inspection *inspection =
		calloc(1, sizeof(*inspection));
	_cleanup_(release) struct bake_inspecting inspecting = {
		.options = options, .out = inspection};

	if (!inspection)
		return bake_error_nomem(err);
	inspection->arena.max = ARENA_BYTES_MAX;
	BAKE_TRY(bake_arch_new(&inspection->arch, err));
	BAKE_TRY(bake_listing_make(source, "", &inspecting.files, err));
	BAKE_TRY(inspect(&inspecting, err));
	if (inspection->file_count)
		qsort(inspection->files, inspection->file_count, sizeof(*inspection->files),
			compare_file);
	*out = inspection;
	inspection = NULL;
	return BAKE_OK;
}
