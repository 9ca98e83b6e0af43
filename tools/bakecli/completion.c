/* SPDX-License-Identifier: Apache-2.0 */
/* bake completion. */
#include "bakecli/completion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bakecli/commands.h"
#include "bakecli/locks.h"
#include "bakecli/tools.h"
#include "base/cleanup.h"
#include "base/text.h"

enum {
	HELP_BYTES_MAX = 256 * 1024,
	TEXT_BYTES_MAX = 4 * 1024 * 1024,
	DEPTH_MAX = 2 /* a tool and its commands */
};

static const char *const notes[] = {
	"bash: bake completion bash > ~/.local/share/bash-completion/completions/bake, and "
	"the same for the other tools' names, or: source <(bake completion bash). zsh: bake "
	"completion zsh > a file _bake in a directory of $fpath. fish: bake completion fish > "
	"~/.config/fish/completions/bake.fish.",
	NULL,
};

static const struct cli_command command = {
	.name = "bake completion",
	.summary = "print what lets bash, zsh or fish complete commands",
	.usage = "bash|zsh|fish",
	.args_min = 1,
	.args_max = 1,
	.notes = notes,
};

static const char *keep(struct bakecli_tree *tree, const char *text, size_t len)
{
	const char *copy = bake_arena_copy(&tree->arena, text, len);

	return copy ? copy : "";
}

static bool is_name(const char *text, size_t len)
{
	return len > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") >= len;
}

/* "  -l, --lock LOCK      fetch ..." or "      --all    select ...". */
static void read_option(struct bakecli_tree *tree, struct bakecli_node *node, const char *line)
{
	struct bakecli_option *option = &node->options[node->option_count];
	bool letter = line[2] == '-' && line[4] == ',';
	const char *name = line + 6;
	size_t len = strcspn(name, " ");
	const char *arg = name + len + (name[len] == ' ');
	size_t arg_len = strcspn(arg, " ");
	const char *help;

	if (node->option_count == BAKECLI_NODE_OPTIONS_MAX || !is_name(name, len))
		return;
	if (arg[0] == ' ')
		arg_len = 0;
	help = arg + arg_len;
	help += strspn(help, " ");
	*option = (struct bakecli_option){
		.name = keep(tree, name, len),
		.arg = keep(tree, arg, arg_len),
		.help = keep(tree, help, strlen(help)),
	};
	if (letter)
		option->letter = line[3];
	node->option_count++;
}

static void add_way(struct bakecli_tree *tree, const char *from, const char *word, const char *to,
	const char *summary)
{
	if (tree->way_count < countof(tree->ways))
		tree->ways[tree->way_count++] = (struct bakecli_way){from, word, to, summary};
}

static void read_node(struct bakecli_tree *tree, const char *name, const char *summary, int depth);

/* "  bake-index build      make ...": a command of the node. */
static void read_command(
	struct bakecli_tree *tree, const struct bakecli_node *node, const char *line, int depth)
{
	size_t len = strlen(node->name);
	const char *word = line + 2 + len + 1;
	size_t word_len = strcspn(word, " ");
	const char *summary = word + word_len + strspn(word + word_len, " ");
	const char *full;

	if (!is_name(word, word_len) || depth >= DEPTH_MAX)
		return;
	full = keep(tree, line + 2, len + 1 + word_len);
	summary = keep(tree, summary, strlen(summary));
	add_way(tree, node->name, keep(tree, word, word_len), full, summary);
	read_node(tree, full, summary, depth + 1);
}

static void read_lines(struct bakecli_tree *tree, struct bakecli_node *node, char *text, int depth)
{
	char *rest = text;
	char *line;

	while ((line = strsep(&rest, "\n"))) {
		if (strlen(line) > 8 && strncmp(line, "  ", 2) == 0 &&
			strncmp(line + 6, "--", 2) == 0)
			read_option(tree, node, line);
		else if (strncmp(line, "  ", 2) == 0 &&
			 strncmp(line + 2, node->name, strlen(node->name)) == 0 &&
			 line[2 + strlen(node->name)] == ' ')
			read_command(tree, node, line, depth);
	}
}

/* The help of a program that is not there, or fails, completes nothing. */
static void read_node(struct bakecli_tree *tree, const char *name, const char *summary, int depth)
{
	_cleanup_(bake_buf_release) struct bake_buf help = BAKE_BUF_INIT(HELP_BYTES_MAX);
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bakecli_words words = {.count = 0};
	const char *space = strchr(name, ' ');
	struct bakecli_node *node;

	if (tree->node_count == BAKECLI_NODES_MAX)
		return;
	bakecli_add(&words, space ? keep(tree, name, (size_t)(space - name)) : name);
	if (space)
		bakecli_add(&words, space + 1);
	bakecli_add(&words, "--help");
	if (bakecli_capture(&words, &help, &ignored) != BAKE_OK || !help.len)
		return;
	node = &tree->nodes[tree->node_count++];
	node->name = name;
	node->summary = summary;
	read_lines(tree, node, help.ptr, depth);
}

static bool has_node(const struct bakecli_tree *tree, const char *name)
{
	for (size_t i = 0; i < tree->node_count; i++) {
		if (strcmp(tree->nodes[i].name, name) == 0)
			return true;
	}
	return false;
}

static const char *format(struct bakecli_tree *tree, const char *a, const char *b)
{
	char text[128];
	int len = snprintf(text, sizeof(text), "%s%s", a, b);

	return keep(tree, text, len < 0 ? 0 : strlen(text));
}

static void read_own(struct bakecli_tree *tree)
{
	size_t count;
	const struct bakecli_command *const *commands = bakecli_commands(&count);

	for (size_t i = 0; i < count; i++) {
		const char *name = format(tree, "bake ", commands[i]->word);

		add_way(tree, "bake", commands[i]->word, name, commands[i]->command->summary);
		read_node(tree, name, commands[i]->command->summary, DEPTH_MAX);
	}
}

static void read_tools(struct bakecli_tree *tree)
{
	size_t count;
	const struct bakecli_tool *tools = bakecli_tools(&count);
	const struct bakecli_short *shorts;

	for (size_t i = 0; i < count; i++) {
		const char *name = format(tree, "bake-", tools[i].word);

		read_node(tree, name, tools[i].summary, 1);
		if (has_node(tree, name))
			add_way(tree, "bake", tools[i].word, name, tools[i].summary);
	}
	shorts = bakecli_shorts(&count);
	for (size_t i = 0; i < count; i++) {
		char name[128];

		(void)snprintf(name, sizeof(name), "%s %s", shorts[i].program, shorts[i].command);
		if (has_node(tree, name))
			add_way(tree, "bake", shorts[i].word, format(tree, name, ""),
				shorts[i].summary);
	}
}

const char *bakecli_value_kind(const struct bakecli_option *option)
{
	static const char *const files[] = {
		"FILE", "LOCK", "MANIFEST", "KEY", "OUT", "PATH", "INDEX", "REGISTRY"};

	if (!option->arg[0])
		return "";
	if (strcmp(option->arg, "DIR") == 0)
		return "dir";
	for (size_t i = 0; i < countof(files); i++) {
		if (strcmp(option->arg, files[i]) == 0)
			return "file";
	}
	return "value";
}

/* The models that there are locks for, for scripts that complete "bake download". */
static enum bake_status print_ids(struct bake_error *err)
{
	_cleanup_(bakecli_locks_release) struct bakecli_locks locks = {.count = 0};

	BAKE_TRY(bakecli_locks_open(NULL, &locks, err));
	for (size_t i = 0; i < locks.count; i++) {
		for (size_t j = 0; j < locks.items[i].lock->model_count; j++)
			(void)printf("%s\n", BAKE_SHOW(locks.items[i].lock->models[j].id));
	}
	return BAKE_OK;
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	static const struct {
		const char *shell;
		void (*write)(const struct bakecli_tree *tree);
	} shells[] = {
		{"bash", bakecli_write_bash},
		{"zsh", bakecli_write_zsh},
		{"fish", bakecli_write_fish},
	};
	_cleanup_free_ struct bakecli_tree *tree = NULL;

	(void)common;
	if (strcmp(args->items[0], "models") == 0)
		return print_ids(err);
	for (size_t i = 0; i < countof(shells); i++) {
		if (strcmp(shells[i].shell, args->items[0]) != 0)
			continue;
		tree = calloc(1, sizeof(*tree));
		if (!tree)
			return bake_error_nomem(err);
		tree->arena.max = TEXT_BYTES_MAX;
		read_node(tree, "bake", "", DEPTH_MAX);
		read_own(tree);
		read_tools(tree);
		shells[i].write(tree);
		bake_arena_release(&tree->arena);
		return BAKE_OK;
	}
	bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "no completion for '%s'",
		BAKE_SHOW(args->items[0]));
	return bake_error_hint(err, "there is bash, zsh and fish");
}

const struct bakecli_command bakecli_completion = {"completion", &command, run};
