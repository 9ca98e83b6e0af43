/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/file.h"
#include "index/index.h"
#include "json/edit.h"
#include "manifest/fields.h"
#include "ops/registry.h"

static const char empty[] = "{\"schema\": \"" BAKE_RUNTIME_SCHEMA "\", \"models\": {}}";

static enum bake_status check(struct bake_runtime *runtime, struct bake_error *err)
{
	struct bake_json schema;

	if (!bake_json_is_object(&runtime->root) ||
		!bake_json_find(&runtime->root, "schema", &schema))
		return bake_json_error(&runtime->root, "schema.name", err,
			"no \"schema\": this is no %s", BAKE_RUNTIME_SCHEMA);
	BAKE_TRY(bake_field_schema(&schema, BAKE_RUNTIME_SCHEMA, err));
	return bake_json_make_object(&runtime->root, "models", &runtime->models, err);
}

enum bake_status bake_runtime_open(
	struct bake_runtime *runtime, const char *models_dir, struct bake_error *err)
{
	struct bake_span text = bake_span(empty, sizeof(empty) - 1);

	*runtime = (struct bake_runtime){.before = BAKE_BUF_INIT(BAKE_RUNTIME_BYTES_MAX)};
	if (asprintf(&runtime->path, "%s/%s", models_dir, BAKE_INDEX_RUNTIME_NAME) < 0) {
		runtime->path = NULL;
		return bake_error_nomem(err);
	}
	if (access(runtime->path, F_OK) == 0) {
		BAKE_TRY(bake_file_read(runtime->path, &runtime->before, err));
		text = bake_buf_span(&runtime->before);
	}
	BAKE_TRY(bake_json_open(text, runtime->path, &runtime->doc, err));
	runtime->root = bake_json_root(runtime->doc);
	return check(runtime, err);
}

void bake_runtime_release(struct bake_runtime *runtime)
{
	bake_json_close(&runtime->doc);
	bake_buf_release(&runtime->before);
	free(runtime->path);
	runtime->path = NULL;
}

enum bake_status bake_runtime_write(
	const struct bake_runtime *runtime, bool dry_run, bool *out_changed, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_RUNTIME_BYTES_MAX);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json was;

	*out_changed = bake_json_count(&runtime->models) > 0;
	if (runtime->before.len) {
		BAKE_TRY(bake_json_open(bake_buf_span(&runtime->before), runtime->path, &doc, err));
		was = bake_json_root(doc);
		*out_changed = !bake_json_equal(&was, &runtime->root);
	}
	if (!*out_changed || dry_run)
		return BAKE_OK;
	BAKE_TRY(bake_json_write_doc(runtime->doc, &text, err));
	return bake_file_replace_path(runtime->path, bake_buf_span(&text), -1, err);
}

static enum bake_status view_model(const struct bake_json *model, void *out, struct bake_error *err)
{
	const struct bake_runtime *runtime = out;
	const char *id = bake_json_is_object(model) ? bake_registry_text(model, "id") : NULL;
	struct bake_json architecture;
	struct bake_json known;
	struct bake_json part;

	if (!id || !bake_json_find(&runtime->models, id, &known))
		return BAKE_OK;
	if (bake_json_find(&known, "runtime", &part)) {
		BAKE_TRY(bake_json_make_object(model, "architecture", &architecture, err));
		BAKE_TRY(bake_json_set(&architecture, "runtime", &part, err));
	}
	return bake_json_find(&known, "overrides", &part)
		       ? bake_json_set(model, "overrides", &part, err)
		       : BAKE_OK;
}

enum bake_status bake_runtime_merge_view(
	const char *models_dir, struct bake_buf *text, struct bake_error *err)
{
	_cleanup_(bake_runtime_release) struct bake_runtime runtime = {.path = NULL};
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	_cleanup_(bake_buf_release) struct bake_buf merged =
		BAKE_BUF_INIT(BAKE_INDEX_BYTES_MAX + (size_t)BAKE_RUNTIME_BYTES_MAX);
	struct bake_json root;
	struct bake_json models;
	struct bake_buf swapped;

	BAKE_TRY(bake_runtime_open(&runtime, models_dir, err));
	if (bake_json_count(&runtime.models) == 0)
		return BAKE_OK;
	BAKE_TRY(bake_json_open(bake_buf_span(text), "index", &doc, err));
	root = bake_json_root(doc);
	if (bake_json_find(&root, "models", &models))
		BAKE_TRY(bake_json_each_element(&models, view_model, &runtime, err));
	else
		BAKE_TRY(view_model(&root, &runtime, err));
	BAKE_TRY(bake_json_write_doc(doc, &merged, err));
	swapped = *text;
	*text = merged;
	merged = swapped;
	return BAKE_OK;
}
