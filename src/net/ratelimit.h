/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header fields RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers, 09 and
 * later), with which the Hub says on every answer how many requests are left. Read by what they
 * need to say and no more: the Hub's own policy field is not a structured field of RFC 9651.
 */
#ifndef NET_RATELIMIT_H
#define NET_RATELIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Longest wait that a server can ask for: a longer one is a failure. */
	BAKE_RETRY_AFTER_MS_MAX = 5 * 60 * 1000,
};

/* All zero: the server said nothing. */
struct bake_ratelimit {
	bool present;
	uint64_t remaining; /* requests */
	bool has_reset;
	uint64_t reset_s;  /* from when the answer came; at most a day */
	uint64_t window_s; /* of the policy; 0: not known; at most a day */
};

/*
 * `"resolvers";r=2999;t=299`, also several with commas between. Of all, and of what *limit holds
 * already, the one stays that has the fewest left; of equals the one that lasts longer. What
 * cannot be read is passed over.
 */
void bake_ratelimit_take(struct bake_ratelimit *limit, const char *text, size_t len);

/* `"fixed window";"resolvers";q=3000;w=300`: how long a window is, for when RateLimit does not say
 * when it ends. The longest counts. */
void bake_ratelimit_take_policy(struct bake_ratelimit *limit, const char *text, size_t len);

/* Until there are requests again, a second to spare. False when the server did not say. */
bool bake_ratelimit_reset_ms(const struct bake_ratelimit *limit, uint64_t *out_ms);

/*
 * How long to hold back further requests to that server, from when the answer came, with in_flight
 * others not yet answered. 0: not at all. Also when it would be longer than
 * BAKE_RETRY_AFTER_MS_MAX: then the server shall refuse, so that the failure has its answer.
 */
uint64_t bake_ratelimit_hold_ms(const struct bake_ratelimit *limit, uint64_t in_flight);

#endif
