/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/select.h"

#include <string.h>

#include "base/text.h"

static const char *model_id(const void *context, size_t index)
{
	return ((const struct bake_lock *)context)->models[index].id;
}

static const char *profile_name(const void *context, size_t index)
{
	return ((const struct bake_lock *)context)->profiles[index].name;
}

static const struct bake_profile *find_profile(const struct bake_lock *lock, const char *name)
{
	for (size_t i = 0; i < lock->profile_count; i++) {
		if (strcmp(lock->profiles[i].name, name) == 0)
			return &lock->profiles[i];
	}
	return NULL;
}

/* A selection in the making. */
struct choice {
	const struct bake_lock *lock;
	unsigned layer; /* 0: all */
	bool *chosen;
	const struct bake_lock_model *lacking; /* wanted, and without pins; NULL: none */
};

static bool choose(struct choice *choice, const char *name)
{
	const struct bake_lock_model *model = bake_lock_find(choice->lock, name);
	const struct bake_lock_model *unlocked = bake_lock_find_unlocked(choice->lock, name);

	if (model)
		choice->chosen[model - choice->lock->models] = true;
	else if (unlocked && (!choice->layer || unlocked->layer == choice->layer))
		choice->lacking = unlocked;
	return model || unlocked;
}

/* Every model that is_wanted says yes to. Returns whether there was one, pinned or not. */
static bool choose_if(struct choice *choice,
	bool (*is_wanted)(const struct bake_lock_model *model, const char *group),
	const char *group)
{
	const struct bake_lock *lock = choice->lock;
	bool any = false;

	for (size_t i = 0; i < lock->model_count; i++) {
		if (is_wanted(&lock->models[i], group))
			any = choice->chosen[i] = true;
	}
	for (size_t i = 0; i < lock->unlocked_count; i++) {
		if (is_wanted(&lock->unlocked[i], group))
			any = choose(choice, lock->unlocked[i].id);
	}
	return any;
}

static bool is_any(const struct bake_lock_model *model, const char *group)
{
	(void)model;
	(void)group;
	return true;
}

static bool is_default(const struct bake_lock_model *model, const char *group)
{
	(void)group;
	return model->is_default;
}

static bool is_required(const struct bake_lock_model *model, const char *group)
{
	(void)group;
	return model->required;
}

static bool is_of_group(const struct bake_lock_model *model, const char *group)
{
	return model->group && strcmp(model->group, group) == 0;
}

static enum bake_status choose_names(
	struct choice *choice, const struct bake_select *select, struct bake_error *err)
{
	const struct bake_lock *lock = choice->lock;

	for (size_t i = 0; i < select->name_count; i++) {
		const char *near;

		if (choose(choice, select->names[i]))
			continue;
		bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-model",
			"the lock has no model '%s'", BAKE_SHOW(select->names[i]));
		near = bake_text_nearest(select->names[i], lock->model_count, model_id, lock);
		return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
	}
	return BAKE_OK;
}

static enum bake_status choose_profile(
	struct choice *choice, const struct bake_profile *profile, struct bake_error *err)
{
	for (size_t i = 0; i < profile->model_count; i++) {
		if (choose(choice, profile->models[i]))
			continue;
		bake_error_set(err, BAKE_ERR_CONFIG, "lock.stale",
			"profile '%s' has model '%s', which is not in the lock",
			BAKE_SHOW(profile->name), BAKE_SHOW(profile->models[i]));
		return bake_error_hint(err, "run bake-lock on the manifest");
	}
	return BAKE_OK;
}

static enum bake_status choose_named_profile(
	struct choice *choice, const char *name, struct bake_error *err)
{
	const struct bake_lock *lock = choice->lock;
	const struct bake_profile *profile = find_profile(lock, name);
	const char *near;

	if (profile)
		return choose_profile(choice, profile, err);
	bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-profile", "the lock has no profile '%s'",
		BAKE_SHOW(name));
	near = bake_text_nearest(name, lock->profile_count, profile_name, lock);
	return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
}

static enum bake_status choose_group(
	struct choice *choice, const char *group, struct bake_error *err)
{
	/* A slice need not have anything of a group that the whole lock has. */
	if (choose_if(choice, is_of_group, group) || choice->lock->slice)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-group",
		"the lock has no model of group '%s'", BAKE_SHOW(group));
}

static enum bake_status choose_usual(struct choice *choice, struct bake_error *err)
{
	const struct bake_profile *profile = find_profile(choice->lock, "default");

	if (profile)
		return choose_profile(choice, profile, err);
	(void)choose_if(choice, is_required, NULL);
	return BAKE_OK;
}

/* Less than what was asked for is never taken in silence. */
static enum bake_status check_pinned(const struct choice *choice, struct bake_error *err)
{
	if (!choice->lacking)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_CONFIG, "lock.partial",
		"the lock of '%s' is partial: it has no pins of '%s'",
		BAKE_SHOW(choice->lock->name), BAKE_SHOW(choice->lacking->id));
	return bake_error_hint(err, "run bake-lock on the manifest, without naming models, and "
				    "commit the lock; or select only models that it has");
}

enum bake_status bake_select_models(const struct bake_lock *lock, const struct bake_select *select,
	bool *chosen, struct bake_error *err)
{
	struct choice choice = {.lock = lock, .layer = select->layer, .chosen = chosen};

	memset(chosen, 0, lock->model_count * sizeof(*chosen));
	BAKE_TRY(choose_names(&choice, select, err));
	if (select->profile)
		BAKE_TRY(choose_named_profile(&choice, select->profile, err));
	if (select->group)
		BAKE_TRY(choose_group(&choice, select->group, err));
	if (select->all)
		(void)choose_if(&choice, is_any, NULL);
	if (select->defaults)
		(void)choose_if(&choice, is_default, NULL);
	if (!select->name_count && !select->profile && !select->group && !select->defaults &&
		!select->all)
		BAKE_TRY(choose_usual(&choice, err));
	for (size_t i = 0; i < lock->model_count; i++) {
		if (select->layer && lock->models[i].layer != select->layer)
			chosen[i] = false;
	}
	return check_pinned(&choice, err);
}
