/* SPDX-License-Identifier: Apache-2.0 */
/* The scripts themselves: tables as case statements, and a function that walks them. */
#include <stdio.h>
#include <string.h>

#include "bakecli/completion.h"

/* Where a word leads, for bash and zsh. */
static void write_ways(const struct bakecli_tree *tree)
{
	(void)puts("_bake_next() {\n\tcase \"$1 $2\" in");
	for (size_t i = 0; i < tree->way_count; i++)
		(void)printf("\t'%s %s') echo '%s' ;;\n", tree->ways[i].from, tree->ways[i].word,
			tree->ways[i].to);
	(void)puts("\tesac\n}\n");
}

static void write_words(const struct bakecli_tree *tree)
{
	(void)puts("_bake_words() {\n\tcase \"$1\" in");
	for (size_t i = 0; i < tree->node_count; i++) {
		const char *name = tree->nodes[i].name;
		bool begun = false;

		for (size_t j = 0; j < tree->way_count; j++) {
			if (strcmp(tree->ways[j].from, name) != 0)
				continue;
			if (begun)
				(void)printf(" %s", tree->ways[j].word);
			else
				(void)printf("\t'%s') echo '%s", name, tree->ways[j].word);
			begun = true;
		}
		if (begun)
			(void)puts("' ;;");
	}
	(void)puts("\t'bake completion') echo 'bash zsh fish' ;;\n"
		   "\t'bake help') _bake_words bake ;;\n"
		   "\t'bake download') bake completion models 2> /dev/null ;;\n"
		   "\tesac\n}\n");
}

static void write_options(const struct bakecli_tree *tree)
{
	(void)puts("_bake_options() {\n\tcase \"$1\" in");
	for (size_t i = 0; i < tree->node_count; i++) {
		const struct bakecli_node *node = &tree->nodes[i];

		(void)printf("\t'%s') echo '", node->name);
		for (size_t j = 0; j < node->option_count; j++)
			(void)printf(j ? " %s" : "%s", node->options[j].name);
		(void)puts("' ;;");
	}
	(void)puts("\tesac\n}\n");
}

static void write_values(const struct bakecli_tree *tree)
{
	(void)puts("_bake_value() {\n\tcase \"$1 $2\" in");
	for (size_t i = 0; i < tree->node_count; i++) {
		const struct bakecli_node *node = &tree->nodes[i];

		for (size_t j = 0; j < node->option_count; j++) {
			const struct bakecli_option *option = &node->options[j];

			if (!option->arg[0])
				continue;
			if (option->letter)
				(void)printf("\t'%s -%c'|", node->name, option->letter);
			else
				(void)fputs("\t", stdout);
			(void)printf("'%s %s') echo %s ;;\n", node->name, option->name,
				bakecli_value_kind(option));
		}
	}
	(void)puts("\tesac\n}\n");
}

static void write_programs(const struct bakecli_tree *tree)
{
	for (size_t i = 0; i < tree->node_count; i++) {
		if (!strchr(tree->nodes[i].name, ' '))
			(void)printf(" %s", tree->nodes[i].name);
	}
	(void)putchar('\n');
}

void bakecli_write_bash(const struct bakecli_tree *tree)
{
	(void)puts("# bash completion for modelbake, made by: bake completion bash\n");
	write_ways(tree);
	write_words(tree);
	write_options(tree);
	write_values(tree);
	(void)fputs("_bake() {\n"
		    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
		    "\tlocal node=${COMP_WORDS[0]##*/} at next\n"
		    "\t# --name=value is three words here\n"
		    "\tif [ \"$cur\" = = ]; then\n"
		    "\t\tcur=\n"
		    "\telif [ \"$prev\" = = ]; then\n"
		    "\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
		    "\tfi\n"
		    "\tfor ((at = 1; at < COMP_CWORD; at++)); do\n"
		    "\t\tnext=$(_bake_next \"$node\" \"${COMP_WORDS[at]}\")\n"
		    "\t\t[ -n \"$next\" ] || break\n"
		    "\t\tnode=$next\n"
		    "\tdone\n"
		    "\tCOMPREPLY=()\n"
		    "\tcase $(_bake_value \"$node\" \"$prev\") in\n"
		    "\tdir) compopt -o dirnames 2> /dev/null; return ;;\n"
		    "\tfile) compopt -o default 2> /dev/null; return ;;\n"
		    "\tvalue) return ;;\n"
		    "\tesac\n"
		    "\tif [[ $cur == -* ]]; then\n"
		    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_bake_options \"$node\")\" -- "
		    "\"$cur\")\n"
		    "\telif [ -n \"$(_bake_words \"$node\")\" ]; then\n"
		    "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(_bake_words \"$node\")\" -- "
		    "\"$cur\")\n"
		    "\telse\n"
		    "\t\tcompopt -o default 2> /dev/null\n"
		    "\tfi\n"
		    "}\n\n"
		    "complete -F _bake",
		stdout);
	write_programs(tree);
}

void bakecli_write_zsh(const struct bakecli_tree *tree)
{
	(void)fputs("#compdef", stdout);
	write_programs(tree);
	(void)puts("# zsh completion for modelbake, made by: bake completion zsh\n");
	write_ways(tree);
	write_words(tree);
	write_options(tree);
	write_values(tree);
	(void)fputs("_bake() {\n"
		    "\tlocal node=${words[1]:t} at=2 next\n"
		    "\twhile (( at < CURRENT )); do\n"
		    "\t\tnext=$(_bake_next \"$node\" \"${words[at]}\")\n"
		    "\t\t[[ -n $next ]] || break\n"
		    "\t\tnode=$next\n"
		    "\t\t(( at++ ))\n"
		    "\tdone\n"
		    "\tcase $(_bake_value \"$node\" \"${words[CURRENT-1]}\") in\n"
		    "\tdir) _files -/; return ;;\n"
		    "\tfile) _files; return ;;\n"
		    "\tvalue) return ;;\n"
		    "\tesac\n"
		    "\tif [[ ${words[CURRENT]} == -* ]]; then\n"
		    "\t\tcompadd -- ${=$(_bake_options \"$node\")}\n"
		    "\telif [[ -n $(_bake_words \"$node\") ]]; then\n"
		    "\t\tcompadd -- ${=$(_bake_words \"$node\")}\n"
		    "\telse\n"
		    "\t\t_files\n"
		    "\tfi\n"
		    "}\n\n"
		    "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n"
		    "\t_bake \"$@\"\n"
		    "else\n"
		    "\tcompdef _bake",
		stdout);
	write_programs(tree);
	(void)puts("fi");
}

/* In fish's single quotes only these two need a backslash. */
static void write_quoted(const char *text)
{
	(void)putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			(void)putchar('\\');
		(void)putchar(*text);
	}
	(void)putchar('\'');
}

static void write_fish_options(
	const struct bakecli_node *node, const char *program, const char *when)
{
	for (size_t i = 0; i < node->option_count; i++) {
		const struct bakecli_option *option = &node->options[i];
		const char *kind = bakecli_value_kind(option);

		(void)printf("complete -c %s%s -l %s", program, when, option->name + 2);
		if (option->letter)
			(void)printf(" -s %c", option->letter);
		if (kind[0])
			(void)fputs(strcmp(kind, "value") == 0 ? " -x" : " -r", stdout);
		(void)fputs(" -d ", stdout);
		write_quoted(option->help);
		(void)putchar('\n');
	}
}

static const struct bakecli_node *find_node(const struct bakecli_tree *tree, const char *name)
{
	for (size_t i = 0; i < tree->node_count; i++) {
		if (strcmp(tree->nodes[i].name, name) == 0)
			return &tree->nodes[i];
	}
	return NULL;
}

/* What follows a word of a program, and what follows a word of that. */
static void write_fish_way(const struct bakecli_tree *tree, const struct bakecli_way *way)
{
	const struct bakecli_node *node = find_node(tree, way->to);
	char when[256];

	(void)printf("complete -c %s -n __fish_use_subcommand -a %s -d ", way->from, way->word);
	write_quoted(way->summary);
	(void)putchar('\n');
	(void)snprintf(when, sizeof(when), " -n '__fish_seen_subcommand_from %s'", way->word);
	if (node)
		write_fish_options(node, way->from, when);
	if (strcmp(way->from, "bake") != 0)
		return;
	for (size_t i = 0; i < tree->way_count; i++) {
		const struct bakecli_way *next = &tree->ways[i];

		if (strcmp(next->from, way->to) != 0)
			continue;
		(void)printf("complete -c bake%s -a %s -d ", when, next->word);
		write_quoted(next->summary);
		(void)putchar('\n');
	}
}

void bakecli_write_fish(const struct bakecli_tree *tree)
{
	(void)puts("# fish completion for modelbake, made by: bake completion fish\n");
	for (size_t i = 0; i < tree->node_count; i++) {
		if (!strchr(tree->nodes[i].name, ' '))
			write_fish_options(&tree->nodes[i], tree->nodes[i].name, "");
	}
	for (size_t i = 0; i < tree->way_count; i++)
		write_fish_way(tree, &tree->ways[i]);
	(void)puts("complete -c bake -n '__fish_seen_subcommand_from download' -f "
		   "-a '(bake completion models 2>/dev/null)'\n"
		   "complete -c bake -n '__fish_seen_subcommand_from completion' -f "
		   "-a 'bash zsh fish'");
}
