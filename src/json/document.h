/* SPDX-License-Identifier: Apache-2.0 */
/* A document from inside, for this module only. */
#ifndef JSON_DOCUMENT_H
#define JSON_DOCUMENT_H

#include "json/json.h"
#include "json/tree.h"

struct bake_json_doc {
	struct bake_span text; /* borrowed: for lines in messages */
	char name[256];	       /* for messages; a longer one is cut */
	struct json_tree *tree;
};

#endif
