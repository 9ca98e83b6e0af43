#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# For HEALTHCHECK: is everything still there that was baked? Sizes and headers, no content, so it
# takes milliseconds. Models that came at run time are in the fallback directory and not looked at.
#
#   HEALTHCHECK CMD ["/usr/local/bin/healthcheck.sh"]
#
# An image without a shell calls bake-verify itself, as the Dockerfile of this repository does.
exec bake-verify --quick --quiet --models "${MODEL_CACHE_DIR:-/app/models}"
