/* SPDX-License-Identifier: Apache-2.0 */
/* Files of weights, each by itself. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/sniff.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "ops/structuring.h"

/* What was pinned or copied may be a text that stands for the file. */
static enum bake_status sniff(
	int fd, const struct bake_structure_file *file, struct bake_error *err)
{
	uint8_t head[BAKE_SNIFF_BYTES];
	const char *hint = NULL;
	const char *what;
	size_t len;

	BAKE_TRY(bake_file_read_at(fd, 0, head, sizeof(head), &len, err));
	what = bake_sniff_describe(bake_span(head, len), &hint);
	if (!what)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_INTEGRITY,
		bake_sniff_is_lfs_pointer(bake_span(head, len)) ? "integrity.lfs-pointer"
								: "integrity.stand-in",
		"%s is %s", BAKE_SHOW(file->name), what);
	return hint ? bake_error_hint(err, "%s", hint) : err->status;
}

enum bake_status bake_structuring_header(struct bake_structure *structure,
	struct bake_structure_file *file, struct bake_model_header *out, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	bake_structuring_mark(structure, file, false);
	BAKE_TRY(bake_open_regular(structure->root, file->path, &fd, &st, err));
	BAKE_TRY(sniff(fd, file, err));
	BAKE_TRY(bake_model_header_read_fd(
		fd, (uint64_t)st.st_size, file->name, BAKE_GGUF_STRICT, out, err));
	if (structure->scan_values &&
		bake_structuring_values(structure, file, fd, out, err) != BAKE_OK) {
		bake_model_header_release(out);
		return err->status;
	}
	return BAKE_OK;
}

static void add_warnings(struct bake_structure *structure, const struct bake_structure_file *file,
	const char *const *warnings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		bake_structuring_remark(structure, BAKE_FINDING_WARNING, file, "%s", warnings[i]);
}

/* What a vision encoder belongs to stands beside it. */
struct search {
	const struct bake_structure_file *file;
	size_t dir;
	bool found;
};

static bool is_mmproj(const char *name)
{
	return strncmp(name + bake_structuring_dir(name), "mmproj", 6) == 0;
}

static bool is_no_model(void *context, struct bake_structure_file *file)
{
	struct search *search = context;

	search->found = bake_structuring_dir(file->name) == search->dir &&
			bake_text_ends(file->name, ".gguf") && !is_mmproj(file->name);
	return !search->found;
}

static void look_for_model(struct bake_structure *structure, struct bake_structure_file *file)
{
	struct search search = {.file = file, .dir = bake_structuring_dir(file->name)};

	bake_structuring_each(structure, file->name, search.dir, is_no_model, &search);
	if (!search.found)
		bake_structuring_remark(structure, BAKE_FINDING_NOTE, file,
			"%s is the vision part of a model, and the model is not beside it",
			BAKE_SHOW(file->name));
}

void bake_structuring_weights(struct bake_structure *structure, struct bake_structure_file *file)
{
	struct bake_model_header header = {.format = BAKE_WEIGHTS_NONE};
	struct bake_error error = BAKE_ERROR_INIT;

	if (bake_structuring_header(structure, file, &header, &error) != BAKE_OK) {
		bake_structuring_found(structure, BAKE_FINDING_ERROR, file, &error);
		return;
	}
	if (header.gguf)
		add_warnings(structure, file, header.gguf->warnings, header.gguf->warning_count);
	if (header.safetensors)
		add_warnings(structure, file, header.safetensors->warnings,
			header.safetensors->warning_count);
	bake_model_header_release(&header);
	if (is_mmproj(file->name))
		look_for_model(structure, file);
}
