/* SPDX-License-Identifier: Apache-2.0 */
/* bake help: the manual where there is one, else what the tools say of themselves. */
#include <stdio.h>
#include <string.h>

#include "bakecli/commands.h"
#include "bakecli/tools.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/help.h"

static const struct cli_command command = {
	.name = "bake help",
	.summary = "open the manual of a tool or a topic",
	.usage = "[TOPIC]",
	.args_max = 1,
};

struct topic {
	const char *word;
	const char *section;
	const char *page;
	const char *program; /* whose --help answers without a manual; NULL: none does */
	const char *text;    /* what the topic is */
};

static const struct topic topics[] = {
	{"bake", "1", "bake", "bake", "this program"},
	{"exit-codes", "7", "bake", NULL, "what the exit codes mean"},
	{"errors", "7", "bake", NULL, "the ids of errors"},
	{"environment", "7", "bake", NULL, "variables, places and tokens"},
	{"manifest", "5", "bake-manifest", "bake-lock", "what a manifest may say"},
	{"libbake", "3", "libbake", NULL, "the library for servers"},
	{"menu", "1", "bake", "bake", "keys of the menu"},
};

static const struct topic *find_topic(const char *word)
{
	for (size_t i = 0; i < countof(topics); i++) {
		if (strcmp(topics[i].word, word) == 0)
			return &topics[i];
	}
	return NULL;
}

static const char *word_at(const void *context, size_t index)
{
	size_t count;
	const struct bakecli_tool *tools = bakecli_tools(&count);

	(void)context;
	return index < countof(topics) ? topics[index].word : tools[index - countof(topics)].word;
}

static void print_topics(void)
{
	size_t count;
	const struct bakecli_tool *tools = bakecli_tools(&count);

	(void)printf("Usage: bake help TOPIC\n\n");
	for (size_t i = 0; i < countof(topics); i++)
		(void)printf("  %-14s %s\n", topics[i].word, topics[i].text);
	for (size_t i = 0; i < count; i++)
		(void)printf("  %-14s %s\n", tools[i].word, tools[i].summary);
}

/* Whether man knows the page. */
static bool has_page(const char *section, const char *page)
{
	_cleanup_(bake_buf_release) struct bake_buf where = BAKE_BUF_INIT(65536);
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bakecli_words words = {.count = 0};

	bakecli_add(&words, "man");
	bakecli_add(&words, "-w");
	bakecli_add(&words, section);
	bakecli_add(&words, page);
	return bakecli_capture(&words, &where, &ignored) == BAKE_OK && where.len > 0;
}

static enum bake_status open_page(const char *section, const char *page, struct bake_error *err)
{
	struct bakecli_words words = {.count = 0};

	bakecli_add(&words, "man");
	bakecli_add(&words, section);
	bakecli_add(&words, page);
	return bakecli_exec(&words, err);
}

/* The exit codes are ours to print; else the tool, if one answers. */
static enum bake_status say(const struct topic *topic, struct bake_error *err)
{
	struct bakecli_words words = {.count = 0};

	if (strcmp(topic->word, "exit-codes") == 0) {
		cli_print_exit_codes();
		return BAKE_OK;
	}
	if (!topic->program) {
		bake_error_set(err, BAKE_ERR_NOINPUT, "bake.no-manual",
			"the manual page %s(%s) is not installed", topic->page, topic->section);
		return bake_error_hint(
			err, "it is docs/man/%s.%s.md in the source", topic->page, topic->section);
	}
	bakecli_add(&words, topic->program);
	bakecli_add(&words, "--help");
	return bakecli_exec(&words, err);
}

static enum bake_status of_tool(const char *word, char *page, size_t room, struct topic *out)
{
	const struct bakecli_short *shorts;
	size_t count;

	(void)snprintf(page, room, "bake-%s", word);
	shorts = bakecli_shorts(&count);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(shorts[i].word, word) == 0)
			(void)snprintf(page, room, "%s", shorts[i].program);
	}
	*out = (struct topic){word, "1", page, page, ""};
	return BAKE_OK;
}

static enum bake_status unknown(const char *word, struct bake_error *err)
{
	size_t count;
	const char *near;

	(void)bakecli_tools(&count);
	near = bake_text_nearest(word, countof(topics) + count, word_at, NULL);
	bake_error_set(
		err, BAKE_ERR_USAGE, "usage.command", "there is no help on '%s'", BAKE_SHOW(word));
	return near ? bake_error_hint(err, "did you mean %s?", near)
		    : bake_error_hint(err, "bake help lists the topics");
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	const struct topic *topic;
	struct bakecli_path path;
	struct topic made;
	char page[96];
	const char *word;

	(void)common;
	if (!args->count) {
		print_topics();
		return BAKE_OK;
	}
	word = args->items[0];
	if (bake_text_starts(word, "bake-"))
		word += strlen("bake-");
	topic = find_topic(word);
	if (!topic) {
		if (strlen(word) > 64 || of_tool(word, page, sizeof(page), &made) != BAKE_OK ||
			(!bakecli_find(page, &path) && !has_page("1", page)))
			return unknown(word, err);
		topic = &made;
	}
	if (has_page(topic->section, topic->page))
		return open_page(topic->section, topic->page, err);
	return say(topic, err);
}

const struct bakecli_command bakecli_help = {"help", &command, run};
