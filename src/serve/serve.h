/* SPDX-License-Identifier: Apache-2.0 */
/* bake-serve: what a models directory holds, over HTTP. Reads only. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "http/listen.h"

struct bake_serve_options {
	struct bake_http_address address;
	const char *models_dir;
	const char *index_path;	  /* NULL: models_dir/model-info.json */
	const char *fallback_dir; /* where missing models may be; NULL: nowhere */
	const char *const *hosts; /* names a Host header may have beyond this machine's */
	size_t host_count;
	unsigned threads;      /* 0: by processors */
	const char *generator; /* "bake-serve 0.1.0" */
	/* A line for the log: printable. */
	void (*say)(bool warning, const char *text);
};

/* Serves until a signal asks to stop: that is BAKE_OK. */
enum bake_status bake_serve(
	const struct bake_serve_options *options, struct bake_error *err) BAKE_CHECKED;

#endif
