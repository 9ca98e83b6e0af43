/* SPDX-License-Identifier: Apache-2.0 */
/* The Hugging Face Hub's HTTP interface, as far as pinning and fetching model files needs it. */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/event.h"
#include "digest/digest.h"
#include "net/http.h"

#define BAKE_HUB_ENDPOINT "https://huggingface.co"

enum {
	BAKE_HUB_REPLY_MAX = 16 * 1024 * 1024, /* one page of a listing */
	BAKE_HUB_PAGES_MAX = 1000,
	BAKE_HUB_FILES_MAX = 200000,
};

struct bake_hub {
	struct bake_http *http;		  /* borrowed */
	const char *endpoint;		  /* without a slash at its end */
	unsigned retries;		  /* of each request that fails for the time being */
	const struct bake_events *events; /* told of each; NULL: nobody */
};

/* A revision, resolved. */
struct bake_hub_revision {
	char commit[41];
	bool gated;
};

/* Whether revision is a commit already: 40 lower-case hex digits. */
bool bake_hub_is_commit(const char *revision);

/*
 * GET api/models/{repository}/revision/{revision}. Failures have their own ids:
 * hub.repository-not-found, hub.revision-not-found (BAKE_ERR_UNAVAILABLE), hub.gated,
 * auth.denied (BAKE_ERR_PERMISSION), hub.renamed (BAKE_ERR_UNAVAILABLE, with the new name).
 */
enum bake_status bake_hub_resolve(const struct bake_hub *hub, const char *repository,
	const char *revision, struct bake_hub_revision *out, struct bake_error *err) BAKE_CHECKED;

/* One file of a repository's tree. */
struct bake_hub_file {
	const char *path;
	uint64_t size;
	struct bake_digest sha256;   /* of LFS files; kind NONE for others */
	struct bake_digest git_sha1; /* of the others; kind NONE for LFS files */
};

struct bake_hub_tree {
	struct bake_hub_file *files; /* of a whole listing: sorted by path, none twice */
	size_t count;
	size_t room;
};

#define BAKE_HUB_TREE_INIT                                                                         \
	{                                                                                          \
		.files = NULL                                                                      \
	}

/*
 * GET api/models/{repository}/tree/{commit}?recursive=true, page by page. Every path is checked
 * (path.unsafe) before anything is done with it. Paths are copied into arena.
 */
enum bake_status bake_hub_list(const struct bake_hub *hub, const char *repository,
	const char *commit, struct bake_arena *arena, struct bake_hub_tree *out,
	struct bake_error *err) BAKE_CHECKED;

/* The file of that path in a whole listing, NULL when there is none. */
const struct bake_hub_file *bake_hub_tree_find(const struct bake_hub_tree *tree, const char *path);

/* Sorts a listing that is complete. BAKE_ERR_PROTOCOL hub.reply when a path is there twice. */
enum bake_status bake_hub_tree_finish(
	struct bake_hub_tree *tree, struct bake_error *err) BAKE_CHECKED;

void bake_hub_tree_release(struct bake_hub_tree *tree);

/* One page of a listing: for bake_hub_list and for tests. */
enum bake_status bake_hub_parse_page(struct bake_span text, const char *name,
	struct bake_arena *arena, struct bake_hub_tree *tree, struct bake_error *err) BAKE_CHECKED;

/* Marks err as the fault of the answer it was parsed from: BAKE_ERR_PROTOCOL hub.reply. */
enum bake_status bake_hub_bad_reply(const struct bake_response *response, struct bake_error *err);

/* {endpoint}/{repository}/resolve/{commit}/{path}, appended to out. */
void bake_hub_file_url(struct bake_buf *out, const char *endpoint, const char *repository,
	const char *commit, const char *path);

/* Says what an answer of the Hub means, by its X-Error-Code: turns err, which is the plain one of
 * the HTTP status, into a clearer one. */
void bake_hub_explain(const struct bake_response *response, const char *endpoint,
	const char *repository, const char *revision, bool have_token, struct bake_error *err);

#endif
