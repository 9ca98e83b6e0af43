/* SPDX-License-Identifier: Apache-2.0 */
/* The members of a model's entry that say what its files say. */
#ifndef INDEX_FACTS_H
#define INDEX_FACTS_H

#include "index/index.h"
#include "json/writer.h"

/* From facts, or from the text that was read. */
void bake_index_put_facts(struct bake_json_writer *writer, const struct bake_index_model *model);

#endif
