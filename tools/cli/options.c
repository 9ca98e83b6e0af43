/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "cli/help.h"

static bool wants_help;
static bool wants_version;
static bool wants_exit_codes;
static struct cli_common parsed_common;

static const struct cli_option common_options[] = {
	{0, "json", NULL, "write the result to standard output as JSON", CLI_FLAG,
		&parsed_common.json, 0, 0, NULL},
	{'q', "quiet", NULL, "say nothing but warnings and errors", CLI_FLAG, &parsed_common.quiet,
		0, 0, NULL},
	{'v', "verbose", NULL, "say more", CLI_COUNT, &parsed_common.verbose, 0, 0, NULL},
	{'h', "help", NULL, "show this help", CLI_FLAG, &wants_help, 0, 0, NULL},
	{0, "help-exit-codes", NULL, "show what the exit codes mean", CLI_FLAG, &wants_exit_codes,
		0, 0, NULL},
	{'V', "version", NULL, "show the version", CLI_FLAG, &wants_version, 0, 0, NULL},
};

const struct cli_option *cli_common_options(size_t *out_count)
{
	*out_count = countof(common_options);
	return common_options;
}

void cli_list_release(struct cli_list *list)
{
	free(list->items);
	*list = (struct cli_list){NULL, 0};
}

static enum bake_status push(struct cli_list *list, const char *item, struct bake_error *err)
{
	const char **bigger = realloc(list->items, (list->count + 1) * sizeof(*bigger));

	if (!bigger)
		return bake_error_nomem(err);
	bigger[list->count++] = item;
	list->items = bigger;
	return BAKE_OK;
}

static const struct cli_option *option_at(const struct cli_command *command, size_t index)
{
	if (index < command->option_count)
		return &command->options[index];
	index -= command->option_count;
	return index < countof(common_options) ? &common_options[index] : NULL;
}

static const struct cli_option *find_long(
	const struct cli_command *command, const char *name, size_t len)
{
	const struct cli_option *option;

	for (size_t i = 0; (option = option_at(command, i)); i++) {
		if (strlen(option->name) == len && strncmp(option->name, name, len) == 0)
			return option;
	}
	return NULL;
}

static const struct cli_option *find_short(const struct cli_command *command, char name)
{
	const struct cli_option *option;

	for (size_t i = 0; (option = option_at(command, i)); i++) {
		if (option->short_name == name)
			return option;
	}
	return NULL;
}

static bool takes_argument(const struct cli_option *option)
{
	return option->kind != CLI_FLAG && option->kind != CLI_COUNT;
}

static enum bake_status bad_value(const struct cli_option *option, const char *text,
	const char *wanted, struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "--%s: '%s' is not %s",
		option->name, BAKE_SHOW(text), wanted);
}

static enum bake_status set_number(
	const struct cli_option *option, const char *text, struct bake_error *err)
{
	uint64_t number;

	if (!bake_number_parse(text, strlen(text), &number))
		return bad_value(option, text, "a number", err);
	if (number < option->min || number > option->max)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"--%s: %" PRIu64 " is not between %" PRIu64 " and %" PRIu64, option->name,
			number, option->min, option->max);
	*(uint64_t *)option->value = number;
	return BAKE_OK;
}

/* Seconds, with up to three digits behind a point, as milliseconds. */
static enum bake_status set_seconds(
	const struct cli_option *option, const char *text, struct bake_error *err)
{
	const char *point = strchr(text, '.');
	size_t whole_len = point ? (size_t)(point - text) : strlen(text);
	char thousandths[4] = "000";
	uint64_t whole;
	uint64_t part = 0;

	if (point && strlen(point + 1) >= 1 && strlen(point + 1) <= 3)
		memcpy(thousandths, point + 1, strlen(point + 1));
	if (!bake_number_parse(text, whole_len, &whole) || whole > 1000000 ||
		(point && (strlen(point + 1) < 1 || strlen(point + 1) > 3)) ||
		!bake_number_parse(thousandths, 3, &part))
		return bad_value(option, text, "a number of seconds", err);
	*(uint64_t *)option->value = whole * 1000 + part;
	return BAKE_OK;
}

/* Of a rate people write the "/s" or not. */
static enum bake_status set_bytes(
	const struct cli_option *option, const char *text, struct bake_error *err)
{
	_cleanup_free_ char *copy = strdup(text);
	uint64_t bytes;

	if (!copy)
		return bake_error_nomem(err);
	if (bake_text_ends(copy, "/s"))
		copy[strlen(copy) - 2] = '\0';
	if (!bake_bytes_parse(copy, &bytes) || bytes < option->min)
		return bad_value(option, text, "a size like 500K, 10MB or 1.5GiB", err);
	*(uint64_t *)option->value = bytes;
	return BAKE_OK;
}

static const char *word_at(const void *context, size_t index)
{
	return ((const char *const *)context)[index];
}

static enum bake_status set_word(
	const struct cli_option *option, const char *text, struct bake_error *err)
{
	size_t count = 0;
	const char *near;

	for (; option->words[count]; count++) {
		if (strcmp(option->words[count], text) == 0) {
			*(unsigned *)option->value = (unsigned)count;
			return BAKE_OK;
		}
	}
	bad_value(option, text, option->arg, err);
	near = bake_text_nearest(text, count, word_at, option->words);
	return near ? bake_error_hint(err, "did you mean %s?", near) : err->status;
}

static enum bake_status set_value(
	const struct cli_option *option, const char *text, struct bake_error *err)
{
	switch (option->kind) {
	case CLI_FLAG:
		*(bool *)option->value = true;
		return BAKE_OK;
	case CLI_COUNT:
		(*(unsigned *)option->value)++;
		return BAKE_OK;
	case CLI_TEXT:
		if (!text[0])
			return bad_value(option, text, "a value", err);
		*(const char **)option->value = text;
		return BAKE_OK;
	case CLI_LIST:
		return push(option->value, text, err);
	case CLI_NUMBER:
		return set_number(option, text, err);
	case CLI_BYTES:
		return set_bytes(option, text, err);
	case CLI_SECONDS:
		return set_seconds(option, text, err);
	case CLI_WORD:
	default:
		return set_word(option, text, err);
	}
}

struct names {
	const struct cli_command *command;
};

static const char *long_name(const void *context, size_t index)
{
	return option_at(((const struct names *)context)->command, index)->name;
}

static enum bake_status unknown_long(
	const struct cli_command *command, const char *text, size_t len, struct bake_error *err)
{
	_cleanup_free_ char *name = strndup(text, len);
	struct names names = {command};
	const char *near =
		name ? bake_text_nearest(name, command->option_count + countof(common_options),
			       long_name, &names)
		     : NULL;

	bake_error_set(err, BAKE_ERR_USAGE, "usage.option", "unknown option '--%s'",
		BAKE_SHOW_SPAN(text, len));
	if (near)
		return bake_error_hint(err, "did you mean --%s?", near);
	return bake_error_hint(err, "%s --help lists the options", command->name);
}

struct cursor {
	const struct cli_command *command;
	int argc;
	char **argv;
	int at;
};

/* The argument of an option: what follows in the same word, or the next word. */
static enum bake_status take_argument(struct cursor *cursor, const struct cli_option *option,
	const char *same_word, const char **out, struct bake_error *err)
{
	if (same_word) {
		*out = same_word;
		return BAKE_OK;
	}
	if (cursor->at + 1 >= cursor->argc)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value", "--%s needs %s",
			option->name, option->arg);
	*out = cursor->argv[++cursor->at];
	return BAKE_OK;
}

/* "--name", "--name=value" or "--name value". */
static enum bake_status take_long(struct cursor *cursor, struct bake_error *err)
{
	const char *text = cursor->argv[cursor->at] + 2;
	size_t len = strcspn(text, "=");
	const struct cli_option *option = find_long(cursor->command, text, len);
	const char *value = text[len] == '=' ? text + len + 1 : NULL;

	if (!option)
		return unknown_long(cursor->command, text, len, err);
	if (!takes_argument(option)) {
		if (value)
			return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
				"--%s takes no value", option->name);
		return set_value(option, "", err);
	}
	BAKE_TRY(take_argument(cursor, option, value, &value, err));
	return set_value(option, value, err);
}

/* "-x", "-xVALUE", "-x VALUE", and flags together as in "-qv". */
static enum bake_status take_short(struct cursor *cursor, struct bake_error *err)
{
	for (const char *at = cursor->argv[cursor->at] + 1; *at; at++) {
		const struct cli_option *option = find_short(cursor->command, *at);
		const char *value;

		if (!option) {
			bake_error_set(err, BAKE_ERR_USAGE, "usage.option", "unknown option '-%s'",
				BAKE_SHOW_SPAN(at, 1));
			return bake_error_hint(
				err, "%s --help lists the options", cursor->command->name);
		}
		if (!takes_argument(option)) {
			BAKE_TRY(set_value(option, "", err));
			continue;
		}
		BAKE_TRY(take_argument(cursor, option, at[1] ? at + 1 : NULL, &value, err));
		return set_value(option, value, err);
	}
	return BAKE_OK;
}

static enum bake_status take_words(
	struct cursor *cursor, struct cli_list *args, struct bake_error *err)
{
	bool only_arguments = false;

	for (cursor->at = 1; cursor->at < cursor->argc; cursor->at++) {
		const char *word = cursor->argv[cursor->at];

		if (only_arguments || word[0] != '-' || word[1] == '\0')
			BAKE_TRY(push(args, word, err));
		else if (strcmp(word, "--") == 0)
			only_arguments = true;
		else if (word[1] == '-')
			BAKE_TRY(take_long(cursor, err));
		else
			BAKE_TRY(take_short(cursor, err));
	}
	return BAKE_OK;
}

static void answer_questions(const struct cli_command *command)
{
	if (wants_help)
		cli_print_help(command);
	else if (wants_exit_codes)
		cli_print_exit_codes();
	else if (wants_version)
		cli_print_version(command);
	else
		return;
	exit(cli_flush() ? 0 : bake_exit_code(BAKE_ERR_IO));
}

enum bake_status cli_parse(const struct cli_command *command, int argc, char **argv,
	struct cli_common *common, struct cli_list *args, struct bake_error *err)
{
	struct cursor cursor = {.command = command, .argc = argc, .argv = argv};
	enum bake_status status = take_words(&cursor, args, err);

	answer_questions(command);
	if (status != BAKE_OK)
		return status;
	*common = parsed_common;
	if (args->count >= command->args_min && args->count <= command->args_max)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments",
		args->count < command->args_min ? "an argument is missing" : "too many arguments");
	return bake_error_hint(err, "usage: %s %s", command->name, command->usage);
}
