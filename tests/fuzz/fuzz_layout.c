/* SPDX-License-Identifier: Apache-2.0 */
/* Layouts of any bytes: refused, or rules whose places are safe. And where links of any text lead. */
#include "fuzz/fuzz.h"

#include "link/layout.h"
#include "link/where.h"

static void check(const struct bake_layout_tree *tree)
{
	const struct bake_layout_kind kind = {"vae", "checkpoints", "gguf"};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_relpath again;

	CLAIM(tree->name && tree->rule_count > 0 && tree->rule_count <= BAKE_LAYOUT_RULES_MAX);
	for (size_t i = 0; i < tree->rule_count; i++)
		CLAIM(bake_relpath_parse(tree->rules[i].to.text, &again, &err) == BAKE_OK);
	(void)bake_layout_rule_for(tree, &kind);
}

static void lead(const uint8_t *data, size_t size)
{
	struct bake_arena arena = BAKE_ARENA_INIT(1 << 20);
	const char *text = bake_arena_copy(&arena, (const char *)data, size);
	const char *path = text ? bake_where_leads(&arena, "/a/b", text) : NULL;
	const char *way = path ? bake_where_relative(&arena, "/a/b", path) : NULL;
	const char *back = way ? bake_where_leads(&arena, "/a/b", way) : NULL;

	if (path)
		CLAIM(path[0] == '/' && !strstr(path, "/../") && !strstr(path, "//"));
	if (back)
		CLAIM(strcmp(back, path) == 0);
	bake_arena_release(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_layout_tree *tree = NULL;

	if (bake_layout_tree_parse(bake_span((const char *)data, size), "fuzz", &tree, &err) ==
		BAKE_OK)
		check(tree);
	else
		CLAIM(!tree && err.status != BAKE_OK);
	bake_layout_tree_free(&tree);
	if (size < 4096)
		lead(data, size);
	return 0;
}
