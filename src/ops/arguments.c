/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/arguments.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "json/edit.h"

enum {
	WANTED_MAX = 16
};

static const char *word(const struct bake_json *element)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	const char *text = NULL;

	if (bake_json_is_string(element) && bake_json_string(element, &text, &ignored) == BAKE_OK)
		return text;
	return NULL;
}

static int plain(int c)
{
	return c == '_' ? '-' : c;
}

/* Whether text is the flag: with nothing behind it, or (*out_joined) with "=". */
static bool is_flag(const char *text, const char *flag, bool *out_joined)
{
	bool is_long = flag[0] == '-' && flag[1] == '-';

	for (; *flag; flag++, text++) {
		if (is_long ? plain(*text) != plain(*flag) : *text != *flag)
			return false;
	}
	*out_joined = is_long && *text == '=';
	return *text == '\0' || *out_joined;
}

/* Which of the wanted arguments text is, and by which of its flags; count when it is none. */
static size_t find(const char *text, const struct bake_argument *wanted, size_t count,
	const char **out_flag, bool *out_joined)
{
	for (size_t i = 0; i < count; i++) {
		for (const char *const *flag = wanted[i].flags; *flag; flag++) {
			if (!is_flag(text, *flag, out_joined))
				continue;
			*out_flag = *flag;
			return i;
		}
	}
	return count;
}

/* A flag without its value is followed by another flag. A number may begin with "-". */
static bool is_value(const struct bake_json *element)
{
	const char *text = word(element);

	return !text || text[0] != '-' || isdigit((unsigned char)text[1]) || text[1] == '.';
}

static enum bake_status add(const struct bake_json *list, const char *flag, const char *value,
	bool joined, struct bake_error *err)
{
	_cleanup_free_ char *text = NULL;

	if (joined) {
		if (asprintf(&text, "%s=%s", flag, value) < 0)
			return bake_error_nomem(err);
		return bake_json_add_text(list, text, err);
	}
	BAKE_TRY(bake_json_add_text(list, flag, err));
	return bake_json_add_text(list, value, err);
}

static enum bake_status rebuild(const struct bake_json *list, const struct bake_json *made,
	const struct bake_argument *wanted, size_t count, struct bake_error *err)
{
	bool done[WANTED_MAX] = {false};

	for (size_t i = 0; i < bake_json_count(list); i++) {
		struct bake_json element = bake_json_element(list, i);
		const char *text = word(&element);
		const char *flag = NULL;
		bool joined = false;
		size_t at = text ? find(text, wanted, count, &flag, &joined) : count;

		if (at == count) {
			BAKE_TRY(bake_json_add(made, &element, err));
			continue;
		}
		if (!done[at])
			BAKE_TRY(add(made, flag, wanted[at].value, joined, err));
		done[at] = true;
		if (!joined && i + 1 < bake_json_count(list)) {
			struct bake_json next = bake_json_element(list, i + 1);

			i += is_value(&next) ? 1 : 0;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (!done[i])
			BAKE_TRY(add(made, wanted[i].flags[0], wanted[i].value, false, err));
	}
	return BAKE_OK;
}

enum bake_status bake_arguments_set(const struct bake_json *list,
	const struct bake_argument *wanted, size_t count, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json made;

	if (count > WANTED_MAX || bake_json_count(list) > BAKE_ARGUMENTS_MAX)
		return bake_json_error(
			list, "json.range", err, "more than %d arguments", BAKE_ARGUMENTS_MAX);
	BAKE_TRY(bake_json_open(bake_span_text("[]"), "arguments", &doc, err));
	made = bake_json_root(doc);
	BAKE_TRY(rebuild(list, &made, wanted, count, err));
	bake_json_clear(list);
	for (size_t i = 0; i < bake_json_count(&made); i++) {
		struct bake_json element = bake_json_element(&made, i);

		BAKE_TRY(bake_json_add(list, &element, err));
	}
	return BAKE_OK;
}
