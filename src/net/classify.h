/* SPDX-License-Identifier: Apache-2.0 */
/* What a failed transfer means: the one place that knows libcurl's codes. Inside net only. */
#ifndef NET_CLASSIFY_H
#define NET_CLASSIFY_H

#include <curl/curl.h>

#include "base/error.h"
#include "net/url.h"

/* detail is libcurl's own text, answered whether a status line had come. */
enum bake_status bake_classify(CURLcode code, const struct bake_origin *origin, const char *detail,
	bool answered, struct bake_error *err);

#endif
