/* SPDX-License-Identifier: Apache-2.0 */
/* A list of models in any of the formats, which the first byte chooses: what comes out is a manifest
 * for our own reader, the same one each time. */
#include "catalog/import.h"
#include "fuzz/fuzz.h"
#include "manifest/manifest.h"

static bool import(struct bake_span text, enum bake_import_format format, struct bake_buf *out)
{
	struct bake_import *import = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	size_t count;
	bool good;

	CLAIM(bake_import_new(&import, &err) == BAKE_OK);
	good = succeeded(bake_import_read(import, text, "list", format, &err), &err) &&
	       succeeded(bake_import_write(import, "list", out, &err), &err);
	for (const struct bake_import_warning *list = bake_import_warnings(import, &count);
		count > 0; count--, list++) {
		CLAIM(list->id && list->message);
		keep_text(list->message);
	}
	CLAIM(!good || bake_import_model_count(import) > 0);
	bake_import_free(&import);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_buf_release) struct bake_buf first = BAKE_BUF_INIT((size_t)1 << 26);
	_cleanup_(bake_buf_release) struct bake_buf second = BAKE_BUF_INIT((size_t)1 << 26);
	enum bake_import_format format;
	struct bake_span text;

	if (size == 0)
		return 0;
	format = (enum bake_import_format)(data[0] % BAKE_IMPORT_FORMATS);
	text = bake_span(data + 1, size - 1);
	if (!import(text, format, &first))
		return 0;
	CLAIM(import(text, format, &second));
	CLAIM(first.len == second.len && memcmp(first.ptr, second.ptr, first.len) == 0);
	return 0;
}
