/* SPDX-License-Identifier: Apache-2.0 */
/* What a shell can complete, read from the tools' own help, so that it is never behind them. */
#ifndef BAKECLI_COMPLETION_H
#define BAKECLI_COMPLETION_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

enum {
	BAKECLI_NODES_MAX = 96,
	BAKECLI_NODE_OPTIONS_MAX = 96
};

struct bakecli_option {
	char letter;	  /* 0: none */
	const char *name; /* with its dashes */
	const char *arg;  /* "" for a flag */
	const char *help; /* the first line of it */
};

/* A program, or a command of one: "bake", "bake-fetch", "bake-index build". */
struct bakecli_node {
	const char *name;
	const char *summary;
	struct bakecli_option options[BAKECLI_NODE_OPTIONS_MAX];
	size_t option_count;
};

/* The way from a node to another by a word: "bake" and "fetch" lead to "bake-fetch". */
struct bakecli_way {
	const char *from;
	const char *word;
	const char *to;
	const char *summary;
};

struct bakecli_tree {
	struct bake_arena arena; /* owns all text */
	struct bakecli_node nodes[BAKECLI_NODES_MAX];
	size_t node_count;
	struct bakecli_way ways[BAKECLI_NODES_MAX * 2];
	size_t way_count;
};

/* What completes the value of an option: "dir", "file", or "value" when nothing does. */
const char *bakecli_value_kind(const struct bakecli_option *option);

/* The scripts, to standard output. */
void bakecli_write_bash(const struct bakecli_tree *tree);
void bakecli_write_zsh(const struct bakecli_tree *tree);
void bakecli_write_fish(const struct bakecli_tree *tree);

#endif
