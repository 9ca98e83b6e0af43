/* SPDX-License-Identifier: Apache-2.0 */
#include "convert/pinned.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"
#include "digest/hasher.h"

enum {
	STEP = 1024 * 1024
};

static enum bake_status hash_all(
	int fd, struct bake_hasher *hasher, struct bake_digest *out, struct bake_error *err)
{
	_cleanup_free_ uint8_t *bytes = malloc(STEP);
	ssize_t got;

	if (!bytes)
		return bake_error_nomem(err);
	BAKE_TRY(bake_hasher_init_sha256(hasher, err));
	do {
		BAKE_TRY(bake_stop_check(err));
		got = read(fd, bytes, STEP);
		if (got < 0 && errno != EINTR)
			return bake_error_errno(err, errno, "read");
		if (got > 0)
			bake_hasher_update(hasher, (struct bake_span){bytes, (size_t)got});
	} while (got != 0);
	return bake_hasher_final(hasher, out, err);
}

enum bake_status bake_pinned_look(const char *path, const struct bake_digest *pinned, bool *out_is,
	uint64_t *out_bytes, struct bake_error *err)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_digest digest;
	enum bake_status status;
	struct stat st;

	*out_is = false;
	/* What cannot be opened, or is no file, is judged where the output is made. */
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return BAKE_OK;
	status = hash_all(fd, &hasher, &digest, err);
	bake_hasher_release(&hasher);
	if (status != BAKE_OK)
		return bake_error_wrap(err, "'%s'", BAKE_SHOW(path));
	*out_is = bake_digest_equal(&digest, pinned);
	*out_bytes = (uint64_t)st.st_size;
	return BAKE_OK;
}

enum bake_status bake_pinned_compare(const struct bake_digest *pinned,
	const struct bake_digest *digest, const char *path, struct bake_error *err)
{
	if (pinned->kind == BAKE_DIGEST_NONE || bake_digest_equal(pinned, digest))
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.sha256",
		"'%s' would have the SHA-256 %s, and %s is pinned", BAKE_SHOW(path),
		BAKE_HEX(digest), BAKE_HEX(pinned));
	return bake_error_hint(
		err, "the source, the options or the release of bake-convert differ");
}
