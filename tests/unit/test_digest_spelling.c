/* SPDX-License-Identifier: Apache-2.0 */
/* How a digest may be spelt, by people and by our own tools. */
#include "unit/rows.h"

#include <string.h>

#include "digest/digest.h"

/* SHA-256 of "abc" (FIPS 180-4), in the spellings there are. */
#define ABC_HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define ABC_UP	"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
#define ABC_SRI "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
#define HEX63	"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a"
#define ZERO32	"00000000000000000000000000000000"

static const struct spelling_row {
	const char *name;
	const char *input;
	bool good;
} spellings[] = {
	{"lower hex", ABC_HEX, true},
	{"upper hex", ABC_UP, true},
	{"mixed hex", "ba7816BF8f01cfea414140DE5dae2223b00361a396177a9cb410ff61f20015ad", true},
	{"prefixed hex", "sha256:" ABC_HEX, true},
	{"prefixed upper hex", "sha256:" ABC_UP, true},
	{"subresource integrity", "sha256-" ABC_SRI, true},
	{"empty", "", false},
	{"prefix alone", "sha256:", false},
	{"integrity prefix alone", "sha256-", false},
	{"63 digits", HEX63, false},
	{"65 digits", ABC_HEX "0", false},
	{"not a digit", HEX63 "g", false},
	{"blank in front", " " ABC_HEX, false},
	{"newline behind", ABC_HEX "\n", false},
	{"0x", "0x" ABC_HEX, false},
	{"upper prefix", "SHA256:" ABC_HEX, false},
	{"another algorithm", "sha512:" ABC_HEX, false},
	{"md5", "900150983cd24fb0d6963f7d28e17f72", false},
	{"git's sha1", "ce013625030ba8dba906f756967f9e9ca394464a", false},
	{"prefix twice", "sha256:sha256:" ABC_HEX, false},
	{"hex with the integrity prefix", "sha256-" ABC_HEX, false},
	{"base64 with the hex prefix", "sha256:" ABC_SRI, false},
	{"base64 without padding", "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0", false},
	{"base64 padded twice", "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa==", false},
	{"base64 too long", "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=A", false},
	{"base64 with spare bits", "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa1=", false},
	{"base64 with a blank", "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD YfIAFa0=", false},
	{"base64url", "sha256-ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0=", false},
	{"all zeros", ZERO32 ZERO32, false},
	{"all zeros, prefixed", "sha256:" ZERO32 ZERO32, false},
	{"all zeros, base64", "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", false},
	{"a path", "../../../../../../../../../../../../../../../../../etc/passwd/xxx", false},
	{"control characters", "\x1b]0;x\a", false},
};

static void try_spelling(void **state)
{
	const struct spelling_row *row = *state;
	struct bake_digest digest = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_digest_parse_sha256(row->input, &digest, &err), &err,
		row->good ? BAKE_OK : BAKE_ERR_DATA, "digest.format");
	assert_int_equal(digest.kind, row->good ? BAKE_DIGEST_SHA256 : BAKE_DIGEST_NONE);
	if (row->good)
		assert_string_equal(BAKE_HEX(&digest), ABC_HEX);
}

#define COMMIT "ce013625030ba8dba906f756967f9e9ca394464a"

static const struct canonical_row {
	const char *name;
	enum bake_digest_kind kind;
	const char *input;
	bool good;
} canonical[] = {
	{"sha256", BAKE_DIGEST_SHA256, ABC_HEX, true},
	{"sha256 in upper case", BAKE_DIGEST_SHA256, ABC_UP, false},
	{"sha256 with a prefix", BAKE_DIGEST_SHA256, "sha256:" ABC_HEX, false},
	{"sha256 as base64", BAKE_DIGEST_SHA256, "sha256-" ABC_SRI, false},
	{"sha256 too short", BAKE_DIGEST_SHA256, HEX63, false},
	{"sha256 too long", BAKE_DIGEST_SHA256, ABC_HEX "0", false},
	{"sha256 of zeros", BAKE_DIGEST_SHA256, ZERO32 ZERO32, false},
	{"sha256 expected, sha1 given", BAKE_DIGEST_SHA256, COMMIT, false},
	{"sha1", BAKE_DIGEST_GIT_SHA1, COMMIT, true},
	{"sha1 in upper case", BAKE_DIGEST_GIT_SHA1, "CE013625030BA8DBA906F756967F9E9CA394464A",
		false},
	{"sha1 abbreviated", BAKE_DIGEST_GIT_SHA1, "ce01362", false},
	{"sha1 of zeros", BAKE_DIGEST_GIT_SHA1, ZERO32 "00000000", false},
	{"sha1 expected, sha256 given", BAKE_DIGEST_GIT_SHA1, ABC_HEX, false},
	{"a branch", BAKE_DIGEST_GIT_SHA1, "main", false},
	{"empty", BAKE_DIGEST_GIT_SHA1, "", false},
};

static void try_canonical(void **state)
{
	const struct canonical_row *row = *state;
	struct bake_digest digest = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_digest_parse_hex(row->kind, row->input, &digest, &err), &err,
		row->good ? BAKE_OK : BAKE_ERR_DATA, "digest.format");
	assert_int_equal(digest.kind, row->good ? row->kind : BAKE_DIGEST_NONE);
	if (row->good)
		assert_string_equal(BAKE_HEX(&digest), row->input);
}

static void parse_hex(enum bake_digest_kind kind, const char *text, struct bake_digest *out)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_digest_parse_hex(kind, text, out, &err), &err, BAKE_OK, NULL);
}

static void equality_is_of_kind_and_bytes(void)
{
	struct bake_digest none = {.kind = BAKE_DIGEST_NONE};
	struct bake_digest sha256 = none;
	struct bake_digest other = none;
	struct bake_digest sha1 = none;

	parse_hex(BAKE_DIGEST_SHA256, ABC_HEX, &sha256);
	parse_hex(BAKE_DIGEST_SHA256, ABC_HEX, &other);
	assert_true(bake_digest_equal(&sha256, &other));
	other.bytes[31] ^= 1;
	assert_false(bake_digest_equal(&sha256, &other));
	parse_hex(BAKE_DIGEST_GIT_SHA1, "ba7816bf8f01cfea414140de5dae2223b00361a3", &sha1);
	assert_false(bake_digest_equal(&sha256, &sha1));
	assert_false(bake_digest_equal(&sha256, &none));
	assert_true(bake_digest_equal(&none, &none));
	assert_string_equal(BAKE_HEX(&none), "");
}

static void sizes_are_those_of_the_kinds(void)
{
	assert_int_equal(bake_digest_size(BAKE_DIGEST_NONE), 0);
	assert_int_equal(bake_digest_size(BAKE_DIGEST_SHA256), 32);
	assert_int_equal(bake_digest_size(BAKE_DIGEST_GIT_SHA1), 20);
}

static const struct scenario others[] = {
	{"equal is of one kind and the same bytes", equality_is_of_kind_and_bytes},
	{"sizes", sizes_are_those_of_the_kinds},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(spellings, try_spelling),
		ROWS(canonical, try_canonical),
		ROWS(others, play_scenario),
	};

	return run_rows("digest/spelling", tables, countof(tables));
}
