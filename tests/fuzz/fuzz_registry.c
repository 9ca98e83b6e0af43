/* SPDX-License-Identifier: Apache-2.0 */
/* {"old": {...}, "fresh": {...}, "args": [...]}: merging and setting arguments once more changes
 * nothing, and what is manual stays. */
#include "fuzz/fuzz.h"
#include "json/edit.h"
#include "ops/arguments.h"
#include "ops/registry_merge.h"

static void merge_twice(const struct bake_json *old, const struct bake_json *fresh)
{
	struct bake_error err = BAKE_ERROR_INIT;
	size_t changed;

	if (!succeeded(bake_registry_merge(old, fresh, "now", &changed, &err), &err))
		return;
	CLAIM(bake_registry_merge(old, fresh, "later", &changed, &err) == BAKE_OK);
	CLAIM(changed == 0);
}

static void set_twice(const struct bake_json *args)
{
	static const char *const len[] = {"--max-model-len", NULL};
	static const char *const ctx[] = {"-c", "--ctx-size", NULL};
	const struct bake_argument wanted[] = {{len, "8192"}, {ctx, "-1"}};
	struct bake_error err = BAKE_ERROR_INIT;
	size_t count;

	if (!succeeded(bake_arguments_set(args, wanted, countof(wanted), &err), &err))
		return;
	count = bake_json_count(args);
	CLAIM(count >= 2);
	CLAIM(bake_arguments_set(args, wanted, countof(wanted), &err) == BAKE_OK);
	CLAIM(bake_json_count(args) == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 24);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json root;
	struct bake_json old;
	struct bake_json fresh;
	struct bake_json args;

	if (!succeeded(bake_json_open(bake_span(data, size), "input", &doc, &err), &err))
		return 0;
	root = bake_json_root(doc);
	if (!bake_json_is_object(&root))
		return 0;
	if (bake_json_find(&root, "old", &old) && bake_json_is_object(&old) &&
		bake_json_find(&root, "fresh", &fresh) && bake_json_is_object(&fresh))
		merge_twice(&old, &fresh);
	if (bake_json_find(&root, "args", &args) && bake_json_is_array(&args))
		set_twice(&args);
	(void)succeeded(bake_json_write_doc(doc, &text, &err), &err);
	return 0;
}
