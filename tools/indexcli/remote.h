/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at a remote file without a line of network code here: bake-fetch --peek brings its
 * beginning through a pipe, with its own rules for origins, tokens and private addresses.
 */
#ifndef INDEXCLI_REMOTE_H
#define INDEXCLI_REMOTE_H

#include <stdbool.h>

#include "base/error.h"
#include "cli/options.h"
#include "ops/inspect.h"

/* Options that bake-fetch gets as they are. */
struct indexcli_remote {
	const char *endpoint;
	struct cli_list mirrors;
	const char *token_file;
	bool allow_http;
	bool allow_private;
	bool offline;
};

/* Whether it is "https://...", "http://..." or "hf://..." and no path. */
bool indexcli_is_remote(const char *what);

/* A failure of bake-fetch is the failure here, with its id, message and hint. */
enum bake_status indexcli_inspect_remote(const char *url, const struct indexcli_remote *remote,
	const struct bake_inspect_options *options, struct bake_inspection **out,
	struct bake_error *err) BAKE_CHECKED;

#endif
