/* SPDX-License-Identifier: Apache-2.0 */
/* The same model in several quantizations, of which one is enough. */
#ifndef CATALOG_FAMILY_H
#define CATALOG_FAMILY_H

#include <stddef.h>

/* An id up to the word that names a quantization or its container: "t5-xxl" of "t5-xxl-q4-k-s".
 * Returns its length; all of the id when it has none. */
size_t bake_family_len(const char *id);

/* How much is kept of the model, for comparing two of a family only: bits first, then what the
 * label adds. 0: the label is not known. */
unsigned bake_family_quality(const char *quantization);

#endif
