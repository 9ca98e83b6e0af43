/* SPDX-License-Identifier: Apache-2.0 */
/* Two hashes in step give what OpenSSL gives for each. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "digest/hasher.h"
#include "digest/twin.h"
#include "unit/random.h"

enum {
	BYTES = 4096
};

static void check_final(struct bake_twin *twin, const uint8_t *bytes, size_t len)
{
	size_t whole = len / BAKE_TWIN_BLOCK * BAKE_TWIN_BLOCK;
	struct bake_digest want = {.kind = BAKE_DIGEST_NONE};
	struct bake_digest got = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;

	bake_twin_final(twin, bake_span(bytes + whole, len - whole), &got);
	check_status(bake_digest_of(bake_span(bytes, len), &want, &err), &err, BAKE_OK, NULL);
	assert_true(bake_digest_equal(&got, &want));
}

/* a and b of these lengths: as far as the shorter one goes in step, the rest alone. */
static void try_lengths(const uint8_t *bytes, size_t a_len, size_t b_len)
{
	const uint8_t *other = bytes + BYTES;
	size_t a_blocks = a_len / BAKE_TWIN_BLOCK;
	size_t b_blocks = b_len / BAKE_TWIN_BLOCK;
	size_t both = a_blocks < b_blocks ? a_blocks : b_blocks;
	struct bake_twin a;
	struct bake_twin b;

	bake_twin_init(&a);
	bake_twin_init(&b);
	bake_twin_update(&a, bytes, &b, other, both);
	bake_twin_update_one(&a, bytes + both * BAKE_TWIN_BLOCK, a_blocks - both);
	bake_twin_update_one(&b, other + both * BAKE_TWIN_BLOCK, b_blocks - both);
	check_final(&a, bytes, a_len);
	check_final(&b, other, b_len);
}

static uint8_t *make_bytes(void)
{
	uint8_t *bytes = malloc(2 * (size_t)BYTES);

	assert_non_null(bytes);
	random_state = 4;
	for (size_t i = 0; i < 2 * (size_t)BYTES; i++)
		bytes[i] = (uint8_t)random_below(256);
	return bytes;
}

static void every_length(void)
{
	_cleanup_free_ uint8_t *bytes = NULL;

	if (!bake_twin_usable())
		skip();
	bytes = make_bytes();
	for (size_t len = 0; len <= 300; len++)
		try_lengths(bytes, len, 300 - len);
}

static void any_two_lengths(void)
{
	_cleanup_free_ uint8_t *bytes = NULL;

	if (!bake_twin_usable())
		skip();
	bytes = make_bytes();
	for (size_t i = 0; i < 500; i++)
		try_lengths(bytes, random_below(BYTES), random_below(BYTES));
}

/* The length that ends the hash is one in bits of 64. */
static void a_long_one(void)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	_cleanup_free_ uint8_t *bytes = NULL;
	struct bake_digest want = {.kind = BAKE_DIGEST_NONE};
	struct bake_digest got = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_twin twin;

	if (!bake_twin_usable())
		skip();
	bytes = make_bytes();
	bake_twin_init(&twin);
	check_status(bake_hasher_init_sha256(&hasher, &err), &err, BAKE_OK, NULL);
	for (size_t i = 0; i < 140000; i++) { /* more than 2^32 bits */
		bake_twin_update_one(&twin, bytes, BYTES / BAKE_TWIN_BLOCK);
		bake_hasher_update(&hasher, bake_span(bytes, BYTES));
	}
	bake_twin_final(&twin, bake_span(NULL, 0), &got);
	check_status(bake_hasher_final(&hasher, &want, &err), &err, BAKE_OK, NULL);
	assert_true(bake_digest_equal(&got, &want));
}

static const struct scenario scenarios[] = {
	{"every length", every_length},
	{"any two lengths", any_two_lengths},
	{"a long one", a_long_one},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(scenarios, play_scenario),
	};

	return run_rows("digest/twin", tables, countof(tables));
}
