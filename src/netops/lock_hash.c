/* SPDX-License-Identifier: Apache-2.0 */
/* Reading files over the network only to know their digests. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "digest/hasher.h"
#include "format/archive.h"
#include "format/sniff.h"
#include "net/transfer.h"
#include "netops/locking.h"

enum {
	FILES_AT_A_TIME = 8
};

struct reader {
	const struct bake_unhashed *what;
	struct bake_hasher sha256;
	struct bake_hasher git;
	uint64_t size;
	uint8_t head[BAKE_SNIFF_BYTES];
	size_t head_len;
};

static bool wants_git(const struct reader *reader)
{
	return reader->what->file->git_sha1.kind != BAKE_DIGEST_NONE;
}

static enum bake_status restart(void *context, struct bake_error *err)
{
	struct reader *reader = context;

	reader->size = 0;
	reader->head_len = 0;
	BAKE_TRY(bake_hasher_init_sha256(&reader->sha256, err));
	return wants_git(reader)
		       ? bake_hasher_init_git_blob(&reader->git, reader->what->file->size, err)
		       : BAKE_OK;
}

static enum bake_status open_reader(
	void *context, struct bake_extents *out_have, struct bake_error *err)
{
	out_have->count = 0;
	return restart(context, err);
}

static enum bake_status write_reader(
	void *context, uint64_t offset, struct bake_span bytes, struct bake_error *err)
{
	struct reader *reader = context;
	size_t room = sizeof(reader->head) - reader->head_len;
	size_t part = bytes.len < room ? bytes.len : room;

	(void)err;
	if (offset < sizeof(reader->head)) {
		memcpy(reader->head + reader->head_len, bytes.ptr, part);
		reader->head_len += part;
	}
	bake_hasher_update(&reader->sha256, bytes);
	if (wants_git(reader))
		bake_hasher_update(&reader->git, bytes);
	reader->size += bytes.len;
	return BAKE_OK;
}

/* A page or a pointer would be pinned as if it were the model. Of a repository's own files git's
 * name excludes a page from somebody else, and a page may be what the file is; a pointer is never:
 * a Hub that lists one as a plain file has lost what it points to. */
static const char *wrong_content(const struct reader *reader, const char **out_hint)
{
	struct bake_span head = bake_span(reader->head, reader->head_len);
	const char *name = reader->what->file->name;
	bool page = reader->what->repository || bake_text_ends(name, ".html") ||
		    bake_text_ends(name, ".htm");

	if (page && !bake_sniff_is_lfs_pointer(head))
		return NULL;
	/* An archive may be what was asked for, but for names that say what the file is. */
	if (bake_archive_kind(head) && !bake_text_ends(name, ".safetensors") &&
		!bake_text_ends(name, ".gguf") && !bake_text_ends(name, ".json"))
		return NULL;
	return bake_sniff_describe(head, out_hint);
}

static enum bake_status check_content(const struct reader *reader, struct bake_error *err)
{
	const char *hint = NULL;
	const char *what = wrong_content(reader, &hint);

	if (!what)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.content", "the server sends %s", what);
	return hint ? bake_error_hint(err, "%s", hint) : err->status;
}

static enum bake_status finish(void *context, bool *out_done, struct bake_error *err)
{
	struct reader *reader = context;
	struct bake_lock_file *file = reader->what->file;
	struct bake_digest sha256;
	struct bake_digest git;

	*out_done = true;
	BAKE_TRY(bake_hasher_final(&reader->sha256, &sha256, err));
	if (wants_git(reader)) {
		BAKE_TRY(bake_hasher_final(&reader->git, &git, err));
		if (!bake_digest_equal(&git, &file->git_sha1))
			return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.git-sha1",
				"expected git blob %s, got %s", BAKE_HEX(&file->git_sha1),
				BAKE_HEX(&git));
	}
	BAKE_TRY(check_content(reader, err));
	file->size = reader->size;
	file->sha256 = sha256;
	return bake_locking_agree(reader->what->pinned, file, err);
}

static void close_reader(void *context)
{
	(void)context;
}

struct explaining {
	const struct bake_locking *locking;
	const struct bake_unhashed *first;
	const struct bake_transfer *transfers;
};

static void explain(void *context, const struct bake_transfer *transfer, struct bake_error *err)
{
	const struct explaining *explaining = context;
	const struct bake_unhashed *what = &explaining->first[transfer - explaining->transfers];
	const struct bake_link *link = explaining->locking->link;

	if (what->repository && transfer->url == 0 && transfer->response->status >= 400)
		bake_hub_explain(transfer->response, link->endpoint, what->repository, what->commit,
			link->has_token, err);
}

static void prepare(
	struct bake_transfer *transfer, struct reader *reader, const struct bake_unhashed *what)
{
	reader->what = what;
	*transfer = (struct bake_transfer){
		.name = what->file->path,
		.urls = what->urls,
		.url_count = what->url_count,
		.has_size = what->has_size,
		.size = what->file->size,
		.target = {.context = reader,
			.open = open_reader,
			.write = write_reader,
			.restart = restart,
			.finish = finish,
			.reopen = restart,
			.close = close_reader},
	};
}

/* What the name does not say already. */
static void warn_begins(const struct bake_locking *locking, const struct reader *reader)
{
	const struct bake_lock_file *at = reader->what->file;
	struct bake_pickle_file file = {.path = at->path, .sha256 = &at->sha256, .size = at->size};
	const char *what = bake_pickle_begins(&file, bake_span(reader->head, reader->head_len));

	if (what && !bake_pickle_named(&file))
		bake_locking_warn_pickle(locking, &file, what);
}

enum bake_status bake_locking_hash(struct bake_locking *locking, struct bake_error *err)
{
	size_t count = locking->unhashed_count;
	_cleanup_free_ struct bake_transfer *transfers = calloc(count + 1, sizeof(*transfers));
	_cleanup_free_ struct reader *readers = calloc(count + 1, sizeof(*readers));
	struct explaining explaining = {locking, locking->unhashed, transfers};
	struct bake_transfer_options options = {
		.max_concurrent = FILES_AT_A_TIME,
		.connections = 1,
		.retries = locking->options->origins.retries,
		.keep_going = locking->options->keep_going,
		.events = locking->options->events,
		.explain = explain,
		.explain_context = &explaining,
		.recognise = bake_sniff_describe,
	};
	enum bake_status status;

	if (!transfers || !readers)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++)
		prepare(&transfers[i], &readers[i], &locking->unhashed[i]);
	status = bake_transfer_run(locking->link->http, transfers, count, &options, err);
	for (size_t i = 0; i < count; i++) {
		if (transfers[i].state == BAKE_TRANSFER_DONE)
			warn_begins(locking, &readers[i]);
	}
	for (size_t i = 0; i < count; i++) {
		bake_hasher_release(&readers[i].sha256);
		bake_hasher_release(&readers[i].git);
	}
	return status;
}
