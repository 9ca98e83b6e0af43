/* SPDX-License-Identifier: Apache-2.0 */
#include "digest/hasher.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>

#include "base/cleanup.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *sha256;
static EVP_MD *sha1;

/* No configuration file: it could name code to load. Fetched once: a fetch per hash is slow. */
static void load(void)
{
	(void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
}

static enum bake_status failure(struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_RESOURCES, "digest.library", "hashing failed");
}

static enum bake_status begin(
	struct bake_hasher *hasher, enum bake_digest_kind kind, struct bake_error *err)
{
	EVP_MD_CTX *context;

	(void)pthread_once(&once, load);
	context = EVP_MD_CTX_new();
	if (!context || EVP_DigestInit_ex2(
				context, kind == BAKE_DIGEST_SHA256 ? sha256 : sha1, NULL) != 1) {
		EVP_MD_CTX_free(context);
		return failure(err);
	}
	bake_hasher_release(hasher);
	*hasher = (struct bake_hasher){.state = context, .kind = kind};
	return BAKE_OK;
}

enum bake_status bake_hasher_init_sha256(struct bake_hasher *hasher, struct bake_error *err)
{
	return begin(hasher, BAKE_DIGEST_SHA256, err);
}

enum bake_status bake_hasher_init_git_blob(
	struct bake_hasher *hasher, uint64_t size, struct bake_error *err)
{
	char head[32];
	int len = snprintf(head, sizeof(head), "blob %" PRIu64, size);

	BAKE_TRY(begin(hasher, BAKE_DIGEST_GIT_SHA1, err));
	bake_hasher_update(hasher, bake_span(head, (size_t)len + 1)); /* with its NUL */
	return BAKE_OK;
}

void bake_hasher_update(struct bake_hasher *hasher, struct bake_span bytes)
{
	if (EVP_DigestUpdate(hasher->state, bytes.ptr, bytes.len) != 1)
		hasher->failed = true;
}

enum bake_status bake_hasher_final(
	struct bake_hasher *hasher, struct bake_digest *out, struct bake_error *err)
{
	struct bake_digest digest = {.kind = hasher->kind};

	if (hasher->failed || EVP_DigestFinal_ex(hasher->state, digest.bytes, NULL) != 1)
		return failure(err);
	*out = digest;
	return BAKE_OK;
}

void bake_hasher_release(struct bake_hasher *hasher)
{
	EVP_MD_CTX_free(hasher->state);
	hasher->state = NULL;
}

enum bake_status bake_digest_of(
	struct bake_span bytes, struct bake_digest *out, struct bake_error *err)
{
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;

	BAKE_TRY(bake_hasher_init_sha256(&hasher, err));
	bake_hasher_update(&hasher, bytes);
	return bake_hasher_final(&hasher, out, err);
}
