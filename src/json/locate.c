/* SPDX-License-Identifier: Apache-2.0 */
#include "json/locate.h"

#include <stdbool.h>
#include <string.h>

struct scan {
	const char *at;
	const char *end;
	unsigned line;
};

static void skip_blank(struct scan *scan)
{
	while (scan->at < scan->end && strchr(" \t\r\n,:", *scan->at)) {
		if (*scan->at == '\n')
			scan->line++;
		scan->at++;
	}
}

/* Past a string; *key_matches tells whether it spells key. A key written with escapes is not
 * decoded: then the line of its object is reported, which is near enough. */
static void skip_string(struct scan *scan, const char *key, bool *key_matches)
{
	const char *begin = ++scan->at;

	while (scan->at < scan->end && *scan->at != '"')
		scan->at += *scan->at == '\\' ? 2 : 1;
	if (scan->at > scan->end)
		scan->at = scan->end;
	*key_matches = key && strlen(key) == (size_t)(scan->at - begin) &&
		       memcmp(key, begin, strlen(key)) == 0;
	if (scan->at < scan->end)
		scan->at++;
}

/* Past any value: brackets are counted, no recursion. */
static void skip_value(struct scan *scan)
{
	size_t depth = 0;
	bool ignored;

	do {
		skip_blank(scan);
		if (scan->at >= scan->end)
			return;
		if (*scan->at == '"') {
			skip_string(scan, NULL, &ignored);
		} else if (*scan->at == '{' || *scan->at == '[') {
			depth++;
			scan->at++;
		} else if (*scan->at == '}' || *scan->at == ']') {
			depth -= depth ? 1 : 0;
			scan->at++;
		} else {
			while (scan->at < scan->end && !strchr(" \t\r\n,:]}", *scan->at))
				scan->at++;
		}
		if (depth)
			skip_blank(scan);
	} while (depth);
}

/* From the start of a container to the start of the value that step names. */
static bool enter(struct scan *scan, const struct bake_json_step *step)
{
	scan->at++; /* the bracket */
	for (size_t index = 0;; index++) {
		bool matches = !step->key && index == step->index;

		skip_blank(scan);
		if (scan->at >= scan->end || *scan->at == '}' || *scan->at == ']')
			return false;
		if (step->key) {
			skip_string(scan, step->key, &matches);
			skip_blank(scan);
		}
		if (matches)
			return true;
		skip_value(scan);
	}
}

unsigned bake_json_locate(struct bake_span text, const struct bake_json_step *steps, size_t count)
{
	struct scan scan = {
		.at = (const char *)text.ptr,
		.end = (const char *)text.ptr + text.len,
		.line = 1,
	};

	skip_blank(&scan);
	for (size_t i = count; i-- > 0;) {
		unsigned line = scan.line;

		if (scan.at >= scan.end || !enter(&scan, &steps[i]))
			return line;
	}
	return scan.line;
}
