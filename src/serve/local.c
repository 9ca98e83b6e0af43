/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "fs/dir.h"

static const struct {
	const char *name;
	const char *problem;
	bool usable;
} states[BAKE_LOCAL_STATES] = {
	[BAKE_LOCAL_BAKED] = {"baked", NULL, true},
	[BAKE_LOCAL_FALLBACK] = {"fallback", NULL, true},
	[BAKE_LOCAL_MISSING] = {"missing", NULL, false},
	[BAKE_LOCAL_ABSENT] = {"missing", "index says baked, files absent", false},
	[BAKE_LOCAL_WRONG] = {"wrong", "index says baked, a file has another size", false},
};

const char *bake_local_state_name(enum bake_local_state state)
{
	return states[state].name;
}

const char *bake_local_problem(enum bake_local_state state)
{
	return states[state].problem;
}

bool bake_local_usable(enum bake_local_state state)
{
	return states[state].usable;
}

/* How a model's files are in one place. */
struct seen {
	size_t right;
	size_t absent;
	size_t wrong;
};

/* Beneath the directory, and through no link: as it would be opened. */
static bool is_right(int root, const struct bake_index_file *file, bool *out_absent)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	_cleanup_close_ int fd = -1;
	struct bake_relpath path;
	struct stat stat;

	*out_absent = false;
	if (bake_relpath_parse_model(file->path, &path, &ignored) != BAKE_OK)
		return false;
	if (bake_open_beneath(root, path, O_PATH | O_NOFOLLOW, &fd, &ignored) != BAKE_OK) {
		*out_absent = ignored.sys_errno == ENOENT || ignored.sys_errno == ENOTDIR;
		return false;
	}
	return fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) &&
	       (uint64_t)stat.st_size == file->size;
}

static struct seen look_in(int root, const struct bake_index_model *model)
{
	struct seen seen = {0};
	bool absent;

	for (size_t i = 0; root >= 0 && i < model->file_count; i++) {
		if (is_right(root, &model->files[i], &absent))
			seen.right++;
		else if (absent)
			seen.absent++;
		else
			seen.wrong++;
	}
	return seen;
}

static enum bake_local_state judge(const struct bake_index_model *model, bool promised, int models,
	int fallback, bool *out_any)
{
	struct seen seen = look_in(models, model);

	*out_any = seen.right > 0;
	if (model->file_count && seen.right == model->file_count)
		return BAKE_LOCAL_BAKED;
	if (model->file_count && look_in(fallback, model).right == model->file_count)
		return BAKE_LOCAL_FALLBACK;
	if (!promised)
		return BAKE_LOCAL_MISSING;
	return seen.wrong ? BAKE_LOCAL_WRONG : BAKE_LOCAL_ABSENT;
}

bool bake_local_look(const struct bake_index *index, const struct bake_local *former, int models,
	int fallback, struct bake_local *out)
{
	struct bake_local local = {.count = index->model_count};
	size_t promised = 0;
	size_t found = 0;

	local.states = calloc(index->model_count + 1, sizeof(*local.states));
	local.promised = calloc(index->model_count + 1, sizeof(*local.promised));
	if (!local.states || !local.promised) {
		bake_local_release(&local);
		return false;
	}
	for (size_t i = 0; i < index->model_count; i++) {
		const struct bake_index_model *model = &index->models[i];
		bool baked = former ? former->promised[i] : model->baked;
		bool any;
		enum bake_local_state state = judge(model, baked, models, fallback, &any);

		local.states[i] = state;
		local.promised[i] = baked;
		local.of_state[state]++;
		promised += baked;
		found += baked && any;
		if (states[state].usable)
			local.bytes = bake_u64_add_capped(local.bytes, model->bytes);
		else if (model->required)
			local.required_unusable++;
	}
	local.hidden = promised > 0 && found == 0;
	*out = local;
	return true;
}

void bake_local_release(struct bake_local *local)
{
	free(local->states);
	free(local->promised);
	local->states = NULL;
	local->promised = NULL;
}

bool bake_local_equal(const struct bake_local *a, const struct bake_local *b)
{
	return a->count == b->count && a->hidden == b->hidden &&
	       (!a->count || memcmp(a->states, b->states, a->count * sizeof(*a->states)) == 0);
}
