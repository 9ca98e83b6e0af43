/* SPDX-License-Identifier: Apache-2.0 */
/* What opens doors does not belong into a URL. */
#ifndef BASE_URL_SECRET_H
#define BASE_URL_SECRET_H

#include "base/error.h"

/* A URL that a person gave must not carry a secret: user information, or a query that is a token
 * or a signature. BAKE_ERR_POLICY policy.secret-in-url, which does not repeat it. */
enum bake_status bake_url_check_secret(const char *url, struct bake_error *err) BAKE_CHECKED;

#endif
