/* SPDX-License-Identifier: Apache-2.0 */
/* A verification in progress. Inside ops only. */
#ifndef OPS_VERIFYING_H
#define OPS_VERIFYING_H

#include "manifest/lock.h"
#include "ops/verify.h"

/* Whether something of the model is there; comes after the files were checked. */
bool bake_verifying_any_there(
	const struct bake_verify_report *report, const struct bake_verify_model *model);

/*
 * Adds to the report, as one more model that is named after the layout, the links and texts that
 * belong around the models that are expected or there, compared with those beneath root. Comes
 * after the files were checked.
 */
enum bake_status bake_verifying_layout(enum bake_layout layout, const struct bake_lock *lock,
	int root, struct bake_verify_report *report, struct bake_error *err) BAKE_CHECKED;

/* Files that are right but can execute code become BAKE_FILE_REFUSED, unless the policy or their
 * may_execute allows it; quick options tell by the names alone. Comes after the files were checked. */
enum bake_status bake_verifying_pickles(const struct bake_verify_options *options, int root,
	struct bake_verify_report *report, struct bake_error *err) BAKE_CHECKED;

/* Looks at the structure of the files that are right. Comes after what may say that they are not, and
 * before the layout's entries are added. */
enum bake_status bake_verifying_structure(const struct bake_verify_options *options, int root,
	struct bake_verify_report *report, struct bake_error *err) BAKE_CHECKED;

/* Tries the probe with each model that is there and of which nothing is wrong. */
enum bake_status bake_verifying_probe(const struct bake_verify_options *options,
	struct bake_verify_report *report, struct bake_error *err) BAKE_CHECKED;

#endif
