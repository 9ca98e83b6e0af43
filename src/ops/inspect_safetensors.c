/* SPDX-License-Identifier: Apache-2.0 */
/* The safetensors files of a directory: those that are loaded together, and what they say. */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "format/shards.h"
#include "manifest/nunchaku.h"
#include "ops/inspecting.h"

/* The files that loaders look for first when there is no index. */
static const char *const usual[] = {
	"model.safetensors",
	"diffusion_pytorch_model.safetensors",
	"pytorch_model.safetensors",
	"adapter_model.safetensors",
};

struct gathering {
	struct bake_inspecting *inspecting;
	const char *dir;
	struct bake_arch *arch;
	struct bake_weights *weights;
	bool any;
};

/* Entries of dir that pass is(); the listing is sorted, so they come by name. */
static ptrdiff_t next_entry(const struct gathering *gathering, size_t from,
	bool (*is)(const char *path), const char **out_name)
{
	const struct bake_listing *files = &gathering->inspecting->files;

	for (size_t i = from; i < files->source->count; i++) {
		const char *path = bake_listing_at(files, i)->path;

		if (is(path) && bake_path_in(path, gathering->dir, out_name))
			return (ptrdiff_t)i;
	}
	return BAKE_LISTING_NONE;
}

static bool is_safetensors(const char *path)
{
	return bake_text_ends(path, ".safetensors");
}

/* The file as it was looked at already, else looked at now. */
static enum bake_status look(struct bake_inspecting *inspecting, size_t at,
	struct bake_inspected_file **out, struct bake_error *err)
{
	size_t number = inspecting->looked_at[at];

	if (!number)
		return bake_inspecting_add(inspecting, at, out, err);
	*out = &inspecting->out->files[number - 1];
	return BAKE_OK;
}

/* Methods of few bits keep several weights in each integer; of larger ones this changes nothing. */
static uint64_t packed_bits(const struct bake_arch *arch)
{
	return arch->quantization.method ? arch->quantization.bits : 0;
}

static enum bake_status take(struct gathering *gathering, size_t at, struct bake_error *err)
{
	struct bake_inspecting *inspecting = gathering->inspecting;
	struct bake_inspected_file *file;
	struct bake_model_header *header;

	BAKE_TRY(look(inspecting, at, &file, err));
	header = bake_inspecting_header(inspecting, file);
	gathering->any = true;
	file->use = BAKE_INSPECT_WEIGHTS;
	BAKE_TRY(bake_inspecting_warn(inspecting, file, err));
	gathering->weights->absent_bytes =
		bake_u64_add_capped(gathering->weights->absent_bytes, file->pointer_bytes);
	if (!header->safetensors)
		return BAKE_OK;
	for (size_t i = 0; i < header->safetensors->warning_count; i++)
		BAKE_TRY(bake_arch_warn(gathering->arch, err, "%s: %s", BAKE_SHOW(file->path),
			BAKE_SHOW(header->safetensors->warnings[i])));
	BAKE_TRY(bake_arch_read_safetensors(gathering->arch, header->safetensors, file->path, err));
	bake_weights_add_safetensors(
		gathering->weights, header->safetensors, packed_bits(gathering->arch));
	bake_model_header_release(header); /* a large model has a hundred of them */
	return BAKE_OK;
}

/* "NAME.safetensors.index.json" without a variant ("NAME.fp16") before one with; by length, that
 * is. */
static ptrdiff_t find_index(const struct gathering *gathering)
{
	const struct bake_listing *files = &gathering->inspecting->files;
	ptrdiff_t best = BAKE_LISTING_NONE;
	size_t best_len = SIZE_MAX;
	const char *name;

	for (ptrdiff_t at = next_entry(gathering, 0, bake_shards_is_index, &name);
		at != BAKE_LISTING_NONE;
		at = next_entry(gathering, (size_t)at + 1, bake_shards_is_index, &name)) {
		if (strlen(name) < best_len) {
			best = at;
			best_len = strlen(name);
		}
	}
	(void)files;
	return best;
}

static enum bake_status take_shards(
	struct gathering *gathering, const struct bake_shards *shards, struct bake_error *err)
{
	size_t missing = 0;

	for (size_t i = 0; i < shards->file_count; i++) {
		ptrdiff_t at = bake_listing_find(
			&gathering->inspecting->files, gathering->dir, shards->files[i]);

		if (at == BAKE_LISTING_NONE)
			missing++;
		else
			BAKE_TRY(take(gathering, (size_t)at, err));
	}
	if (!missing)
		return BAKE_OK;
	return bake_arch_warn(gathering->inspecting->out->arch, err,
		"%s%s%zu of %zu shards are not here",
		gathering->dir[0] ? BAKE_SHOW(gathering->dir) : "", gathering->dir[0] ? ": " : "",
		missing, shards->file_count);
}

/* *out_done: the index says which files are the model. One that is broken does not. */
static enum bake_status try_index(
	struct gathering *gathering, bool *out_done, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text =
		BAKE_BUF_INIT(BAKE_INSPECT_CONFIG_MAX + 1);
	_cleanup_(bake_shards_free) struct bake_shards *shards = NULL;
	const struct bake_listing *files = &gathering->inspecting->files;
	struct bake_error why = BAKE_ERROR_INIT;
	ptrdiff_t at = find_index(gathering);
	const char *path;
	enum bake_status status;

	*out_done = false;
	if (at == BAKE_LISTING_NONE)
		return BAKE_OK;
	path = bake_listing_at(files, (size_t)at)->path;
	status = bake_inspecting_text(files, (size_t)at, &text, &why);
	if (status == BAKE_OK)
		status = bake_shards_parse(bake_buf_span(&text), path, &shards, &why);
	if (status == BAKE_ERR_DATA)
		return bake_arch_warn(gathering->inspecting->out->arch, err, "%s: %s",
			BAKE_SHOW(path), BAKE_SHOW(why.message));
	if (status != BAKE_OK) {
		*err = why;
		return status;
	}
	*out_done = true;
	return take_shards(gathering, shards, err);
}

/* "model-00001-of-00004.safetensors": how much of the name its shards share; 0: it is none. */
static size_t shard_stem(const char *name)
{
	size_t len = strlen(name);
	const char *at = len > 27 ? name + len - 27 : NULL; /* "-00001-of-00004.safetensors" */

	if (!at || strncmp(at, "-", 1) != 0 || strncmp(at + 6, "-of-", 4) != 0)
		return 0;
	for (size_t i = 1; i <= 5; i++) {
		if (!isdigit((unsigned char)at[i]) || !isdigit((unsigned char)at[9 + i]))
			return 0;
	}
	return (size_t)(at - name);
}

/* Whether two files of the directory are loaded together without an index that says so. Nunchaku's
 * files are alternatives, everything else is not known to be one. */
static bool together(const char *first, const char *other)
{
	struct bake_nunchaku_name ignored;
	size_t stem = shard_stem(first);

	if (strcmp(first, other) == 0)
		return true;
	if (stem)
		return shard_stem(other) == stem && strncmp(first, other, stem) == 0;
	return !shard_stem(other) && !bake_nunchaku_parse(first, &ignored);
}

/* "model.fp16.safetensors" beside "model.safetensors". */
static bool is_variant_of(const char *name, const char *plain)
{
	size_t stem = strlen(plain) - strlen(".safetensors");

	return strncmp(name, plain, stem) == 0 && name[stem] == '.' && strcmp(name, plain) != 0;
}

/* The file that is the model, or begins it; "" when there is none. */
static const char *first_name(const struct gathering *gathering)
{
	const struct bake_listing *files = &gathering->inspecting->files;
	const char *only = gathering->inspecting->options->only;
	const char *name = "";

	if (only && bake_path_in(only, gathering->dir, &name) &&
		bake_listing_find(files, gathering->dir, name) != BAKE_LISTING_NONE)
		return name;
	for (size_t i = 0; i < countof(usual); i++) {
		if (bake_listing_find(files, gathering->dir, usual[i]) != BAKE_LISTING_NONE)
			return usual[i];
	}
	return next_entry(gathering, 0, is_safetensors, &name) == BAKE_LISTING_NONE ? "" : name;
}

static bool is_usual(const char *name)
{
	for (size_t i = 0; i < countof(usual); i++) {
		if (strcmp(name, usual[i]) == 0)
			return true;
	}
	return false;
}

static enum bake_status take_by_name(struct gathering *gathering, struct bake_error *err)
{
	const struct bake_listing *files = &gathering->inspecting->files;
	const char *first = first_name(gathering);
	bool alone = is_usual(first) || gathering->inspecting->options->only;
	bool others = false;
	const char *name;
	ptrdiff_t at;

	if (!first[0])
		return BAKE_OK;
	at = bake_listing_find(files, gathering->dir, first);
	if (at != BAKE_LISTING_NONE && !is_safetensors(first))
		return take(gathering, (size_t)at, err);
	for (at = next_entry(gathering, 0, is_safetensors, &name); at != BAKE_LISTING_NONE;
		at = next_entry(gathering, (size_t)at + 1, is_safetensors, &name)) {
		bool taken = strcmp(name, first) == 0 ||
			     ((shard_stem(first) || !alone) && together(first, name) &&
				     !is_variant_of(name, first));

		if (taken)
			BAKE_TRY(take(gathering, (size_t)at, err));
		else
			others = true;
	}
	if (!others || alone || shard_stem(first))
		return BAKE_OK;
	return bake_arch_warn(gathering->inspecting->out->arch, err,
		"there are further models beside it: this is '%s'", BAKE_SHOW(first));
}

enum bake_status bake_inspecting_safetensors(struct bake_inspecting *inspecting, const char *dir,
	struct bake_arch *arch, struct bake_weights *weights, bool *out_any, struct bake_error *err)
{
	struct gathering gathering = {inspecting, dir, arch, weights, false};
	bool done = false;

	if (!inspecting->options->only)
		BAKE_TRY(try_index(&gathering, &done, err));
	if (!done)
		BAKE_TRY(take_by_name(&gathering, err));
	*out_any = gathering.any || done;
	return BAKE_OK;
}
