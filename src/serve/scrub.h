/* SPDX-License-Identifier: Apache-2.0 */
/* Text that others wrote, for people far away: no path of this machine, no query of a URL. */
#ifndef SERVE_SCRUB_H
#define SERVE_SCRUB_H

#include "base/buf.h"
#include "base/span.h"
#include "json/json.h"
#include "json/writer.h"

/* Appends text. Of an absolute path only its last component is left, and of a URL neither user nor
 * query: "'/app/models/a.gguf': no space" becomes "'a.gguf': no space". */
void bake_scrub(struct bake_span text, struct bake_buf *out);

/* The same of every text in the value, and of every key. */
void bake_scrub_value(struct bake_json_writer *writer, const struct bake_json *value);

#endif
