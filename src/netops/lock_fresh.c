/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a lock answers its manifest: no network, nothing written. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "netops/locking.h"
#include "ops/document.h"

enum {
	ARENA_BYTES_MAX = 16 * 1024 * 1024
};

/* Why the pins of a model do not answer the manifest, NULL when they do. */
static enum bake_status look(const struct bake_lock *lock, const struct bake_model *model,
	const char **out_why, struct bake_error *err)
{
	const struct bake_lock_model *locked = bake_lock_find(lock, model->id);
	struct bake_digest spec;

	BAKE_TRY(bake_model_spec_digest(model, &spec, err));
	*out_why = NULL;
	if (!locked)
		*out_why = "is not in the lock";
	else if (!bake_digest_equal(&locked->spec, &spec))
		*out_why = "changed since it was locked";
	return BAKE_OK;
}

static enum bake_status look_at_all(const struct bake_lock_options *options,
	const struct bake_manifest *manifest, const struct bake_lock *lock,
	struct bake_lock_freshness *out, struct bake_error *err)
{
	const char *first_why = NULL;
	char more[40] = "";

	out->stale = bake_arena_array(&out->arena, manifest->model_count, sizeof(*out->stale));
	if (!out->stale)
		return bake_error_nomem(err);
	for (size_t i = 0; i < manifest->model_count; i++) {
		const struct bake_model *model = &manifest->models[i];
		const char *why;

		if (!bake_locking_in_scope(options, manifest, model))
			continue;
		BAKE_TRY(look(lock, model, &why, err));
		if (!why)
			continue;
		first_why = first_why ? first_why : why;
		out->stale[out->stale_count] = bake_arena_text(&out->arena, model->id);
		if (!out->stale[out->stale_count++])
			return bake_error_nomem(err);
	}
	if (!out->stale_count)
		return bake_check_fresh(manifest, lock, err);
	if (out->stale_count > 1)
		(void)snprintf(more, sizeof(more), " (and %zu more)", out->stale_count - 1);
	bake_error_set(err, BAKE_ERR_CONFIG, "lock.stale", "model '%s' %s%s",
		BAKE_SHOW(out->stale[0]), first_why, more);
	return bake_error_hint(err, "run bake-lock on the manifest and commit the new lock");
}

enum bake_status bake_lock_verify_fresh(const struct bake_lock_options *options,
	struct bake_lock_freshness *out, struct bake_error *err)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;
	_cleanup_(bake_lock_free) struct bake_lock *lock = NULL;
	enum bake_status status;

	*out = (struct bake_lock_freshness){.arena = {.max = ARENA_BYTES_MAX}};
	BAKE_TRY(bake_locking_place(options, out->path, err));
	BAKE_TRY(bake_load_manifest(options->manifest_path, &manifest, err));
	BAKE_TRY(bake_locking_check_names(manifest, options, err));
	BAKE_TRY(bake_locking_load_old(out->path, &lock, err));
	out->answered = true;
	if (!lock) {
		bake_error_set(err, BAKE_ERR_CONFIG, "lock.missing", "there is no lock '%s'",
			BAKE_SHOW(out->path));
		return bake_error_hint(err, "run bake-lock on the manifest and commit the lock");
	}
	status = look_at_all(options, manifest, lock, out, err);
	out->fresh = status == BAKE_OK;
	return status;
}

void bake_lock_freshness_release(struct bake_lock_freshness *freshness)
{
	bake_arena_release(&freshness->arena);
}
