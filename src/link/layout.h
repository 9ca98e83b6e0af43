/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where programs look for models: rules that give each kind of model a directory. Built in is
 * ComfyUI's tree; others are bake.layout/1 documents.
 */
#ifndef LINK_LAYOUT_H
#define LINK_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/relpath.h"
#include "base/span.h"

#define BAKE_LAYOUT_SCHEMA "bake.layout/1"

enum {
	BAKE_LAYOUT_BYTES_MAX = 1024 * 1024,
	BAKE_LAYOUT_RULES_MAX = 1024,
	BAKE_LAYOUT_WORD_MAX = 200
};

/* A condition: one of these words; count 0: any. */
struct bake_layout_words {
	const char *const *items;
	size_t count;
};

/* The conditions that are there must all hold. The first rule that holds decides. */
struct bake_layout_rule {
	struct bake_layout_words role;
	struct bake_layout_words category;
	struct bake_layout_words format;
	struct bake_relpath to; /* below the directory of links */
	bool whole;		/* the model's directory is linked, not its files */
};

struct bake_layout_tree {
	const char *name;
	const struct bake_layout_rule *rules;
	size_t rule_count;
	struct bake_arena arena; /* of one that was parsed */
};

/* The built-in one of that name, NULL when there is none. */
const struct bake_layout_tree *bake_layout_tree_find(const char *name);

/* Reads a bake.layout/1 document; release with bake_layout_tree_free. */
enum bake_status bake_layout_tree_parse(struct bake_span text, const char *document,
	struct bake_layout_tree **out, struct bake_error *err) BAKE_CHECKED;
void bake_layout_tree_free(struct bake_layout_tree **tree);

/* What a rule looks at; each may be NULL. '-', '_' and case make no difference. */
struct bake_layout_kind {
	const char *role;
	const char *category;
	const char *format;
};

/* The rule for such a model, NULL when the tree has no place for it. */
const struct bake_layout_rule *bake_layout_rule_for(
	const struct bake_layout_tree *tree, const struct bake_layout_kind *kind);

#endif
