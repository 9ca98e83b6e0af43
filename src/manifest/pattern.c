/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/pattern.h"

#include <stdint.h>
#include <string.h>

/* One code point, so that ? and [...] take a character and not a byte. Assumes valid UTF-8. A
 * backslash reads as a slash, in patterns as in paths. */
static uint32_t next_point(const char **at)
{
	const unsigned char *p = (const unsigned char *)*at;
	unsigned more = p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 1 : p[0] < 0xf0 ? 2 : 3;
	uint32_t point = more ? p[0] & (0x3fU >> more) : p[0];

	for (unsigned i = 1; i <= more && p[i]; i++)
		point = point << 6 | (p[i] & 0x3fU);
	while (more && (*at)[1]) {
		(*at)++;
		more--;
	}
	(*at)++;
	return point == '\\' ? '/' : point;
}

/* The end of a bracket expression that begins at "[", or NULL: then "[" is an ordinary character.
 * A "]" right behind "[" or "[!" is a member. */
static const char *bracket_end(const char *at)
{
	at++;
	if (*at == '!')
		at++;
	if (*at == ']')
		at++;
	while (*at && *at != ']')
		at++;
	return *at ? at : NULL;
}

static bool bracket_has(const char *at, const char *end, uint32_t point)
{
	bool negated = at[1] == '!';
	bool found = false;

	at += negated ? 2 : 1;
	while (at < end) {
		uint32_t low = next_point(&at);
		uint32_t high = low;

		if (at[0] == '-' && at + 1 < end) {
			at++;
			high = next_point(&at);
		}
		found = found || (point >= low && point <= high);
	}
	return found != negated;
}

/* Matches one pattern element at *pattern against one character at *path; advances both. */
static bool match_one(const char **pattern, const char **path)
{
	const char *end = **pattern == '[' ? bracket_end(*pattern) : NULL;
	uint32_t point = next_point(path);

	if (end) {
		bool has = bracket_has(*pattern, end, point);

		*pattern = end + 1;
		return has;
	}
	if (**pattern == '?') {
		(*pattern)++;
		return true;
	}
	return next_point(pattern) == point;
}

/* Backtracks only to the last star: linear in practice, never exponential. */
bool bake_pattern_match(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);
	bool whole_directory = len && strchr("/\\", pattern[len - 1]);
	const char *star = NULL;
	const char *resume = path;

	while (*path) {
		const char *element = pattern;
		const char *rest = path;

		if (*pattern == '*') {
			star = ++pattern;
			resume = path;
			continue;
		}
		if (*pattern && match_one(&element, &rest)) {
			pattern = element;
			path = rest;
			continue;
		}
		if (!*pattern && whole_directory)
			return true;
		if (!star)
			return false;
		pattern = star;
		(void)next_point(&resume);
		path = resume;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static bool any_match(const char *const *patterns, size_t count, const char *path)
{
	for (size_t i = 0; i < count; i++) {
		if (bake_pattern_match(patterns[i], path))
			return true;
	}
	return false;
}

bool bake_pattern_selects(const char *const *include, size_t include_count,
	const char *const *exclude, size_t exclude_count, const char *path)
{
	if (include_count && !any_match(include, include_count, path))
		return false;
	return !any_match(exclude, exclude_count, path);
}
