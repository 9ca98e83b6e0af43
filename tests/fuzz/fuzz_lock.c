/* SPDX-License-Identifier: Apache-2.0 */
/* A lock of any bytes: refused, or it can be written, read back, and written again the same. */
#include "base/relpath.h"
#include "fuzz/fuzz.h"
#include "manifest/lock.h"
#include "manifest/select.h"

static void write_twice(const struct bake_lock *lock, unsigned slice)
{
	_cleanup_(bake_buf_release) struct bake_buf first = BAKE_BUF_INIT(BAKE_LOCK_BYTES_MAX);
	_cleanup_(bake_buf_release) struct bake_buf second = BAKE_BUF_INIT(BAKE_LOCK_BYTES_MAX);
	_cleanup_(bake_lock_free) struct bake_lock *again = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	CLAIM(succeeded(bake_lock_write(lock, slice, &first, &err), &err));
	CLAIM(succeeded(bake_lock_parse(bake_buf_span(&first), "again", &again, &err), &err));
	CLAIM(again->slice == slice);
	CLAIM(succeeded(bake_lock_write(again, slice, &second, &err), &err));
	CLAIM(first.len == second.len && memcmp(first.ptr, second.ptr, first.len) == 0);
}

static void look_at(const struct bake_lock_model *model)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_relpath path;

	CLAIM(model->file_count > 0);
	for (size_t i = 0; i < model->file_count; i++) {
		CLAIM(model->files[i].sha256.kind == BAKE_DIGEST_SHA256);
		CLAIM(succeeded(bake_relpath_parse_model(model->files[i].path, &path, &err), &err));
		keep(path.len);
	}
	if (model->source.kind == BAKE_SOURCE_HUB)
		CLAIM(strlen(model->source.commit) == 40);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_lock_free) struct bake_lock *lock = NULL;
	_cleanup_free_ bool *chosen = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	if (!succeeded(bake_lock_parse(bake_span(data, size), "l.json", &lock, &err), &err))
		return 0;
	for (size_t i = 0; i < lock->model_count; i++)
		look_at(&lock->models[i]);
	write_twice(lock, lock->slice);
	for (unsigned layer = 1; !lock->slice && layer <= BAKE_LAYERS; layer++)
		write_twice(lock, layer);
	chosen = calloc(lock->model_count + 1, sizeof(*chosen));
	CLAIM(chosen);
	keep(succeeded(
		bake_select_models(lock, &(struct bake_select){.layer = 0}, chosen, &err), &err));
	CLAIM(succeeded(
		bake_select_models(lock, &(struct bake_select){.all = true}, chosen, &err), &err));
	return 0;
}
