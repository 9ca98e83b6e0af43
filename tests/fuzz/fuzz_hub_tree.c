/* SPDX-License-Identifier: Apache-2.0 */
/* A page of the Hub's listing: whatever it says, paths are safe, pins are pins, URLs are URLs. */
#include "base/num.h"
#include "base/relpath.h"
#include "fuzz/fuzz.h"
#include "hub/hub.h"

#define COMMIT "ce013625030ba8dba906f756967f9e9ca394464a"

static void look_at(const struct bake_hub_file *file)
{
	_cleanup_(bake_buf_release) struct bake_buf url = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_relpath path;
	struct bake_origin origin;

	CLAIM(succeeded(bake_relpath_parse(file->path, &path, &err), &err));
	CLAIM((file->sha256.kind == BAKE_DIGEST_SHA256) !=
		(file->git_sha1.kind == BAKE_DIGEST_GIT_SHA1));
	CLAIM(file->size < BAKE_SIZE_MAX);
	bake_hub_file_url(&url, BAKE_HUB_ENDPOINT, "org/name", COMMIT, file->path);
	CLAIM(succeeded(bake_buf_status(&url, "URL", &err), &err));
	CLAIM(succeeded(bake_url_origin(url.ptr, &origin, &err), &err));
	CLAIM(strcmp(origin.host, "huggingface.co") == 0);
	CLAIM(succeeded(bake_url_check_secret(url.ptr, &err), &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(16U << 20);
	_cleanup_(bake_hub_tree_release) struct bake_hub_tree tree = BAKE_HUB_TREE_INIT;
	struct bake_error err = BAKE_ERROR_INIT;

	keep(succeeded(
		bake_hub_parse_page(bake_span(data, size), "page", &arena, &tree, &err), &err));
	for (size_t i = 0; i < tree.count; i++)
		look_at(&tree.files[i]);
	return 0;
}
