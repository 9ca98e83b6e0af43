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

static enum bake_status choose_names(const struct bake_lock *lock, const struct bake_select *select,
	bool *chosen, struct bake_error *err)
{
	for (size_t i = 0; i < select->name_count; i++) {
		const struct bake_lock_model *model = bake_lock_find(lock, select->names[i]);
		const char *near;

		if (model) {
			chosen[model - lock->models] = true;
			continue;
		}
		bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-model",
			"the lock has no model '%s'", BAKE_SHOW(select->names[i]));
		near = bake_text_nearest(select->names[i], lock->model_count, model_id, lock);
		return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
	}
	return BAKE_OK;
}

static enum bake_status choose_profile(const struct bake_lock *lock,
	const struct bake_profile *profile, bool *chosen, struct bake_error *err)
{
	for (size_t i = 0; i < profile->model_count; i++) {
		const struct bake_lock_model *model = bake_lock_find(lock, profile->models[i]);

		if (!model) {
			bake_error_set(err, BAKE_ERR_CONFIG, "lock.stale",
				"profile '%s' has model '%s', which is not in the lock",
				BAKE_SHOW(profile->name), BAKE_SHOW(profile->models[i]));
			return bake_error_hint(err, "run bake-lock on the manifest");
		}
		chosen[model - lock->models] = true;
	}
	return BAKE_OK;
}

static enum bake_status choose_named_profile(
	const struct bake_lock *lock, const char *name, bool *chosen, struct bake_error *err)
{
	const struct bake_profile *profile = find_profile(lock, name);
	const char *near;

	if (profile)
		return choose_profile(lock, profile, chosen, err);
	bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-profile", "the lock has no profile '%s'",
		BAKE_SHOW(name));
	near = bake_text_nearest(name, lock->profile_count, profile_name, lock);
	return near ? bake_error_hint(err, "did you mean \"%s\"?", near) : err->status;
}

static enum bake_status choose_group(
	const struct bake_lock *lock, const char *group, bool *chosen, struct bake_error *err)
{
	bool any = false;

	for (size_t i = 0; i < lock->model_count; i++) {
		if (lock->models[i].group && strcmp(lock->models[i].group, group) == 0)
			any = chosen[i] = true;
	}
	/* A slice need not have anything of a group that the whole lock has. */
	if (any || lock->slice)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_USAGE, "usage.unknown-group",
		"the lock has no model of group '%s'", BAKE_SHOW(group));
}

static enum bake_status choose_usual(
	const struct bake_lock *lock, bool *chosen, struct bake_error *err)
{
	const struct bake_profile *profile = find_profile(lock, "default");

	if (profile)
		return choose_profile(lock, profile, chosen, err);
	for (size_t i = 0; i < lock->model_count; i++)
		chosen[i] = lock->models[i].required;
	return BAKE_OK;
}

enum bake_status bake_select_models(const struct bake_lock *lock, const struct bake_select *select,
	bool *chosen, struct bake_error *err)
{
	memset(chosen, 0, lock->model_count * sizeof(*chosen));
	BAKE_TRY(choose_names(lock, select, chosen, err));
	if (select->profile)
		BAKE_TRY(choose_named_profile(lock, select->profile, chosen, err));
	if (select->group)
		BAKE_TRY(choose_group(lock, select->group, chosen, err));
	for (size_t i = 0; i < lock->model_count; i++) {
		if (select->all || (select->defaults && lock->models[i].is_default))
			chosen[i] = true;
	}
	if (!select->name_count && !select->profile && !select->group && !select->defaults &&
		!select->all)
		BAKE_TRY(choose_usual(lock, chosen, err));
	for (size_t i = 0; i < lock->model_count; i++) {
		if (select->layer && lock->models[i].layer != select->layer)
			chosen[i] = false;
	}
	return BAKE_OK;
}
