/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog that a command answers from. */
#ifndef CATALOGCLI_LOAD_H
#define CATALOGCLI_LOAD_H

#include "catalog/open.h"
#include "cli/options.h"

/* What the options of every command say of it. */
struct catalogcli_which {
	struct cli_list manifests;
	struct cli_list locks;
	const char *models_dir;
	const char *index_path;
};

/* The rows of a command's table for those. */
#define CATALOGCLI_OPTIONS(which)                                                                  \
	{'m', "manifest", "FILE", "read this manifest, or those of a directory; may be repeated",  \
		CLI_LIST, &(which).manifests, 0, 0, NULL},                                         \
		{'l', "lock", "LOCK", "take pins from this lock; may be repeated", CLI_LIST,       \
			&(which).locks, 0, 0, NULL},                                               \
		{'d', "models", "DIR", "look there, not in $MODEL_CACHE_DIR or /app/models",       \
			CLI_TEXT, &(which).models_dir, 0, 0, NULL},                                \
	{                                                                                          \
		0, "index", "FILE", "read this index instead of DIR/model-info.json", CLI_TEXT,    \
			&(which).index_path, 0, 0, NULL                                            \
	}

/* Reads the documents and warns of what was left out. */
enum bake_status catalogcli_open(const struct catalogcli_which *which,
	struct bake_catalog_opened *out, struct bake_error *err) BAKE_CHECKED;

void catalogcli_release(struct catalogcli_which *which);

#endif
