/* SPDX-License-Identifier: Apache-2.0 */
/* The same index as other servers' clients ask for it. What an index does not say is left out, or
 * null where the key has to be there. */
#ifndef SERVE_VIEWS_H
#define SERVE_VIEWS_H

#include "base/buf.h"
#include "serve/snapshot.h"

/* GET /v1/models of OpenAI and vLLM: models that can be used. */
void bake_view_openai(const struct bake_snapshot *snapshot, struct bake_buf *out);

/* GET /api/tags of Ollama, likewise. */
void bake_view_ollama(const struct bake_snapshot *snapshot, struct bake_buf *out);

/* POST /api/show of Ollama. */
void bake_view_show(const struct bake_snapshot *snapshot, const struct bake_index_model *model,
	struct bake_buf *out);

/* GET /info of TGI. */
void bake_view_tgi(const struct bake_snapshot *snapshot, const struct bake_index_model *model,
	const char *generator, struct bake_buf *out);

/* The model that a server of one model would have: a default one, else the first that can be used;
 * NULL: none can. */
const struct bake_index_model *bake_view_main(const struct bake_snapshot *snapshot);

#endif
