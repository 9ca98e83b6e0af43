/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ratelimit.h"

#include <string.h>

#include "base/num.h"

enum {
	DAY_S = 24 * 60 * 60,
	SPARE_MS = 1000
};

/* One member of the list: the parameters that matter. A key is one letter. */
struct member {
	bool has_r;
	bool has_t;
	bool has_w;
	uint64_t r;
	uint64_t t;
	uint64_t w;
};

static void take_param(struct member *member, const char *text, size_t len)
{
	if (len < 3 || text[1] != '=')
		return;
	switch (text[0]) {
	case 'r':
		member->has_r = bake_number_parse(text + 2, len - 2, &member->r);
		break;
	case 't':
		member->has_t = bake_number_parse(text + 2, len - 2, &member->t);
		break;
	case 'w':
		member->has_w = bake_number_parse(text + 2, len - 2, &member->w);
		break;
	default:
		break;
	}
}

/* The end of a quoted string, behind its quote; of one never closed, the end of all. */
static const char *skip_quoted(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		at += *at == '\\' && at + 1 < end;
	return at < end ? at + 1 : end;
}

/* Reads one member, up to the comma behind it. Returns where it ends. */
static const char *take_member(const char *at, const char *end, struct member *out)
{
	*out = (struct member){0};
	while (at < end && *at != ',') {
		const char *begin = at;
		const char *stop;

		while (at < end && *at != ',' && *at != ';')
			at = *at == '"' ? skip_quoted(at, end) : at + 1;
		stop = at;
		while (begin < stop && (*begin == ' ' || *begin == '\t'))
			begin++;
		while (begin < stop && (stop[-1] == ' ' || stop[-1] == '\t'))
			stop--;
		take_param(out, begin, (size_t)(stop - begin));
		at += at < end && *at == ';';
	}
	return at < end ? at + 1 : end;
}

/* Whether a leaves less than b. */
static bool is_tighter(const struct bake_ratelimit *a, const struct bake_ratelimit *b)
{
	if (!b->present || a->remaining != b->remaining)
		return !b->present || a->remaining < b->remaining;
	return a->has_reset && (!b->has_reset || a->reset_s > b->reset_s);
}

void bake_ratelimit_take(struct bake_ratelimit *limit, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		struct bake_ratelimit next = {.present = true, .window_s = limit->window_s};
		struct member member;

		text = take_member(text, end, &member);
		next.remaining = member.r;
		next.has_reset = member.has_t;
		next.reset_s = member.has_t ? bake_u64_min(member.t, DAY_S) : 0;
		if (member.has_r && is_tighter(&next, limit))
			*limit = next;
	}
}

void bake_ratelimit_take_policy(struct bake_ratelimit *limit, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		struct member member;

		text = take_member(text, end, &member);
		if (member.has_w)
			limit->window_s =
				bake_u64_max(limit->window_s, bake_u64_min(member.w, DAY_S));
	}
}

bool bake_ratelimit_reset_ms(const struct bake_ratelimit *limit, uint64_t *out_ms)
{
	uint64_t wait = (limit->has_reset ? limit->reset_s : limit->window_s) * 1000;

	if (!limit->present || (!limit->has_reset && limit->window_s == 0))
		return false;
	/* The second to spare does not make a wait too long that is not. */
	*out_ms = wait <= BAKE_RETRY_AFTER_MS_MAX
			  ? bake_u64_min(wait + SPARE_MS, BAKE_RETRY_AFTER_MS_MAX)
			  : wait;
	return true;
}

uint64_t bake_ratelimit_hold_ms(const struct bake_ratelimit *limit, uint64_t in_flight)
{
	uint64_t wait;

	if (!limit->present || limit->remaining > in_flight ||
		!bake_ratelimit_reset_ms(limit, &wait))
		return 0;
	return wait <= BAKE_RETRY_AFTER_MS_MAX ? wait : 0;
}
