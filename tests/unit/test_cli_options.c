/* SPDX-License-Identifier: Apache-2.0 */
/* A command line read by its table, and what the table says of itself. */
#include "unit/rows.h"

#include <string.h>

#include "cli/options.h"
#include "unit/capture.h"

static const char *const colours[] = {"red", "green", "blue", NULL};

static struct {
	bool flag;
	unsigned count;
	const char *text;
	struct cli_list list;
	uint64_t number;
	uint64_t wait_ms;
	unsigned colour;
} got;

static const struct cli_option options[] = {
	{'f', "flag", NULL, "do it", CLI_FLAG, &got.flag, 0, 0, NULL},
	{'c', "count", NULL, "do it more", CLI_COUNT, &got.count, 0, 0, NULL},
	{'t', "text", "TEXT", "use TEXT", CLI_TEXT, &got.text, 0, 0, NULL},
	{'l', "list", "ITEM", "add ITEM", CLI_LIST, &got.list, 0, 0, NULL},
	{'n', "number", "N", "do it N times", CLI_NUMBER, &got.number, 1, 100, NULL},
	{0, "wait", "SECONDS", "wait SECONDS", CLI_SECONDS, &got.wait_ms, 0, 0, NULL},
	{0, "colour", "COLOUR", "paint it COLOUR, one that is long enough for a second line here",
		CLI_WORD, &got.colour, 0, 0, colours},
};

static const char *const notes[] = {"A note.", NULL};

static const struct cli_command command = {
	.name = "bake-try",
	.summary = "try things",
	.usage = "FILE [OTHER]",
	.options = options,
	.option_count = countof(options),
	.args_min = 1,
	.args_max = 2,
	.notes = notes,
};

/* What one run leaves in the options' values must not reach the next one. */
static void forget(void)
{
	size_t count;
	const struct cli_option *common = cli_common_options(&count);

	cli_list_release(&got.list);
	memset(&got, 0, sizeof(got));
	for (size_t i = 0; i < count; i++) {
		if (common[i].kind == CLI_FLAG)
			*(bool *)common[i].value = false;
		else
			*(unsigned *)common[i].value = 0;
	}
}

enum {
	WORDS_MAX = 8
};

static int count_of(char **words)
{
	int count = 0;

	while (count < WORDS_MAX && words[count])
		count++;
	return count;
}

/* want: the values as one line of text. */
static const struct good_row {
	const char *name;
	const char *words[WORDS_MAX];
	const char *want;
} good[] = {
	{"an argument", {"a"}, "a"},
	{"two arguments", {"a", "b"}, "a b"},
	{"a flag", {"-f", "a"}, "flag a"},
	{"a long flag behind the argument", {"a", "--flag"}, "flag a"},
	{"a flag twice", {"-f", "--flag", "a"}, "flag a"},
	{"a count", {"-ccc", "--count", "a"}, "count=4 a"},
	{"flags together", {"-fc", "a"}, "flag count=1 a"},
	{"a text", {"-t", "x", "a"}, "text=x a"},
	{"a text in the same word", {"-tx", "a"}, "text=x a"},
	{"a text behind flags", {"-fctx", "a"}, "flag count=1 text=x a"},
	{"a long text", {"--text", "x", "a"}, "text=x a"},
	{"a long text in the same word", {"--text=x", "a"}, "text=x a"},
	{"a text with equals signs", {"--text=x=y", "a"}, "text=x=y a"},
	{"a text that looks like an option", {"--text", "--flag", "a"}, "text=--flag a"},
	{"the last text counts", {"-tx", "-ty", "a"}, "text=y a"},
	{"a list", {"-l1", "--list", "2", "--list=3", "a"}, "list=1,2,3 a"},
	{"a number", {"-n", "5", "a"}, "number=5 a"},
	{"the least number", {"-n1", "a"}, "number=1 a"},
	{"the greatest number", {"--number=100", "a"}, "number=100 a"},
	{"seconds", {"--wait", "30", "a"}, "wait=30000 a"},
	{"parts of seconds", {"--wait=1.5", "a"}, "wait=1500 a"},
	{"milliseconds", {"--wait=0.001", "a"}, "wait=1 a"},
	{"most seconds", {"--wait=1000000", "a"}, "wait=1000000000 a"},
	{"a word", {"--colour", "blue", "a"}, "colour=2 a"},
	{"the end of options", {"-f", "--", "-c", "--flag"}, "flag -c --flag"},
	{"a dash is an argument", {"-", "a"}, "- a"},
	{"an empty argument is one", {""}, ""},
	{"everybody's options", {"--json", "-qvv", "a"}, "json quiet verbose=2 a"},
};

static void append(char *text, size_t room, const char *format, ...) BAKE_PRINTF(3, 4);

static void append(char *text, size_t room, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text + used, room - used, format, args);
	va_end(args);
}

static void describe_values(char *text, size_t room)
{
	if (got.flag)
		append(text, room, "flag ");
	if (got.count)
		append(text, room, "count=%u ", got.count);
	if (got.text)
		append(text, room, "text=%s ", got.text);
	for (size_t i = 0; i < got.list.count; i++)
		append(text, room, "%s%s%s", i ? "," : "list=", got.list.items[i],
			i + 1 == got.list.count ? " " : "");
	if (got.number)
		append(text, room, "number=%llu ", (unsigned long long)got.number);
	if (got.wait_ms)
		append(text, room, "wait=%llu ", (unsigned long long)got.wait_ms);
	if (got.colour)
		append(text, room, "colour=%u ", got.colour);
}

static void describe_common(const struct cli_common *common, char *text, size_t room)
{
	if (common->json)
		append(text, room, "json ");
	if (common->quiet)
		append(text, room, "quiet ");
	if (common->verbose)
		append(text, room, "verbose=%u ", common->verbose);
}

static enum bake_status parse(const char *const *words, struct cli_common *common,
	struct cli_list *args, struct bake_error *err)
{
	char *argv[WORDS_MAX + 1] = {(char *)(uintptr_t) "bake-try"};

	forget();
	for (size_t i = 0; i + 1 < WORDS_MAX && words[i]; i++)
		argv[i + 1] = (char *)(uintptr_t)words[i];
	return cli_parse(&command, count_of(argv), argv, common, args, err);
}

static void try_good(void **state)
{
	const struct good_row *row = *state;
	_cleanup_(cli_list_release) struct cli_list args = {NULL, 0};
	struct cli_common common = {.json = false};
	struct bake_error err = BAKE_ERROR_INIT;
	char text[300] = "";

	check_status(parse(row->words, &common, &args, &err), &err, BAKE_OK, NULL);
	describe_values(text, sizeof(text));
	describe_common(&common, text, sizeof(text));
	for (size_t i = 0; i < args.count; i++)
		append(text, sizeof(text), "%s%s", i ? " " : "", args.items[i]);
	forget();
	assert_string_equal(text, row->want);
}

static const struct bad_row {
	const char *name;
	const char *words[WORDS_MAX];
	const char *id;
	const char *message;
	const char *hint;
} bad[] = {
	{"no argument", {NULL}, "usage.arguments", "missing", "usage: bake-try FILE [OTHER]"},
	{"too many arguments", {"a", "b", "c"}, "usage.arguments", "too many", "usage: bake-try"},
	{"an unknown option", {"--zzzzzz", "a"}, "usage.option", "'--zzzzzz'", "--help lists"},
	{"a slip", {"--flga", "a"}, "usage.option", "'--flga'", "did you mean --flag?"},
	{"a slip of everybody's", {"--verson", "a"}, "usage.option", "'--verson'", "--version?"},
	{"a slip with a value", {"--colur=red", "a"}, "usage.option", "'--colur'", "--colour?"},
	{"no abbreviations", {"--num=5", "a"}, "usage.option", "'--num'", ""},
	{"an unknown letter", {"-z", "a"}, "usage.option", "'-z'", "--help lists"},
	{"an unknown letter among others", {"-fzc", "a"}, "usage.option", "'-z'", "--help lists"},
	{"a hostile option", {"--\x1b[2J", "a"}, "usage.option", "\\x1b[2J", ""},
	{"a hostile letter", {"-\x9b", "a"}, "usage.option", "\\x9b", ""},
	{"a flag with a value", {"--flag=yes", "a"}, "usage.value", "takes no value", ""},
	{"no value", {"a", "--text"}, "usage.value", "--text needs TEXT", ""},
	{"no value, by letter", {"a", "-n"}, "usage.value", "--number needs N", ""},
	{"an empty text", {"--text=", "a"}, "usage.value", "is not a value", ""},
	{"an empty number", {"--number=", "a"}, "usage.value", "is not a number", ""},
	{"a number too small", {"-n0", "a"}, "usage.value", "0 is not between 1 and 100", ""},
	{"a number too great", {"-n101", "a"}, "usage.value", "101 is not between", ""},
	{"a number far too great", {"-n99999999999999999999", "a"}, "usage.value",
		"is not a number", ""},
	{"a negative number", {"-n-1", "a"}, "usage.value", "'-1' is not a number", ""},
	{"a number and more", {"-n5x", "a"}, "usage.value", "'5x'", ""},
	{"negative seconds", {"--wait=-1", "a"}, "usage.value", "is not a number of seconds", ""},
	{"seconds to four places", {"--wait=1.0005", "a"}, "usage.value", "of seconds", ""},
	{"seconds with a bare point", {"--wait=1.", "a"}, "usage.value", "of seconds", ""},
	{"seconds without a whole", {"--wait=.5", "a"}, "usage.value", "of seconds", ""},
	{"seconds of letters", {"--wait=1.a", "a"}, "usage.value", "of seconds", ""},
	{"too many seconds", {"--wait=1000001", "a"}, "usage.value", "of seconds", ""},
	{"seconds with a unit", {"--wait=5s", "a"}, "usage.value", "of seconds", ""},
	{"an unknown word", {"--colour=zzz", "a"}, "usage.value", "'zzz' is not COLOUR", ""},
	{"a slip in a word", {"--colour=gren", "a"}, "usage.value", "'gren'",
		"did you mean green?"},
	{"a word in capitals", {"--colour=Red", "a"}, "usage.value", "'Red'", "red?"},
};

static void try_bad(void **state)
{
	const struct bad_row *row = *state;
	struct cli_list args = {NULL, 0};
	struct cli_common common = {.json = false};
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_status status = parse(row->words, &common, &args, &err);

	cli_list_release(&args);
	forget();
	check_status(status, &err, BAKE_ERR_USAGE, row->id);
	if (!strstr(err.message, row->message) || !strstr(err.hint, row->hint))
		print_error("message: %s\nhint: %s\n", err.message, err.hint);
	assert_non_null(strstr(err.message, row->message));
	assert_non_null(strstr(err.hint, row->hint));
}

static const char help_text[] =
	"bake-try - try things\n"
	"\n"
	"Usage: bake-try [OPTION...] FILE [OTHER]\n"
	"\n"
	"  -f, --flag                do it\n"
	"  -c, --count               do it more\n"
	"  -t, --text TEXT           use TEXT\n"
	"  -l, --list ITEM           add ITEM\n"
	"  -n, --number N            do it N times\n"
	"      --wait SECONDS        wait SECONDS\n"
	"      --colour COLOUR       paint it COLOUR, one that is long enough for a\n"
	"                            second line here\n"
	"\n"
	"      --json                write the result to standard output as JSON\n"
	"  -q, --quiet               say nothing but warnings and errors\n"
	"  -v, --verbose             say more\n"
	"  -h, --help                show this help\n"
	"      --help-exit-codes     show what the exit codes mean\n"
	"  -V, --version             show the version\n"
	"\n"
	"A note.\n";

/* Questions are answered whatever else is wrong with the line, and end the process. */
static const struct question_row {
	const char *name;
	const char *words[WORDS_MAX];
	const char *want; /* the whole output, or its beginning when it ends in a blank */
} questions[] = {
	{"help", {"--help"}, help_text},
	{"help by letter", {"-h"}, help_text},
	{"help among others", {"a", "b", "c", "--help", "-f"}, help_text},
	{"help before a mistake", {"-h", "--zzz"}, help_text},
	{"version", {"--version"}, "bake-try "},
	{"version by letter", {"-V"}, "bake-try "},
	{"exit codes", {"--help-exit-codes"}, "code  name "},
};

static int ask(void *context)
{
	struct cli_list args = {NULL, 0};
	struct cli_common common;
	struct bake_error err = BAKE_ERROR_INIT;

	return parse(context, &common, &args, &err) == BAKE_OK ? 100 : 101;
}

static void try_question(void **state)
{
	const struct question_row *row = *state;
	size_t len = strlen(row->want);
	struct captured out;

	capture(&out, ask, (void *)(uintptr_t)row->words);
	assert_int_equal(out.code, 0);
	if (row->want[len - 1] == ' ')
		out.text[len < out.len ? len : out.len] = '\0';
	assert_string_equal(out.text, row->want);
}

static void every_exit_code_is_told(void)
{
	static const char *const words[] = {"--help-exit-codes", NULL};
	struct captured out;
	unsigned count;
	const struct bake_status_info *table = bake_status_table(&count);

	capture(&out, ask, (void *)(uintptr_t)words);
	for (unsigned i = 0; i < count; i++) {
		char line[40];

		(void)snprintf(line, sizeof(line), "%4d  %s ", bake_exit_code(table[i].status),
			table[i].name);
		assert_non_null(strstr(out.text, line));
	}
}

static const struct scenario others[] = {
	{"every exit code is told", every_exit_code_is_told},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(good, try_good),
		ROWS(bad, try_bad),
		ROWS(questions, try_question),
		ROWS(others, play_scenario),
	};

	return run_rows("cli/options", tables, countof(tables));
}
