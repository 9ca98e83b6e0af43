/* SPDX-License-Identifier: Apache-2.0 */
/* The policy: what is baked, else the fallback directory, else a fetch; and nothing that is not
 * right. */
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "runtime/fallback.h"
#include "fs/hidden.h"
#include "runtime/place.h"

enum {
	HINT_FILES_MAX = 256 /* so many are looked at for what hides them */
};

/* What another place cannot make better. */
static bool is_final(enum bake_status status)
{
	return status == BAKE_ERR_RESOURCES || status == BAKE_ERR_INTERNAL ||
	       status == BAKE_ERR_INTERRUPTED;
}

static enum bake_status found_at(enum bake_runtime_origin origin, const struct bake_error *baked,
	struct bake_runtime_found *found, struct bake_runtime_found **out)
{
	found->origin = origin;
	if (baked->status != BAKE_OK)
		found->notice = strdup(baked->message); /* when memory is short it stays unsaid */
	*out = found;
	return BAKE_OK;
}

/* Says which mount hides it, if one does. */
static void hint_hidden(const struct bake_runtime *runtime, const struct bake_index_model *model,
	struct bake_error *err)
{
	size_t count = model->file_count < HINT_FILES_MAX ? model->file_count : HINT_FILES_MAX;

	for (size_t i = 0; i < count && !err->hint[0]; i++)
		bake_hidden_hint(runtime->models_dir, model->files[i].path, err);
}

/* Why the baked one is not there. */
static void explain_baked(const struct bake_runtime *runtime, const struct bake_index_model *model,
	struct bake_error *err)
{
	if (err->status != BAKE_ERR_UNAVAILABLE)
		return;
	if (model->baked)
		hint_hidden(runtime, model, err);
	else
		bake_error_set(err, BAKE_ERR_UNAVAILABLE, "index.not-local",
			"model '%s' is not baked", BAKE_SHOW(model->id));
}

/* It is nowhere, and must not be fetched. */
static enum bake_status give_up(const struct bake_runtime *runtime, const struct bake_error *baked,
	const struct bake_error *fallback, struct bake_error *err)
{
	*err = *baked;
	if (fallback->status != BAKE_OK && fallback->status != BAKE_ERR_UNAVAILABLE)
		return bake_error_hint(
			err, "and in the fallback directory: %s", BAKE_SHOW(fallback->message));
	if (!runtime->may_fetch)
		return bake_error_hint(err, "fetching is off: $BAKE_FALLBACK=fetch and "
					    "$BAKE_FALLBACK_DIR allow it");
	return err->status;
}

static enum bake_status fetch_choice(struct bake_runtime *runtime,
	const struct bake_index_choice *choice, enum bake_runtime_check level,
	const struct bake_error *baked, struct bake_runtime_found **out, struct bake_error *err)
{
	struct bake_runtime_found *found;

	if (runtime->offline)
		return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "net.offline",
			"%s, and fetching is forbidden offline", BAKE_SHOW(baked->message));
	if (bake_fallback_fetch(runtime, choice->model, err) != BAKE_OK ||
		bake_place_check(runtime->fallback_dir, choice, level, &found, err) != BAKE_OK)
		return bake_error_wrap(err, "model '%s'", BAKE_SHOW(choice->model->id));
	return found_at(BAKE_RUNTIME_FETCHED, baked, found, out);
}

enum bake_status bake_runtime_find_choice(struct bake_runtime *runtime,
	const struct bake_index_choice *choice, enum bake_runtime_check level, bool fetch,
	struct bake_runtime_found **out, struct bake_error *err)
{
	struct bake_error baked = BAKE_ERROR_INIT;
	struct bake_error fallback = BAKE_ERROR_INIT;
	struct bake_runtime_found *found;

	if (bake_place_check(runtime->models_dir, choice, level, &found, &baked) == BAKE_OK)
		return found_at(BAKE_RUNTIME_BAKED, &baked, found, out);
	explain_baked(runtime, choice->model, &baked);
	if (is_final(baked.status)) {
		*err = baked;
		return err->status;
	}
	if (runtime->fallback_dir && bake_place_check(runtime->fallback_dir, choice, level, &found,
					     &fallback) == BAKE_OK)
		return found_at(BAKE_RUNTIME_FALLBACK, &baked, found, out);
	if (fetch && runtime->may_fetch && choice->model->file_count)
		return fetch_choice(runtime, choice, level, &baked, out, err);
	return give_up(runtime, &baked, &fallback, err);
}

static enum bake_status find_model(struct bake_runtime *runtime, const char *id,
	enum bake_runtime_check check, bool fetch, struct bake_runtime_found **out,
	struct bake_error *err)
{
	const struct bake_index_model *model;
	struct bake_index_choice choice;
	enum bake_runtime_check level;

	BAKE_TRY(bake_runtime_level(runtime, check, &level, err));
	BAKE_TRY(bake_runtime_find(runtime, id, &model, err));
	choice = (struct bake_index_choice){model, model->path, model->variant};
	return bake_runtime_find_choice(runtime, &choice, level, fetch, out, err);
}

enum bake_status bake_runtime_resolve(struct bake_runtime *runtime, const char *model,
	enum bake_runtime_check check, struct bake_runtime_found **out, struct bake_error *err)
{
	return find_model(runtime, model, check, true, out, RUNTIME_ERR(err));
}

enum bake_status bake_runtime_check(struct bake_runtime *runtime, const char *model,
	enum bake_runtime_check check, struct bake_error *err)
{
	struct bake_runtime_found *found = NULL;

	BAKE_TRY(find_model(runtime, model, check, false, &found, RUNTIME_ERR(err)));
	bake_runtime_found_close(found);
	return BAKE_OK;
}
