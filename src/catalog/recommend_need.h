/* SPDX-License-Identifier: Apache-2.0 */
/* What a model needs beside space, and whether that is there. */
#ifndef CATALOG_RECOMMEND_NEED_H
#define CATALOG_RECOMMEND_NEED_H

#include "catalog/recommend.h"

/* Sets item->memory, and when the model cannot run as wished its verdict and why. True: it can, as far
 * as is known. */
bool bake_need_check(struct bake_recommend_item *item, const struct bake_recommend_wish *wish);

#endif
