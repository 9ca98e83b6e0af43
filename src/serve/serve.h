/* SPDX-License-Identifier: Apache-2.0 */
/* bake-serve: what a models directory holds, over HTTP. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "http/listen.h"

enum {
	BAKE_SERVE_FETCH_OPTIONS_MAX = 32
};

/* A file that is part of the program. */
struct bake_asset {
	const char *path; /* "/", "/app.js" */
	const char *type;
	const unsigned char *bytes;
	size_t len;
	const char *sha256; /* hex */
};

struct bake_serve_options {
	struct bake_http_address address;
	const char *models_dir;
	const char *index_path;	  /* NULL: models_dir/model-info.json */
	const char *fallback_dir; /* where missing models may be fetched to; NULL: nowhere */
	const char *lock_path;	  /* what bake-fetch is given; NULL: nothing is fetched */
	const char *const *fetch_options; /* given to bake-fetch as well */
	size_t fetch_option_count;
	const char
		*state_path; /* state.json of a fetch; NULL: of the fallback or models directory */
	const char *metrics_path; /* what a runtime logged, for POST /reconcile; NULL: nothing */
	const char
		*programs_dir; /* where bake-fetch and bake-verify are; NULL: beside this program */
	const char *admin_token; /* NULL: nothing that changes something may be asked for */
	const char *const *hosts;
	size_t host_count;
	unsigned connections_max; /* 0: the default */
	unsigned threads;	  /* 0: by processors */
	const char *generator;	  /* "bake-serve 0.1.0" */
	const struct bake_asset *assets;
	size_t asset_count;
	/* A line for the log: printable. */
	void (*say)(bool warning, const char *text);
};

/* Serves until a signal asks to stop: that is BAKE_OK. */
enum bake_status bake_serve(
	const struct bake_serve_options *options, struct bake_error *err) BAKE_CHECKED;

/* A token from a file: one line of BAKE_HTTP_TOKEN_MIN to _MAX visible characters. */
enum bake_status bake_serve_read_token(
	const char *path, char *token, size_t room, struct bake_error *err) BAKE_CHECKED;

#endif
