/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/structure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/stop.h"
#include "base/text.h"
#include "format/shards.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "ops/structuring.h"

enum {
	ARENA_BYTES_MAX = 16 * 1024 * 1024
};

static const char *const level_names[] = {
	[BAKE_FINDING_NOTE] = "note",
	[BAKE_FINDING_WARNING] = "warning",
	[BAKE_FINDING_ERROR] = "error",
};

const char *bake_finding_level_name(enum bake_finding_level level)
{
	return level_names[level];
}

size_t bake_structuring_dir(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? (size_t)(slash - name) + 1 : 0;
}

static int compare_name(const void *a, const void *b)
{
	const struct bake_structure_file *first = a;
	const struct bake_structure_file *second = b;

	return strcmp(first->name, second->name);
}

struct bake_structure_file *bake_structuring_beside(
	const struct bake_structure *structure, const char *name, const char *beside)
{
	struct bake_structure_file key = {.name = NULL};
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%.*s%s", (int)bake_structuring_dir(beside), beside, name) < 0)
		return NULL;
	key.name = path;
	return bsearch(&key, structure->files, structure->file_count, sizeof(key), compare_name);
}

void bake_structuring_each(const struct bake_structure *structure, const char *prefix, size_t len,
	bool (*with)(void *context, struct bake_structure_file *file), void *context)
{
	size_t low = 0;
	size_t high = structure->file_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strncmp(structure->files[middle].name, prefix, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < structure->file_count; low++) {
		struct bake_structure_file *file = &structure->files[low];

		if (strncmp(file->name, prefix, len) != 0 || !with(context, file))
			return;
	}
}

static struct bake_finding *add(struct bake_structure *structure)
{
	void *findings = structure->findings;
	struct bake_finding *finding = NULL;

	if (structure->finding_count < BAKE_FINDINGS_MAX &&
		bake_grow(&findings, &structure->finding_room, structure->finding_count + 1,
			sizeof(*structure->findings)))
		finding = bake_arena_alloc(&structure->arena, sizeof(*finding));
	structure->findings = findings;
	if (finding)
		structure->findings[structure->finding_count++] = finding;
	else
		structure->dropped++;
	return finding;
}

void bake_structuring_found(struct bake_structure *structure, enum bake_finding_level level,
	const struct bake_structure_file *file, const struct bake_error *error)
{
	struct bake_finding *finding;

	(void)pthread_mutex_lock(&structure->lock);
	finding = add(structure);
	if (finding)
		*finding = (struct bake_finding){level, file, *error};
	(void)pthread_mutex_unlock(&structure->lock);
}

void bake_structuring_remark(struct bake_structure *structure, enum bake_finding_level level,
	const struct bake_structure_file *file, const char *format, ...)
{
	struct bake_error error = BAKE_ERROR_INIT;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error.message, sizeof(error.message), format, args);
	va_end(args);
	bake_structuring_found(structure, level, file, &error);
}

void bake_structuring_mark(
	struct bake_structure *structure, struct bake_structure_file *file, bool covered)
{
	/* Two indexes may name one file. */
	(void)pthread_mutex_lock(&structure->lock);
	file->checked = true;
	file->covered |= covered;
	(void)pthread_mutex_unlock(&structure->lock);
}

enum bake_status bake_structuring_read(const struct bake_structure *structure,
	const struct bake_structure_file *file, struct bake_buf *out, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	BAKE_TRY(bake_open_regular(structure->root, file->path, &fd, &st, err));
	return bake_file_read_fd(fd, file->name, out, err);
}

static bool is_pipeline(const struct bake_structure_file *file)
{
	return strcmp(file->name + bake_structuring_dir(file->name), "model_index.json") == 0;
}

static bool is_part(const struct bake_structure_file *file)
{
	size_t len;
	uint32_t number;
	uint32_t count;

	return bake_gguf_split_name(file->name, &len, &number, &count);
}

static void do_index(void *context, size_t at)
{
	struct bake_structure *structure = context;
	struct bake_structure_file *file = &structure->files[at];

	if (file->readable && !file->silent && bake_shards_is_index(file->name) &&
		!bake_stop_signal())
		bake_structuring_index(structure, file);
}

/* A file is covered by an index or by itself, never by two: what do_index did is seen by all. */
static void do_rest(void *context, size_t at)
{
	struct bake_structure *structure = context;
	struct bake_structure_file *file = &structure->files[at];

	if (!file->readable || file->silent || bake_stop_signal())
		return;
	if (structure->pickles && bake_structuring_pickle(structure, file))
		return;
	if (is_pipeline(file))
		bake_structuring_pipeline(structure, file);
	else if (is_part(file))
		bake_structuring_split(structure, file);
	else if (bake_weights_format_of(file->name, bake_span(NULL, 0)) != BAKE_WEIGHTS_NONE &&
		 !file->covered)
		bake_structuring_weights(structure, file);
}

static int compare_finding(const void *a, const void *b)
{
	const struct bake_finding *first = *(const struct bake_finding *const *)a;
	const struct bake_finding *second = *(const struct bake_finding *const *)b;
	int order = strcmp(first->file->name, second->file->name);

	return order ? order : strcmp(first->error.message, second->error.message);
}

enum bake_status bake_structure_check(struct bake_structure *structure, struct bake_error *err)
{
	structure->arena = (struct bake_arena)BAKE_ARENA_INIT(ARENA_BYTES_MAX);
	(void)pthread_mutex_init(&structure->lock, NULL);
	if (structure->file_count)
		qsort(structure->files, structure->file_count, sizeof(*structure->files),
			compare_name);
	bake_parallel(structure->file_count, structure->jobs, do_index, structure);
	bake_parallel(structure->file_count, structure->jobs, do_rest, structure);
	for (size_t i = 0; i < structure->file_count; i++)
		structure->checked += structure->files[i].checked;
	/* Threads found them: the order is made here. */
	if (structure->finding_count)
		qsort(structure->findings, structure->finding_count, sizeof(*structure->findings),
			compare_finding);
	return bake_stop_check(err);
}

void bake_structure_release(struct bake_structure *structure)
{
	bake_arena_release(&structure->arena);
	free(structure->findings);
	structure->findings = NULL;
	structure->finding_count = structure->finding_room = 0;
}
