/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/digest.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

static const size_t sizes[] = {
	[BAKE_DIGEST_NONE] = 0,
	[BAKE_DIGEST_SHA256] = 32,
	[BAKE_DIGEST_GIT_SHA1] = 20,
};

size_t bake_digest_size(enum bake_digest_kind kind)
{
	return sizes[kind];
}

/* The value of a hex digit, -1 for all else. */
static int hex_value(char c)
{
	static const int8_t one_more[UINT8_MAX + 1] = {['0'] = 1,
		['1'] = 2,
		['2'] = 3,
		['3'] = 4,
		['4'] = 5,
		['5'] = 6,
		['6'] = 7,
		['7'] = 8,
		['8'] = 9,
		['9'] = 10,
		['a'] = 11,
		['b'] = 12,
		['c'] = 13,
		['d'] = 14,
		['e'] = 15,
		['f'] = 16,
		['A'] = 11,
		['B'] = 12,
		['C'] = 13,
		['D'] = 14,
		['E'] = 15,
		['F'] = 16};

	return one_more[(unsigned char)c] - 1;
}

static bool parse_hex(const char *text, bool lower_only, uint8_t *bytes, size_t size)
{
	if (strlen(text) != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(text[2 * i]);
		int low = hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return !lower_only || strcspn(text, "ABCDEF") == 2 * size;
}

static int base64_value(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* 32 bytes are 43 base64 digits and one '='; the last digit carries four bits. */
static bool parse_base64_sha256(const char *text, uint8_t *bytes)
{
	uint32_t bits = 0;
	unsigned held = 0;
	size_t made = 0;

	if (strlen(text) != 44 || text[43] != '=')
		return false;
	for (size_t i = 0; i < 43; i++) {
		int value = base64_value(text[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			bytes[made++] = (uint8_t)(bits >> held);
		}
	}
	return made == 32 && (bits & 3U) == 0;
}

static bool all_zero(const uint8_t *bytes, size_t size)
{
	uint8_t any = 0;

	for (size_t i = 0; i < size; i++)
		any |= bytes[i];
	return any == 0;
}

static enum bake_status malformed(const char *text, struct bake_error *err)
{
	return bake_error_set(
		err, BAKE_ERR_DATA, "digest.format", "not a SHA-256 digest: '%s'", BAKE_SHOW(text));
}

enum bake_status bake_digest_parse_sha256(
	const char *text, struct bake_digest *out, struct bake_error *err)
{
	struct bake_digest digest = {.kind = BAKE_DIGEST_SHA256};
	bool good;

	if (bake_text_starts(text, "sha256-"))
		good = parse_base64_sha256(text + 7, digest.bytes);
	else if (bake_text_starts(text, "sha256:"))
		good = parse_hex(text + 7, false, digest.bytes, 32);
	else
		good = parse_hex(text, false, digest.bytes, 32);
	if (!good || all_zero(digest.bytes, 32))
		return malformed(text, err);
	*out = digest;
	return BAKE_OK;
}

enum bake_status bake_digest_parse_hex(enum bake_digest_kind kind, const char *text,
	struct bake_digest *out, struct bake_error *err)
{
	struct bake_digest digest = {.kind = kind};

	if (!parse_hex(text, true, digest.bytes, sizes[kind]) ||
		all_zero(digest.bytes, sizes[kind]))
		return bake_error_set(err, BAKE_ERR_DATA, "digest.format",
			"not %zu lower-case hex digits: '%s'", 2 * sizes[kind], BAKE_SHOW(text));
	*out = digest;
	return BAKE_OK;
}

bool bake_digest_equal(const struct bake_digest *a, const struct bake_digest *b)
{
	return a->kind == b->kind && memcmp(a->bytes, b->bytes, sizes[a->kind]) == 0;
}

const char *bake_digest_hex(const struct bake_digest *digest, char hex[BAKE_DIGEST_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t size = sizes[digest->kind];

	for (size_t i = 0; i < size; i++) {
		hex[2 * i] = digits[digest->bytes[i] >> 4];
		hex[2 * i + 1] = digits[digest->bytes[i] & 15];
	}
	hex[2 * size] = '\0';
	return hex;
}
