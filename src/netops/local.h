/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a lock whose source lies beside it. */
#ifndef NETOPS_LOCAL_H
#define NETOPS_LOCAL_H

#include "base/error.h"
#include "manifest/lock.h"

/* The directory that a document lies in. */
enum bake_status bake_local_dir_of(
	const char *document_path, int *out_fd, struct bake_error *err) BAKE_CHECKED;

/*
 * Opens the file that a model's source and a file's name lead to: the source itself when it ends
 * in the name, else the name beneath it. *out_name, when not NULL, receives its path beneath dir,
 * to be freed.
 */
enum bake_status bake_local_open(int dir, const struct bake_lock_model *model,
	const struct bake_lock_file *file, int *out_fd, char **out_name,
	struct bake_error *err) BAKE_CHECKED;

#endif
