/* SPDX-License-Identifier: Apache-2.0 */
/* Going on to fetch what a plan chose, by bake-fetch. */
#ifndef CATALOGCLI_FETCHING_H
#define CATALOGCLI_FETCHING_H

#include <stdbool.h>

#include "catalog/recommend.h"

/*
 * Asks on the terminal, unless yes, and runs bake-fetch once for each lock, in the order of the plan.
 * Its talk and its output go to standard error. BAKE_ERR_CONFIG catalog.unlocked: something that was
 * chosen is not locked; BAKE_ERR_USAGE catalog.unconfirmed: nobody can be asked; catalog.fetch with
 * bake-fetch's own status. *out_done: it was wanted and fetched.
 */
enum bake_status catalogcli_fetch(const struct bake_recommend_plan *plan, const char *models_dir,
	bool yes, bool *out_done, struct bake_error *err) BAKE_CHECKED;

#endif
