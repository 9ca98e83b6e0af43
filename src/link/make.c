/* SPDX-License-Identifier: Apache-2.0 */
#include "link/make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/walk.h"
#include "link/place.h"
#include "link/where.h"

const char *bake_link_state_name(enum bake_link_state state)
{
	static const char *const names[] = {
		[BAKE_LINK_MADE] = "linked",
		[BAKE_LINK_KEPT] = "kept",
		[BAKE_LINK_REPLACED] = "replaced",
		[BAKE_LINK_REMOVED] = "removed",
		[BAKE_LINK_STALE] = "stale",
		[BAKE_LINK_IN_PLACE] = "in-place",
		[BAKE_LINK_NO_TARGET] = "no-target",
		[BAKE_LINK_CONFLICT] = "conflict",
	};

	return names[state];
}

struct making {
	const struct bake_link_options *options;
	const char *root; /* the models directory, real and absolute */
	int models;
	struct bake_link_report *report;
};

static enum bake_status tell(
	struct making *making, const struct bake_link_result *result, struct bake_error *err)
{
	struct bake_link_report *report = making->report;

	if (!bake_grow((void **)&report->results, &report->room, report->count + 1,
		    sizeof(*report->results)))
		return bake_error_nomem(err);
	report->results[report->count++] = *result;
	report->counts[result->state]++;
	return BAKE_OK;
}

static enum bake_status tell_conflict(struct making *making, const struct bake_link *link,
	const char *target, const char *why, struct bake_error *err)
{
	const char *kept = bake_arena_text(&making->report->arena, why);

	if (!kept)
		return bake_error_nomem(err);
	return tell(making,
		&(struct bake_link_result){
			link->path, target, link->model, BAKE_LINK_CONFLICT, kept},
		err);
}

/* The directory at path below the one of links; *out_real is where it really is. Those that the
 * user has made links of are followed: they are the user's own. */
static enum bake_status open_directory(struct making *making, const char *path, int *out,
	const char **out_real, struct bake_error *err)
{
	struct bake_arena *arena = &making->report->arena;
	const char *full = bake_arena_join(arena, making->options->to, path);

	*out = -1;
	*out_real = full ? bake_where_real(arena, full) : NULL;
	if (!*out_real)
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "link.conflict",
			"'%s' leads nowhere", BAKE_SHOW(path));
	if (bake_where_below(making->root, *out_real))
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "link.conflict",
			"'%s' is in the models directory", BAKE_SHOW(path));
	if (making->options->pretend || making->options->action == BAKE_LINK_REMOVE) {
		if (bake_dir_open(full, out, err) == BAKE_OK)
			return BAKE_OK;
		if (err->status != BAKE_ERR_NOINPUT && err->status != BAKE_ERR_CANTCREATE)
			return err->status;
		*err = BAKE_ERROR_INIT;
		return BAKE_OK; /* there is nothing yet */
	}
	if (bake_dir_make(full, out, err) != BAKE_OK)
		return bake_error_of_output(err);
	return BAKE_OK;
}

/* Whether a link in real leads into the models. */
static bool is_ours(struct making *making, const char *real, const char *text)
{
	const char *path = bake_where_leads(&making->report->arena, real, text);

	return path && bake_where_below(making->root, path) && strcmp(making->root, path) != 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* What to do at a place, given what is there. */
static enum bake_link_state judge(struct making *making, int dir, const char *name,
	const char *real, const char *text, const struct bake_place_seen *seen,
	const struct stat *target)
{
	struct stat led;

	if (seen->is == BAKE_PLACE_FREE)
		return BAKE_LINK_MADE;
	if (seen->is == BAKE_PLACE_OTHER)
		return same_file(&seen->stat, target) ? BAKE_LINK_IN_PLACE : BAKE_LINK_CONFLICT;
	if (strcmp(seen->text, text) == 0)
		return BAKE_LINK_KEPT;
	if (is_ours(making, real, seen->text) || making->options->force)
		return BAKE_LINK_REPLACED;
	if (fstatat(dir, name, &led, 0) == 0 && same_file(&led, target))
		return BAKE_LINK_KEPT; /* by another way */
	return BAKE_LINK_CONFLICT;
}

static enum bake_status describe_conflict(
	const struct bake_place_seen *seen, struct bake_buf *out, struct bake_error *err)
{
	if (seen->is == BAKE_PLACE_LINK)
		bake_buf_addf(out, "it is a link to '%s'", BAKE_SHOW(seen->text));
	else
		bake_buf_addf(out, "it is %s", bake_place_kind(seen->stat.st_mode));
	return bake_buf_status(out, "reason", err);
}

static enum bake_status do_link(int dir, const char *name, const char *text,
	enum bake_link_state state, struct bake_error *err)
{
	if (state == BAKE_LINK_MADE)
		return bake_place_make(dir, name, text, err);
	if (state == BAKE_LINK_REPLACED)
		return bake_place_replace(dir, name, text, err);
	return BAKE_OK;
}

/* A link in the directory dir, which is real. dir -1: nothing is there yet. */
static enum bake_status make_in(struct making *making, const struct bake_link *link, int dir,
	const char *real, const char *text, const struct stat *target, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf why = BAKE_BUF_INIT(1024);
	struct bake_place_seen seen = {.is = BAKE_PLACE_FREE};
	const char *slash = strrchr(link->path, '/');
	const char *name = slash ? slash + 1 : link->path;
	enum bake_link_state state;

	if (dir >= 0)
		BAKE_TRY(bake_place_look(dir, name, &making->report->arena, &seen, err));
	state = judge(making, dir, name, real, text, &seen, target);
	if (state == BAKE_LINK_CONFLICT) {
		BAKE_TRY(describe_conflict(&seen, &why, err));
		return tell_conflict(making, link, text, why.ptr, err);
	}
	if (!making->options->pretend)
		BAKE_TRY(do_link(dir, name, text, state, err));
	return tell(
		making, &(struct bake_link_result){link->path, text, link->model, state, ""}, err);
}

static const char *text_of(struct making *making, const struct bake_link *link, const char *real)
{
	struct bake_arena *arena = &making->report->arena;
	const char *path = bake_arena_join(arena, making->root, link->target);

	return path && making->options->relative ? bake_where_relative(arena, real, path) : path;
}

/* Whether a failure is of this place alone: then it is a conflict, and the others go on. */
static bool is_conflict(const struct bake_error *err)
{
	return err->status == BAKE_ERR_CANTCREATE || err->status == BAKE_ERR_PERMISSION;
}

static enum bake_status make_one(
	struct making *making, const struct bake_link *link, struct bake_error *err)
{
	_cleanup_close_ int dir = -1;
	struct bake_relpath path = {link->path, strlen(link->path)};
	const char *above =
		bake_arena_copy(&making->report->arena, link->path, bake_relpath_dir_len(path));
	const char *real;
	const char *text = "";
	struct stat target;
	enum bake_status status;

	if (!above)
		return bake_error_nomem(err);
	if (fstatat(making->models, link->target, &target, AT_SYMLINK_NOFOLLOW) != 0)
		return tell(making,
			&(struct bake_link_result){
				link->path, "", link->model, BAKE_LINK_NO_TARGET, ""},
			err);
	status = open_directory(making, above, &dir, &real, err);
	if (status == BAKE_OK) {
		text = text_of(making, link, real);
		if (!text)
			return bake_error_nomem(err);
		status = make_in(making, link, dir, real, text, &target, err);
	}
	if (status == BAKE_OK || !is_conflict(err))
		return status;
	{
		struct bake_error why = *err;

		*err = BAKE_ERROR_INIT;
		return tell_conflict(making, link, text, why.message, err);
	}
}

/* One link that was found below a place of the tree. */
struct found {
	const char *to; /* the place, below the directory of links */
	int root;	/* of it */
	const char *real;
	const char *path; /* below it */
};

static enum bake_status take(struct making *making, const struct found *found, const char *text,
	enum bake_link_state state, struct bake_error *err)
{
	_cleanup_close_ int dir = -1;
	struct bake_relpath path = {found->path, strlen(found->path)};
	size_t above = bake_relpath_dir_len(path);
	char *parent;

	if (!making->options->pretend) {
		BAKE_TRY(bake_open_parent(found->root, path, &dir, err));
		BAKE_TRY(bake_place_remove(dir, bake_relpath_name(path), text, err));
		parent = bake_arena_copy(&making->report->arena, found->path, above);
		/* The directory that was named after the model, when it is empty now. */
		if (parent && above > 0)
			best_effort(unlinkat(found->root, parent, AT_REMOVEDIR));
	}
	return tell(making,
		&(struct bake_link_result){
			bake_arena_join(&making->report->arena, found->to, found->path), text, NULL,
			state, ""},
		err);
}

static bool in_plan(const struct bake_link_plan *plan, const char *to, const char *path,
	struct bake_arena *arena)
{
	const char *full = bake_arena_join(arena, to, path);
	size_t low = 0;
	size_t high = plan->count;

	while (full && low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(plan->links[middle].path, full);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static enum bake_status look_at(struct making *making, const struct bake_link_plan *plan,
	struct found *found, struct bake_error *err)
{
	bool remove = making->options->action == BAKE_LINK_REMOVE;
	struct bake_arena *arena = &making->report->arena;
	const char *slash = strrchr(found->path, '/');
	const char *above =
		bake_arena_copy(arena, found->path, slash ? (size_t)(slash - found->path) : 0);
	bool planned = in_plan(plan, found->to, found->path, arena);
	struct bake_place_seen seen;
	struct stat led;

	if (!above || (planned && !remove) || (!planned && making->options->some))
		return above ? BAKE_OK : bake_error_nomem(err);
	BAKE_TRY(bake_place_look(found->root, found->path, arena, &seen, err));
	if (seen.is != BAKE_PLACE_LINK ||
		!is_ours(making, slash ? bake_where_leads(arena, found->real, above) : found->real,
			seen.text))
		return BAKE_OK;
	if (remove)
		return take(making, found, seen.text, BAKE_LINK_REMOVED, err);
	if (fstatat(found->root, found->path, &led, 0) == 0 || errno != ENOENT)
		return BAKE_OK;
	return take(making, found, seen.text, BAKE_LINK_STALE, err);
}

/* The links below a place of the tree that the plan does not have. */
static enum bake_status sweep(struct making *making, const struct bake_link_plan *plan,
	const char *to, struct bake_error *err)
{
	_cleanup_(bake_walk_release) struct bake_walk walk = BAKE_WALK_INIT;
	_cleanup_close_ int root = -1;
	struct found found = {.to = to};
	const char *full = bake_arena_join(&making->report->arena, making->options->to, to);

	found.real = full ? bake_where_real(&making->report->arena, full) : NULL;
	if (!found.real || bake_where_below(making->root, found.real))
		return BAKE_OK;
	if (bake_dir_open(full, &root, err) != BAKE_OK) {
		if (err->status != BAKE_ERR_NOINPUT && err->status != BAKE_ERR_CANTCREATE)
			return err->status;
		*err = BAKE_ERROR_INIT;
		return BAKE_OK;
	}
	BAKE_TRY(bake_walk_read(root, NULL, &walk, err));
	found.root = root;
	for (size_t i = 0; i < walk.count; i++) {
		found.path = walk.entries[i].path;
		if (S_ISLNK(walk.entries[i].mode))
			BAKE_TRY(look_at(making, plan, &found, err));
	}
	return BAKE_OK;
}

/* Whether an earlier rule has the same place, or one around it. */
static bool is_swept(const struct bake_layout_tree *tree, size_t at)
{
	for (size_t i = 0; i < tree->rule_count; i++) {
		const char *other = tree->rules[i].to.text;
		const char *to = tree->rules[at].to.text;

		if (i != at && bake_where_below(other, to) && (strcmp(other, to) != 0 || i < at))
			return true;
	}
	return false;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct bake_link_result *)a)->path,
		((const struct bake_link_result *)b)->path);
}

static enum bake_status apply(struct making *making, const struct bake_link_plan *plan,
	const struct bake_layout_tree *tree, struct bake_error *err)
{
	struct bake_link_report *report = making->report;

	for (size_t i = 0; making->options->action == BAKE_LINK_MAKE && i < plan->count; i++)
		BAKE_TRY(make_one(making, &plan->links[i], err));
	for (size_t i = 0; i < tree->rule_count; i++) {
		if (!is_swept(tree, i))
			BAKE_TRY(sweep(making, plan, tree->rules[i].to.text, err));
	}
	if (report->count > 0)
		qsort(report->results, report->count, sizeof(*report->results), by_path);
	return BAKE_OK;
}

enum bake_status bake_link_apply(const struct bake_link_plan *plan,
	const struct bake_layout_tree *tree, const struct bake_link_options *options,
	struct bake_link_report *out, struct bake_error *err)
{
	_cleanup_close_ int models = -1;
	struct making making = {.options = options, .report = out};
	const char *to;

	*out = (struct bake_link_report){.arena = BAKE_ARENA_INIT((size_t)1 << 28)};
	if (bake_dir_open(options->models_dir, &models, err) != BAKE_OK) {
		bake_error_of_input(err);
		return bake_error_wrap(err, "models");
	}
	making.models = models;
	making.root = bake_where_real(&out->arena, options->models_dir);
	to = bake_where_real(&out->arena, options->to);
	if (!making.root || !to)
		return bake_error_nomem(err);
	if (bake_where_below(making.root, to))
		return bake_error_set(err, BAKE_ERR_USAGE, "link.inside",
			"'%s' is in the models directory: links to the models go elsewhere",
			BAKE_SHOW(options->to));
	return apply(&making, plan, tree, err);
}

void bake_link_report_release(struct bake_link_report *report)
{
	free(report->results);
	bake_arena_release(&report->arena);
	*report = (struct bake_link_report){.count = 0};
}
