/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/pickle.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "format/pickle.h"

enum bake_status bake_pickle_policy_parse(const char *const *digests, size_t count,
	struct bake_pickle_policy *out, struct bake_error *err)
{
	_cleanup_(bake_pickle_policy_release) struct bake_pickle_policy policy = {NULL, 0};

	if (count > BAKE_PICKLE_ALLOWED_MAX)
		return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"more than %d digests are allowed", BAKE_PICKLE_ALLOWED_MAX);
	policy.allowed = calloc(count + 1, sizeof(*policy.allowed));
	if (!policy.allowed)
		return bake_error_nomem(err);
	for (; policy.count < count; policy.count++) {
		struct bake_error why = BAKE_ERROR_INIT;

		if (bake_digest_parse_sha256(
			    digests[policy.count], &policy.allowed[policy.count], &why) != BAKE_OK)
			return bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
				"--allow-pickle wants the SHA-256 of a file: %s", why.message);
	}
	*out = policy;
	policy.allowed = NULL;
	return BAKE_OK;
}

void bake_pickle_policy_release(struct bake_pickle_policy *policy)
{
	free(policy->allowed);
	*policy = (struct bake_pickle_policy){NULL, 0};
}

bool bake_pickle_is_allowed(
	const struct bake_pickle_policy *policy, const struct bake_digest *sha256)
{
	for (size_t i = 0; i < policy->count; i++) {
		if (bake_digest_equal(&policy->allowed[i], sha256))
			return true;
	}
	return false;
}

const char *bake_pickle_named(const struct bake_pickle_file *file)
{
	return bake_pickle_by_name(file->path);
}

/* All of [offset, offset + room), or less where the file ends. */
static enum bake_status read_at(
	int fd, uint64_t offset, uint8_t *bytes, size_t room, size_t *out, struct bake_error *err)
{
	size_t have = 0;

	while (have < room) {
		ssize_t got = pread(fd, bytes + have, room - have, (off_t)(offset + have));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bake_error_errno(err, errno, "read");
		if (got == 0)
			break;
		have += (size_t)got;
	}
	*out = have;
	return BAKE_OK;
}

enum bake_status bake_pickle_look(
	const struct bake_pickle_file *file, int fd, const char **out, struct bake_error *err)
{
	size_t head_room = (size_t)bake_u64_min(file->size, BAKE_PICKLE_HEAD_BYTES);
	size_t tail_room = (size_t)bake_u64_min(file->size, BAKE_PICKLE_TAIL_BYTES);
	_cleanup_free_ uint8_t *bytes = malloc(head_room + tail_room + 1);
	size_t head;
	size_t tail;

	if (!bytes)
		return bake_error_nomem(err);
	BAKE_TRY(read_at(fd, 0, bytes, head_room, &head, err));
	BAKE_TRY(read_at(fd, file->size - tail_room, bytes + head_room, tail_room, &tail, err));
	*out = bake_pickle_by_content(&(struct bake_pickle_view){
		.name = file->path,
		.head = bake_span(bytes, head),
		.tail = bake_span(bytes + head_room, tail),
		.size = file->size,
	});
	return BAKE_OK;
}

const char *bake_pickle_begins(const struct bake_pickle_file *file, struct bake_span head)
{
	struct bake_pickle_view view = {.name = file->path, .head = head, .size = file->size};

	/* A reader takes a file of one piece for all of it. */
	if (head.len == file->size)
		view.tail = head;
	return bake_pickle_by_content(&view);
}

enum bake_status bake_pickle_refuse(const struct bake_pickle_policy *policy,
	const struct bake_pickle_file *file, const char *what, struct bake_error *err)
{
	if (!what || bake_pickle_is_allowed(policy, file->sha256))
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_POLICY, "policy.pickle",
		"'%s' is %s: loading it can execute code", BAKE_SHOW(file->path), what);
	return bake_error_hint(err,
		"leave it out where there is safetensors or GGUF, or accept it with --allow-pickle "
		"%s",
		BAKE_HEX(file->sha256));
}
