/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes against vectors that others computed. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "digest/aggregate.h"
#include "digest/hasher.h"

#define EMPTY_HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_HEX	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/* The examples of FIPS 180-4 and of NIST's example values. */
static const struct sha256_row {
	const char *name;
	const char *piece;
	size_t times;
	const char *want;
} sha256s[] = {
	{"nothing", "", 0, EMPTY_HEX},
	{"abc", "abc", 1, ABC_HEX},
	{"two blocks", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"a million times a", "a", 1000000,
		"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
};

static void try_sha256(void **state)
{
	const struct sha256_row *row = *state;
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_digest digest = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_hasher_init_sha256(&hasher, &err), &err, BAKE_OK, NULL);
	for (size_t i = 0; i < row->times; i++)
		bake_hasher_update(&hasher, bake_span_text(row->piece));
	check_status(bake_hasher_final(&hasher, &digest, &err), &err, BAKE_OK, NULL);
	assert_int_equal(digest.kind, BAKE_DIGEST_SHA256);
	assert_string_equal(BAKE_HEX(&digest), row->want);
}

/* As `git hash-object --stdin` says. */
static const struct blob_row {
	const char *name;
	const char *content;
	const char *want;
} blobs[] = {
	{"empty", "", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"},
	{"hello", "hello\n", "ce013625030ba8dba906f756967f9e9ca394464a"},
	{"the git book's", "what is up, doc?", "bd9dbf5aae1a3862dd1526723246b20206e5fc37"},
};

static void try_blob(void **state)
{
	const struct blob_row *row = *state;
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_digest digest = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_hasher_init_git_blob(&hasher, strlen(row->content), &err), &err, BAKE_OK,
		NULL);
	for (const char *at = row->content; *at; at++)
		bake_hasher_update(&hasher, bake_span(at, 1));
	check_status(bake_hasher_final(&hasher, &digest, &err), &err, BAKE_OK, NULL);
	assert_int_equal(digest.kind, BAKE_DIGEST_GIT_SHA1);
	assert_string_equal(BAKE_HEX(&digest), row->want);
}

static void one_call_is_the_same(void)
{
	struct bake_digest digest = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_digest_of(bake_span_text("abc"), &digest, &err), &err, BAKE_OK, NULL);
	assert_string_equal(BAKE_HEX(&digest), ABC_HEX);
}

static void a_hasher_begins_again(void)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_digest digest = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;

	for (int round = 0; round < 2; round++) {
		check_status(bake_hasher_init_sha256(&hasher, &err), &err, BAKE_OK, NULL);
		bake_hasher_update(&hasher, bake_span_text("thrown away"));
		check_status(bake_hasher_init_sha256(&hasher, &err), &err, BAKE_OK, NULL);
		bake_hasher_update(&hasher, bake_span_text("abc"));
		check_status(bake_hasher_final(&hasher, &digest, &err), &err, BAKE_OK, NULL);
		assert_string_equal(BAKE_HEX(&digest), ABC_HEX);
	}
}

enum {
	FILES_MAX = 4
};

struct member {
	const char *path;
	const char *hex;
};

/*
 * Computed by coreutils: the lines of the row, without a newline at the end, sorted as bytes:
 *     printf '%s  %s\n' HEX PATH ... | LC_ALL=C sort | head -c -1 | sha256sum
 */
static const struct aggregate_row {
	const char *name;
	struct member files[FILES_MAX];
	const char *want;
} aggregates[] = {
	{"none", {{NULL, NULL}}, EMPTY_HEX},
	{"one", {{"b.gguf", ABC_HEX}},
		"607d159ba4cc1b6dd64f788f2afe4d2ef2410441e60c651edf41aa394291124f"},
	{"sorted by digest, then by path",
		{{"a/config.json", EMPTY_HEX}, {"c.bin", ABC_HEX}, {"b.gguf", ABC_HEX}},
		"7981eb1bee81a0ead36277b91182e5101d6dedb5293c1d5287edc60935e3c598"},
	{"the order given does not matter",
		{{"b.gguf", ABC_HEX}, {"a/config.json", EMPTY_HEX}, {"c.bin", ABC_HEX}},
		"7981eb1bee81a0ead36277b91182e5101d6dedb5293c1d5287edc60935e3c598"},
};

static void try_aggregate(void **state)
{
	const struct aggregate_row *row = *state;
	struct bake_aggregate_file files[FILES_MAX];
	struct bake_digest digests[FILES_MAX];
	struct bake_digest got = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;
	size_t count = 0;

	for (; count < FILES_MAX && row->files[count].path; count++) {
		check_status(bake_digest_parse_sha256(row->files[count].hex, &digests[count], &err),
			&err, BAKE_OK, NULL);
		files[count] =
			(struct bake_aggregate_file){row->files[count].path, &digests[count]};
	}
	check_status(bake_aggregate_sha256(files, count, &got, &err), &err, BAKE_OK, NULL);
	assert_int_equal(got.kind, BAKE_DIGEST_SHA256);
	assert_string_equal(BAKE_HEX(&got), row->want);
	for (size_t i = 0; i < count; i++)
		assert_ptr_equal(files[i].path, row->files[i].path);
}

static const struct scenario others[] = {
	{"one call for bytes in memory", one_call_is_the_same},
	{"a hasher begins again", a_hasher_begins_again},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(sha256s, try_sha256),
		ROWS(blobs, try_blob),
		ROWS(aggregates, try_aggregate),
		ROWS(others, play_scenario),
	};

	return run_rows("digest/hash", tables, countof(tables));
}
