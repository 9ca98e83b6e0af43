/* SPDX-License-Identifier: Apache-2.0 */
/* A command line described by one table: parsing, --help and the check of the manual come from
 * it. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum cli_kind {
	CLI_FLAG,    /* bool */
	CLI_COUNT,   /* unsigned: how often it is given */
	CLI_TEXT,    /* const char *, not empty */
	CLI_LIST,    /* struct cli_list: may be given several times */
	CLI_NUMBER,  /* uint64_t in [min, max] */
	CLI_SECONDS, /* uint64_t milliseconds; "30", "1.5" */
	CLI_BYTES,   /* uint64_t, at least min: "10MB", "1.5GiB"; "/s" may follow */
	CLI_WORD,    /* unsigned: index in words */
};

struct cli_list {
	const char **items;
	size_t count;
};

struct cli_option {
	char short_name;  /* 0: none */
	const char *name; /* long name, without dashes */
	const char *arg;  /* what its argument is called, NULL for flags */
	const char *help; /* a phrase beginning with a verb */
	enum cli_kind kind;
	void *value;
	uint64_t min;
	uint64_t max;
	const char *const *words; /* NULL-ended */
};

struct cli_command {
	const char *name;    /* "bake-fetch", "bake-index build" */
	const char *summary; /* one line */
	const char *usage;   /* what follows the name: "-l LOCK [MODEL...]" */
	const struct cli_option *options;
	size_t option_count;
	size_t args_min;
	size_t args_max;
	const char *const *notes; /* NULL-ended paragraphs below the options */
};

/* What every tool understands. */
struct cli_common {
	bool json;
	bool quiet;
	unsigned verbose;
};

/* Reads argv[1...]. Options and arguments may be mixed; "--" ends options. --help, --version and
 * --help-exit-codes print and end the process. BAKE_ERR_USAGE otherwise; args->items is to be
 * freed. */
enum bake_status cli_parse(const struct cli_command *command, int argc, char **argv,
	struct cli_common *common, struct cli_list *args, struct bake_error *err) BAKE_CHECKED;

/* The options that cli_parse adds to every command. */
const struct cli_option *cli_common_options(size_t *out_count);

void cli_list_release(struct cli_list *list);

#endif
