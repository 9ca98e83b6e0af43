/* SPDX-License-Identifier: Apache-2.0 */
/* Where the Hub's token comes from. Never from an argument. */
#ifndef NETOPS_TOKEN_H
#define NETOPS_TOKEN_H

#include "base/error.h"
#include "base/event.h"
#include "net/http.h"

struct bake_token {
	char text[BAKE_TOKEN_MAX]; /* "" when there is none; wipe with explicit_bzero */
};

/*
 * file when it is given; else /run/secrets/hf_token or /run/secrets/HF_TOKEN, $HF_TOKEN, the file
 * $HF_TOKEN_PATH. White space around it is cut off; anything but printable ASCII inside is
 * BAKE_ERR_DATA auth.token-format. A token in the environment of an image build gets a warning:
 * it may stay in the image's history.
 */
enum bake_status bake_token_read(const char *file, const struct bake_events *events,
	struct bake_token *out, struct bake_error *err) BAKE_CHECKED;

#endif
