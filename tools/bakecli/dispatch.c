/* SPDX-License-Identifier: Apache-2.0 */
/* From the first word to what it means. */
#include <stdio.h>
#include <string.h>

#include "bakecli/commands.h"
#include "bakecli/tools.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/report.h"

enum {
	WORD_MAX = 64
};

static const struct bakecli_command *const commands[] = {
	&bakecli_download,
	&bakecli_download_defaults,
	&bakecli_completion,
	&bakecli_help,
	&bakecli_menu_command,
};

static const struct bakecli_short shorts[] = {
	{"list", "bake-catalog", "list", "what there is to bake"},
	{"search", "bake-catalog", "search", "find models by what people call them"},
	{"recommend", "bake-catalog", "recommend", "what to fetch into the space there is"},
	{"storage", "bake-catalog", "storage", "what takes the space, and what may go"},
	{"history", "bake-catalog", "history", "what was fetched when, and how it went"},
	{"profiles", "bake-catalog", "profiles", "sets of models that belong together"},
	{"import", "bake-catalog", "import", "make a manifest of another tool's list"},
};

const struct bakecli_short *bakecli_shorts(size_t *out_count)
{
	*out_count = countof(shorts);
	return shorts;
}

const struct bakecli_command *const *bakecli_commands(size_t *out_count)
{
	*out_count = countof(commands);
	return commands;
}

void bakecli_print_help(void)
{
	size_t count;
	const struct bakecli_tool *tools = bakecli_tools(&count);

	(void)printf("bake - put models into images: every modelbake tool by one name\n\n"
		     "Usage: bake [COMMAND [ARGUMENT...]]\n\n"
		     "Without a command, on a terminal, a menu opens.\n\n");
	for (size_t i = 0; i < countof(shorts); i++)
		(void)printf("  %-18s %s\n", shorts[i].word, shorts[i].summary);
	for (size_t i = 0; i < countof(commands); i++)
		(void)printf("  %-18s %s\n", commands[i]->word, commands[i]->command->summary);
	(void)putchar('\n');
	for (size_t i = 0; i < count; i++)
		(void)printf("  %-18s %s\n", tools[i].word, tools[i].summary);
	(void)printf("\nEvery other NAME runs the program bake-NAME.\n"
		     "bake NAME --help says more; bake help TOPIC opens the manual.\n\n"
		     "  -h, --help                show this help\n"
		     "      --help-exit-codes     show what the exit codes mean\n"
		     "  -V, --version             show the version\n");
}

/* All words that mean something, one after the other. */
static const char *word_at(const void *context, size_t index)
{
	size_t count;
	const struct bakecli_tool *tools = bakecli_tools(&count);

	(void)context;
	if (index < countof(shorts))
		return shorts[index].word;
	index -= countof(shorts);
	if (index < countof(commands))
		return commands[index]->word;
	index -= countof(commands);
	return index < count ? tools[index].word : "";
}

static enum bake_status unknown(const char *word, struct bake_error *err)
{
	size_t count;
	const char *near;

	(void)bakecli_tools(&count);
	near = bake_text_nearest(word, countof(shorts) + countof(commands) + count, word_at, NULL);
	bake_error_set(
		err, BAKE_ERR_USAGE, "usage.command", "unknown command '%s'", BAKE_SHOW(word));
	return near ? bake_error_hint(err, "did you mean %s?", near)
		    : bake_error_hint(err, "bake --help lists them");
}

/* A word that may be part of a program's name. */
static bool is_word(const char *word)
{
	size_t len = strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return len > 0 && len <= WORD_MAX && !word[len] && word[0] != '-';
}

static bool is_tool(const char *word)
{
	size_t count;
	const struct bakecli_tool *tools = bakecli_tools(&count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(tools[i].word, word) == 0)
			return true;
	}
	return false;
}

/* program [command] and the words behind ours. */
static enum bake_status pass_on(
	const char *program, const char *command, int argc, char **argv, struct bake_error *err)
{
	struct bakecli_words words = {.count = 0};

	bakecli_add(&words, program);
	if (command)
		bakecli_add(&words, command);
	for (int i = 2; i < argc; i++)
		bakecli_add(&words, argv[i]);
	return bakecli_exec(&words, err);
}

enum bake_status bakecli_dispatch(int argc, char **argv, struct bake_error *err)
{
	const char *word = argv[1];
	char program[WORD_MAX + 8];
	struct bakecli_path path;

	for (size_t i = 0; i < countof(commands); i++) {
		if (strcmp(commands[i]->word, word) == 0)
			return cli_run(
				commands[i]->command, argc - 1, argv + 1, commands[i]->run, err);
	}
	cli_expect_json(cli_asks_json(argc, argv));
	for (size_t i = 0; i < countof(shorts); i++) {
		if (strcmp(shorts[i].word, word) == 0)
			return pass_on(shorts[i].program, shorts[i].command, argc, argv, err);
	}
	if (word[0] == '-') {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.option", "unknown option '%s'",
			BAKE_SHOW(word));
		return bake_error_hint(err, "bake --help lists what there is");
	}
	if (!is_word(word))
		return unknown(word, err);
	(void)snprintf(program, sizeof(program), "bake-%s", word);
	if (!is_tool(word) && !bakecli_find(program, &path))
		return unknown(word, err);
	return pass_on(program, NULL, argc, argv, err);
}
