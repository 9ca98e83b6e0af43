/* SPDX-License-Identifier: Apache-2.0 */
/* Why something baked is not there: a volume is mounted over it. */
#ifndef FS_HIDDEN_H
#define FS_HIDDEN_H

#include "base/error.h"

/* When dir, or a directory between it and path (NULL: none) is a mount point, a hint says so. */
void bake_hidden_hint(const char *dir, const char *path, struct bake_error *err);

#endif
