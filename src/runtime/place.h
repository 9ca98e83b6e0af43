/* SPDX-License-Identifier: Apache-2.0 */
/* A model in a directory: every file opened once beneath it, and checked while it is open. */
#ifndef RUNTIME_PLACE_H
#define RUNTIME_PLACE_H

#include "runtime/inner.h"

/*
 * BAKE_ERR_UNAVAILABLE index.not-local: something is not there. BAKE_ERR_INTEGRITY or
 * BAKE_ERR_DATA: it is wrong. What is found has its origin yet to be said.
 */
enum bake_status bake_place_check(const char *dir, const struct bake_index_choice *choice,
	enum bake_runtime_check level, struct bake_runtime_found **out,
	struct bake_error *err) BAKE_CHECKED;

/* The same file as the one that st was of? */
bool bake_place_same(const struct stat *a, const struct stat *b);

#endif
