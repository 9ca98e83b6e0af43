/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/structure_only.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/gguf.h"
#include "format/shards.h"
#include "fs/dir.h"
#include "fs/walk.h"
#include "ops/probe.h"
#include "ops/structuring.h"

enum {
	ARENA_BYTES_MAX = 128 * 1024 * 1024
};

/* Whether other files belong to the one of that name. */
static bool has_company(const char *name)
{
	size_t len;
	uint32_t number;
	uint32_t count;

	return bake_shards_is_index(name) || strcmp(name, "model_index.json") == 0 ||
	       bake_gguf_split_name(name, &len, &number, &count);
}

/* Whether both are parts of one model. */
static bool same_split(const char *a, const char *b)
{
	size_t a_len;
	size_t b_len;
	uint32_t number;
	uint32_t a_count;
	uint32_t b_count;

	return bake_gguf_split_name(a, &a_len, &number, &a_count) &&
	       bake_gguf_split_name(b, &b_len, &number, &b_count) && a_len == b_len &&
	       a_count == b_count && strncmp(a, b, a_len) == 0;
}

static enum bake_status add_file(struct bake_structure_path *path, const char *name, uint64_t size,
	const char *only, struct bake_error *err)
{
	struct bake_structure *structure = &path->structure;
	struct bake_structure_file *file = &structure->files[structure->file_count];

	file->name = bake_arena_text(&path->arena, name);
	if (!file->name)
		return bake_error_nomem(err);
	file->path = (struct bake_relpath){file->name, strlen(file->name)};
	file->size = size;
	file->readable = true;
	file->silent = only && strcmp(name, only) != 0 && !same_split(name, only);
	structure->file_count++;
	return BAKE_OK;
}

/* All that is beneath root. Names need not be safe ones: they were just listed, and are opened
 * without following links. */
static enum bake_status add_tree(
	struct bake_structure_path *path, const char *only, struct bake_error *err)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;

	BAKE_TRY(bake_walk_read(path->structure.root, NULL, &walk, err));
	path->structure.files =
		bake_arena_array(&path->arena, walk.count, sizeof(*path->structure.files));
	if (!path->structure.files)
		return bake_error_nomem(err);
	for (size_t i = 0; i < walk.count; i++) {
		if (S_ISREG(walk.entries[i].mode))
			BAKE_TRY(add_file(
				path, walk.entries[i].path, walk.entries[i].size, only, err));
	}
	return BAKE_OK;
}

static enum bake_status add_one(
	struct bake_structure_path *path, const char *name, struct bake_error *err)
{
	struct stat st;

	if (fstatat(path->structure.root, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return bake_error_errno(err, errno, "'%s'", BAKE_SHOW(path->path));
	path->structure.files = bake_arena_array(&path->arena, 1, sizeof(*path->structure.files));
	if (!path->structure.files)
		return bake_error_nomem(err);
	return add_file(path, name, (uint64_t)st.st_size, NULL, err);
}

/* A path that is no directory: its parent is the root. */
static enum bake_status open_file(
	struct bake_structure_path *path, char *real, struct bake_error *err)
{
	char *slash = strrchr(real, '/');
	const char *name = slash ? slash + 1 : real;

	if (slash)
		*slash = '\0';
	BAKE_TRY(bake_dir_open(!slash	       ? "."
			       : slash == real ? "/"
					       : real,
		&path->structure.root, err));
	return has_company(name) ? add_tree(path, name, err) : add_one(path, name, err);
}

/* The links in the name that a person gives are that person's own. */
static enum bake_status open_path(struct bake_structure_path *path, struct bake_error *err)
{
	_cleanup_free_ char *real = realpath(path->path, NULL);
	struct stat st;

	if (!real || stat(real, &st) != 0) {
		bake_error_errno(err, errno, "'%s'", BAKE_SHOW(path->path));
		return bake_error_of_input(err);
	}
	if (!S_ISDIR(st.st_mode))
		return open_file(path, real, err);
	BAKE_TRY(bake_dir_open(real, &path->structure.root, err));
	return add_tree(path, NULL, err);
}

static void sum_up(struct bake_structure_only_report *report, struct bake_structure_path *path)
{
	const struct bake_structure *structure = &path->structure;

	report->checked += structure->checked;
	for (size_t i = 0; i < structure->finding_count; i++) {
		const struct bake_finding *finding = structure->findings[i];

		if (finding->level != BAKE_FINDING_ERROR)
			continue;
		report->broken++;
		if (!path->worst || bake_status_worse(path->worst->status, finding->error.status) !=
					    path->worst->status)
			path->worst = &finding->error;
	}
}

static enum bake_status probe(const struct bake_structure_only_options *options,
	struct bake_structure_only_report *report, struct bake_structure_path *path,
	struct bake_error *err)
{
	struct bake_error error = BAKE_ERROR_INIT;

	if (!options->probe || path->worst || !path->structure.checked ||
		bake_probe_run(options->probe, path->path, options->probe_timeout_ms, &error) ==
			BAKE_OK)
		return BAKE_OK;
	if (error.status != BAKE_ERR_DATA) {
		*err = error;
		return err->status;
	}
	path->probe = error;
	path->worst = &path->probe;
	report->broken++;
	return BAKE_OK;
}

static enum bake_status look(const struct bake_structure_only_options *options,
	struct bake_structure_only_report *report, struct bake_structure_path *path,
	struct bake_error *err)
{
	enum bake_status status = open_path(path, err);

	if (status == BAKE_OK) {
		status = bake_structure_check(&path->structure, err);
		sum_up(report, path);
	}
	if (path->structure.root >= 0)
		(void)close(path->structure.root);
	return status == BAKE_OK ? probe(options, report, path, err) : status;
}

static enum bake_status verdict(
	const struct bake_structure_only_report *report, struct bake_error *err)
{
	const struct bake_error *worst = NULL;

	for (size_t i = 0; i < report->path_count; i++) {
		const struct bake_error *error = report->paths[i].worst;

		if (error && (!worst || bake_status_worse(worst->status, error->status) !=
						worst->status))
			worst = error;
	}
	if (!worst && report->checked)
		return BAKE_OK;
	if (!worst) {
		bake_error_set(err, BAKE_ERR_NOINPUT, "verify.nothing",
			"nothing to check: no GGUF or safetensors file, no shard index, no "
			"model_index.json");
		return bake_error_hint(err, "links beneath a directory are not followed");
	}
	*err = *worst;
	if (report->broken > 1) {
		size_t used = strlen(err->message);

		(void)snprintf(err->message + used, sizeof(err->message) - used, " (and %zu more)",
			report->broken - 1);
	}
	return err->status;
}

enum bake_status bake_structure_only(const struct bake_structure_only_options *options,
	struct bake_structure_only_report *out, struct bake_error *err)
{
	*out = (struct bake_structure_only_report){.path_count = 0};
	out->paths = calloc(options->path_count + 1, sizeof(*out->paths));
	if (!out->paths)
		return bake_error_nomem(err);
	for (size_t i = 0; i < options->path_count; i++) {
		struct bake_structure_path *path = &out->paths[out->path_count++];

		*path = (struct bake_structure_path){
			.path = options->paths[i],
			.structure = {.root = -1,
				.jobs = options->jobs,
				.selected = options->allow_missing,
				.scan_values = options->scan_values,
				.pickles = options->pickles},
			.arena = BAKE_ARENA_INIT(ARENA_BYTES_MAX),
		};
		BAKE_TRY(look(options, out, path, err));
	}
	return verdict(out, err);
}

void bake_structure_only_release(struct bake_structure_only_report *report)
{
	for (size_t i = 0; i < report->path_count; i++) {
		bake_structure_release(&report->paths[i].structure);
		bake_arena_release(&report->paths[i].arena);
	}
	free(report->paths);
	*report = (struct bake_structure_only_report){.path_count = 0};
}
