/* SPDX-License-Identifier: Apache-2.0 */
/* How long a server asks to wait, in any of its ways, and its entity tags: bounded whatever it
 * says. Each line is read as each of them. */
#include "fuzz/fuzz.h"
#include "net/etag.h"
#include "net/ratelimit.h"
#include "net/response.h"

#define DAY_S ((uint64_t)24 * 60 * 60)

static void check_limit(const struct bake_ratelimit *limit)
{
	uint64_t ms = 0;

	CLAIM(limit->present || (limit->remaining == 0 && !limit->has_reset));
	CLAIM(limit->has_reset || limit->reset_s == 0);
	CLAIM(limit->reset_s <= DAY_S && limit->window_s <= DAY_S);
	if (bake_ratelimit_reset_ms(limit, &ms))
		CLAIM(ms > 0 && ms <= DAY_S * 1000);
	for (uint64_t in_flight = 0; in_flight < 9; in_flight += 8) {
		uint64_t hold = bake_ratelimit_hold_ms(limit, in_flight);

		CLAIM(hold <= BAKE_RETRY_AFTER_MS_MAX && (hold == 0 || hold == ms));
		CLAIM(hold == 0 || limit->remaining <= in_flight);
	}
}

static void check_retry_after(const char *text, size_t len)
{
	uint64_t early = 42;
	uint64_t late = 42;

	if (!bake_retry_after_parse(text, len, 1700000000, &early)) {
		CLAIM(early == 42);
		return;
	}
	/* A minute later it is no longer, and no more than a minute shorter. */
	CLAIM(early <= DAY_S * 1000);
	CLAIM(bake_retry_after_parse(text, len, 1700000060, &late));
	CLAIM(late <= early && early - late <= 60000);
}

static void check_etag(const char *text, size_t len)
{
	struct bake_etag etag = {.value = ""};
	struct bake_etag again = {.value = ""};
	char quoted[BAKE_ETAG_MAX + 2];
	int written;

	if (!bake_etag_parse(text, len, &etag)) {
		CLAIM(!etag.value[0] && !etag.weak);
		return;
	}
	CLAIM(etag.value[0] && memchr(etag.value, 0, sizeof(etag.value)));
	written = snprintf(quoted, sizeof(quoted), "\"%s\"", etag.value);
	CLAIM(bake_etag_parse(quoted, (size_t)written, &again) && !again.weak);
	CLAIM(!bake_etag_changed(&etag, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bake_ratelimit all = {.present = false};
	size_t at = 0;

	while (at < size) {
		const uint8_t *end = memchr(data + at, '\n', size - at);
		size_t len = end ? (size_t)(end - data) - at : size - at;
		/* Of its own, so that reading on into the next line is seen. */
		_cleanup_free_ char *line = malloc(len ? len : 1);
		struct bake_ratelimit one = {.present = false};
		uint64_t before = all.present ? all.remaining : UINT64_MAX;

		CLAIM(line);
		memcpy(line, data + at, len);
		check_retry_after(line, len);
		check_etag(line, len);
		bake_ratelimit_take(&one, line, len);
		check_limit(&one);
		bake_ratelimit_take(&all, line, len);
		CLAIM(!all.present || all.remaining <= before);
		CLAIM(!one.present || (all.present && all.remaining <= one.remaining));
		bake_ratelimit_take_policy(&all, line, len);
		check_limit(&all);
		at += len + 1;
	}
	return 0;
}
