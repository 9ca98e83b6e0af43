/* SPDX-License-Identifier: Apache-2.0 */
/* Spellings of digests: one that is accepted has a canonical form, which means the same. */
#include "digest/digest.h"
#include "fuzz/fuzz.h"

static void check_canonical(const struct bake_digest *digest)
{
	char prefixed[BAKE_DIGEST_HEX_MAX + 8];
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_digest again;

	CLAIM(digest->kind == BAKE_DIGEST_SHA256 && strlen(BAKE_HEX(digest)) == 64);
	CLAIM(succeeded(
		bake_digest_parse_hex(BAKE_DIGEST_SHA256, BAKE_HEX(digest), &again, &err), &err));
	CLAIM(bake_digest_equal(digest, &again));
	(void)snprintf(prefixed, sizeof(prefixed), "sha256:%s", BAKE_HEX(digest));
	CLAIM(succeeded(bake_digest_parse_sha256(prefixed, &again, &err), &err));
	CLAIM(bake_digest_equal(digest, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = text_of(data, size);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_digest digest;
	bool lenient = succeeded(bake_digest_parse_sha256(text, &digest, &err), &err);

	if (lenient)
		check_canonical(&digest);
	if (succeeded(bake_digest_parse_hex(BAKE_DIGEST_SHA256, text, &digest, &err), &err))
		CLAIM(lenient && strcmp(BAKE_HEX(&digest), text) == 0);
	if (succeeded(bake_digest_parse_hex(BAKE_DIGEST_GIT_SHA1, text, &digest, &err), &err))
		CLAIM(strlen(text) == 40 && strcmp(BAKE_HEX(&digest), text) == 0);
	return 0;
}
