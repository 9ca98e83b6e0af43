/* SPDX-License-Identifier: Apache-2.0 */
/* model_index.json of a diffusers pipeline: each component that it names has what it is loaded from. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/shards.h"
#include "json/json.h"
#include "ops/structuring.h"

enum {
	INDEX_BYTES_MAX = 4 * 1024 * 1024
};

/* Kinds of component, told by the class's name, and the files of which each wants one. */
static const struct kind {
	const char *word; /* in the name of the class; NULL: any other */
	bool has_weights;
	const char *files[6];
} kinds[] = {
	{"Tokenizer", false,
		{"tokenizer_config.json", "tokenizer.json", "vocab.json", "vocab.txt",
			"spiece.model", "tokenizer.model"}},
	{"Scheduler", false, {"scheduler_config.json"}},
	{"Processor", false, {"preprocessor_config.json", "processor_config.json"}},
	{"FeatureExtractor", false, {"preprocessor_config.json"}},
	{NULL, true, {"config.json"}},
};

struct pipeline {
	struct bake_structure *structure;
	struct bake_structure_file *index;
};

/* What there is of a component. */
struct component {
	const struct kind *kind;
	size_t dir; /* length of its directory's name, with the slash */
	bool any;
	bool config;
	bool weights;
};

static bool is_weights(const char *name)
{
	return bake_shards_is_index(name) || bake_text_ends(name, ".safetensors") ||
	       bake_text_ends(name, ".bin") || bake_text_ends(name, ".gguf") ||
	       bake_text_ends(name, ".onnx") || bake_text_ends(name, ".msgpack");
}

static bool look(void *context, struct bake_structure_file *file)
{
	struct component *component = context;
	const char *name = file->name + component->dir;

	component->any = true;
	component->weights |= is_weights(name);
	for (size_t i = 0; i < countof(component->kind->files); i++)
		component->config |=
			component->kind->files[i] && strcmp(component->kind->files[i], name) == 0;
	return true;
}

static const struct kind *kind_of(const char *class)
{
	const struct kind *kind = kinds;

	while (kind->word && !strstr(class, kind->word))
		kind++;
	return kind;
}

static void tell(const struct pipeline *pipeline, bool left_out, const char *id,
	const char *component, const char *what)
{
	struct bake_error error = BAKE_ERROR_INIT;

	if (left_out) {
		bake_structuring_remark(pipeline->structure, BAKE_FINDING_NOTE, pipeline->index,
			"%s: no %s, as locked", BAKE_SHOW(component), what);
		return;
	}
	bake_error_set(&error, BAKE_ERR_DATA, id,
		"%s names the component '%s', of which there is no %s",
		BAKE_SHOW(pipeline->index->name), BAKE_SHOW(component), what);
	bake_structuring_found(pipeline->structure, BAKE_FINDING_ERROR, pipeline->index, &error);
}

static enum bake_status check_component(
	const struct pipeline *pipeline, const char *key, const char *class, struct bake_error *err)
{
	const char *name = pipeline->index->name;
	struct component component = {.kind = kind_of(class)};
	bool selected = pipeline->structure->selected;
	_cleanup_free_ char *dir = NULL;

	if (asprintf(&dir, "%.*s%s/", (int)bake_structuring_dir(name), name, key) < 0)
		return bake_error_nomem(err);
	component.dir = strlen(dir);
	bake_structuring_each(pipeline->structure, dir, component.dir, look, &component);
	if (!component.any)
		tell(pipeline, selected, "pipeline.component", key, "file");
	else if (!component.config)
		tell(pipeline, false, "pipeline.component", key, component.kind->files[0]);
	if (component.any && component.kind->has_weights && !component.weights)
		tell(pipeline, selected, "pipeline.weights", key, "weights");
	return BAKE_OK;
}

/* Gathers the two texts of ["library", "class"]; other values are no component. */
struct names {
	const char *text[2];
	size_t count;
};

static enum bake_status read_name(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct names *names = out;

	if (names->count < 2 && bake_json_is_string(value))
		BAKE_TRY(bake_json_string(value, &names->text[names->count], err));
	names->count++;
	return BAKE_OK;
}

static enum bake_status read_member(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	const struct pipeline *pipeline = out;
	struct names names = {{NULL, NULL}, 0};
	struct bake_relpath path;

	if (value->key[0] == '_' || !bake_json_is_array(value))
		return BAKE_OK;
	BAKE_TRY(bake_json_each_element(value, read_name, &names, err));
	if (names.count != 2 || !names.text[0] || !names.text[1])
		return BAKE_OK;
	if (strchr(value->key, '/') || bake_relpath_parse(value->key, &path, err) != BAKE_OK)
		return bake_json_error(value, "pipeline.component", err,
			"the component '%s' is no name of a directory", BAKE_SHOW(value->key));
	return check_component(pipeline, value->key, names.text[1], err);
}

static enum bake_status check_pipeline(struct pipeline *pipeline, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(INDEX_BYTES_MAX);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;

	BAKE_TRY(bake_structuring_read(pipeline->structure, pipeline->index, &text, err));
	BAKE_TRY(bake_json_open(bake_buf_span(&text), pipeline->index->name, &doc, err));
	root = bake_json_root(doc);
	return bake_json_each_member(&root, read_member, pipeline, err);
}

void bake_structuring_pipeline(struct bake_structure *structure, struct bake_structure_file *file)
{
	struct pipeline pipeline = {structure, file};
	struct bake_error error = BAKE_ERROR_INIT;

	bake_structuring_mark(structure, file, false);
	if (check_pipeline(&pipeline, &error) != BAKE_OK)
		bake_structuring_found(structure, BAKE_FINDING_ERROR, file, &error);
}
