/* SPDX-License-Identifier: Apache-2.0 */
/* What the names of files say of a model. A first form: readers of the formats know more. */
#ifndef INDEX_NAMES_H
#define INDEX_NAMES_H

#include "index/index.h"

/* "diffusers", "transformers", "gguf", "safetensors"; NULL when the names are of none of them. */
const char *bake_names_format(const struct bake_index_file *files, size_t count);

/* Whether a file's name is that of a multimodal projector, which goes with a language model. */
bool bake_names_is_projector(const char *path);

/* A quantization label that stands in the name as a word, e.g. "Q4_K_M"; NULL when none does. */
const char *bake_names_quantization(const char *name);

#endif
