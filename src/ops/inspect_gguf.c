/* SPDX-License-Identifier: Apache-2.0 */
/* The GGUF files of a model: which are loaded, which goes along with them, and what they say. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "ops/inspecting.h"

enum {
	/* Letters and digits that the names of a model and its projector have in common at the
	 * beginning: "mmproj-Qwen2.5-VL-3B-Instruct-f16", "Qwen2.5-VL-3B-Instruct-Q5_K_M". */
	SAME_NAME_MIN = 5
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool text_is(const struct bake_gguf *gguf, const char *key, const char *text)
{
	struct bake_span value;

	return bake_gguf_text(gguf, key, &value) && value.len == strlen(text) &&
	       memcmp(value.ptr, text, value.len) == 0;
}

/* By what it says of itself; a file that cannot be read only has its name. */
static enum bake_inspect_use use_of(
	const struct bake_inspected_file *file, const struct bake_gguf *gguf)
{
	if (gguf && text_is(gguf, "general.type", "adapter"))
		return BAKE_INSPECT_ADAPTER;
	if (gguf && (text_is(gguf, "general.architecture", "clip") ||
			    text_is(gguf, "general.type", "mmproj")))
		return BAKE_INSPECT_PROJECTOR;
	if (!gguf && strcasestr(base_name(file->path), "mmproj"))
		return BAKE_INSPECT_PROJECTOR;
	return BAKE_INSPECT_OTHER;
}

/* Whether two files are splits of one, or the same file. */
static bool same_group(const char *a, const char *b)
{
	size_t a_len = 0;
	size_t b_len = 0;
	uint32_t number;
	uint32_t a_count = 0;
	uint32_t b_count = 0;

	if (strcmp(a, b) == 0)
		return true;
	return bake_gguf_split_name(a, &a_len, &number, &a_count) &&
	       bake_gguf_split_name(b, &b_len, &number, &b_count) && a_count == b_count &&
	       a_len == b_len && memcmp(a, b, a_len) == 0;
}

/* The next letter or digit of a name, past the word mmproj. */
static const char *next_letter(const char *at)
{
	for (;;) {
		if (strncasecmp(at, "mmproj", 6) == 0)
			at += 6;
		else if (*at && !isalnum((unsigned char)*at))
			at++;
		else
			return at;
	}
}

/* Whether a projector's name speaks of that model, or of no model ("mmproj-F16.gguf"). */
static bool goes_with(const char *projector, const char *model)
{
	const char *a = next_letter(base_name(projector));
	const char *b = next_letter(base_name(model));
	unsigned same = 0;

	if (strncasecmp(a, "model", 5) == 0 || strncasecmp(a, "f16", 3) == 0 ||
		strncasecmp(a, "f32", 3) == 0 || strncasecmp(a, "bf16", 4) == 0 ||
		strncasecmp(a, "q8", 2) == 0 || strcasecmp(a, "gguf") == 0)
		return true;
	while (*a && tolower((unsigned char)*a) == tolower((unsigned char)*b)) {
		same++;
		a = next_letter(a + 1);
		b = next_letter(b + 1);
	}
	return same >= SAME_NAME_MIN;
}

/* Whether a file matters: of a directory all do; asked about one file, its splits and projector. */
static bool matters(const struct bake_inspect_options *options, const char *path)
{
	if (!bake_text_ends(path, ".gguf"))
		return false;
	if (!options->only || same_group(path, options->only))
		return true;
	return strcasestr(base_name(path), "mmproj") && goes_with(path, options->only);
}

static enum bake_status add_all(struct bake_inspecting *inspecting, struct bake_error *err)
{
	const struct bake_listing *files = &inspecting->files;
	struct bake_inspected_file *file;

	for (size_t i = 0; i < files->source->count; i++) {
		if (!matters(inspecting->options, bake_listing_at(files, i)->path))
			continue;
		BAKE_TRY(bake_inspecting_add(inspecting, i, &file, err));
		file->use = use_of(file, bake_inspecting_header(inspecting, file)->gguf);
	}
	return BAKE_OK;
}

static bool is_gguf(const struct bake_inspected_file *file)
{
	return bake_text_ends(file->path, ".gguf") || file->format == BAKE_WEIGHTS_GGUF;
}

/* The first file of the model: the one that was asked for, else the first by name. */
static struct bake_inspected_file *first_model(
	struct bake_inspecting *inspecting, enum bake_inspect_use use)
{
	const char *only = inspecting->options->only;

	for (size_t i = 0; i < inspecting->out->file_count; i++) {
		struct bake_inspected_file *file = &inspecting->out->files[i];

		if (is_gguf(file) && only && strcmp(file->path, only) == 0)
			return file;
	}
	for (size_t i = 0; i < inspecting->out->file_count; i++) {
		struct bake_inspected_file *file = &inspecting->out->files[i];

		if (is_gguf(file) && file->use == use)
			return file;
	}
	return NULL;
}

static enum bake_status check_splits(struct bake_inspecting *inspecting,
	const struct bake_inspected_file *first, size_t found, struct bake_error *err)
{
	if (!first->split_count || found >= first->split_count)
		return BAKE_OK;
	return bake_arch_warn(inspecting->out->arch, err, "%s: %zu of %u parts are here",
		BAKE_SHOW(first->path), found, first->split_count);
}

/* Marks the group that is loaded, and what stands beside it. */
static enum bake_status choose(struct bake_inspecting *inspecting,
	const struct bake_inspected_file *first, struct bake_error *err)
{
	struct bake_inspection *out = inspecting->out;
	bool is_model = first->use == BAKE_INSPECT_OTHER; /* else a projector, looked at alone */
	size_t found = 0;
	size_t others = 0;

	for (size_t i = 0; i < out->file_count; i++) {
		struct bake_inspected_file *file = &out->files[i];

		if (!is_gguf(file))
			continue;
		if (same_group(file->path, first->path)) {
			file->use = BAKE_INSPECT_WEIGHTS;
			found++;
		} else if (file->use == BAKE_INSPECT_OTHER || !is_model) {
			file->use = BAKE_INSPECT_SPARE;
			others++;
		}
	}
	BAKE_TRY(check_splits(inspecting, first, found, err));
	if (!others || inspecting->options->only)
		return BAKE_OK;
	return bake_arch_warn(out->arch, err, "there are further models (%zu files): this is '%s'",
		others, BAKE_SHOW(first->path));
}

/* One projector goes with a model; others are the same in another precision, or another's. */
static void choose_projector(
	struct bake_inspecting *inspecting, const struct bake_inspected_file *model)
{
	struct bake_inspection *out = inspecting->out;
	bool found = false;

	for (size_t i = 0; i < out->file_count; i++) {
		struct bake_inspected_file *file = &out->files[i];

		if (!is_gguf(file) || file->use != BAKE_INSPECT_PROJECTOR)
			continue;
		if (found || !goes_with(file->path, model->path))
			file->use = BAKE_INSPECT_SPARE;
		else
			found = true;
	}
}

static enum bake_status take(struct bake_inspecting *inspecting,
	const struct bake_inspected_file *file, bool describes, struct bake_error *err)
{
	struct bake_inspection *out = inspecting->out;
	const struct bake_gguf *gguf = bake_inspecting_header(inspecting, file)->gguf;
	struct bake_weights *weights =
		file->use == BAKE_INSPECT_PROJECTOR ? &out->projector : &out->weights;

	BAKE_TRY(bake_inspecting_warn(inspecting, file, err));
	weights->absent_bytes = bake_u64_add_capped(weights->absent_bytes, file->pointer_bytes);
	if (!gguf)
		return BAKE_OK;
	for (size_t i = 0; i < gguf->warning_count; i++)
		BAKE_TRY(bake_arch_warn(out->arch, err, "%s: %s", BAKE_SHOW(file->path),
			BAKE_SHOW(gguf->warnings[i])));
	bake_weights_add_gguf(weights, gguf);
	return describes ? bake_arch_read_gguf(out->arch, gguf, file->path, err) : BAKE_OK;
}

/* The model first: what it says counts. Of splits the first one has the metadata. */
static enum bake_status take_all(
	struct bake_inspecting *inspecting, enum bake_inspect_use use, struct bake_error *err)
{
	struct bake_inspection *out = inspecting->out;

	for (size_t i = 0; i < out->file_count; i++) {
		const struct bake_inspected_file *file = &out->files[i];

		if (is_gguf(file) && file->use == use)
			BAKE_TRY(take(inspecting, file, file->split_number <= 1, err));
	}
	return BAKE_OK;
}

enum bake_status bake_inspecting_gguf(
	struct bake_inspecting *inspecting, bool *out_any, struct bake_error *err)
{
	const struct bake_inspected_file *first;

	BAKE_TRY(add_all(inspecting, err));
	first = first_model(inspecting, BAKE_INSPECT_OTHER);
	if (!first) /* a projector or an adapter by itself is what is looked at */
		first = first_model(inspecting, BAKE_INSPECT_PROJECTOR);
	if (!first)
		first = first_model(inspecting, BAKE_INSPECT_ADAPTER);
	*out_any = first != NULL;
	if (!first)
		return BAKE_OK;
	BAKE_TRY(choose(inspecting, first, err));
	choose_projector(inspecting, first);
	BAKE_TRY(take_all(inspecting, BAKE_INSPECT_WEIGHTS, err));
	return take_all(inspecting, BAKE_INSPECT_PROJECTOR, err);
}
