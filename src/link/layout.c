/* SPDX-License-Identifier: Apache-2.0 */
#include "link/layout.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "json/json.h"

#define WORDS(...)                                                                                 \
	{                                                                                          \
		(const char *const[]){__VA_ARGS__}, countof(((const char *const[]){__VA_ARGS__}))  \
	}
#define TO(path)                                                                                   \
	{                                                                                          \
		(path), sizeof(path) - 1                                                           \
	}

/*
 * The directories of ComfyUI's folder_paths.py, and of the custom nodes that everybody has
 * (IP-Adapter, AnimateDiff-Evolved). A role says more than a category: a category "checkpoints"
 * holds transformers, too.
 */
static const struct bake_layout_rule comfyui_rules[] = {
	{.format = WORDS("diffusers"), .to = TO("models/diffusers"), .whole = true},
	{.role = WORDS("transformer", "unet", "diffusion-model"),
		.to = TO("models/diffusion_models")},
	{.role = WORDS("clip-vision", "image-encoder"), .to = TO("models/clip_vision")},
	{.role = WORDS("text-encoder"), .to = TO("models/text_encoders")},
	{.role = WORDS("vae"), .to = TO("models/vae")},
	{.role = WORDS("lora"), .to = TO("models/loras")},
	{.role = WORDS("controlnet"), .to = TO("models/controlnet")},
	{.role = WORDS("upscaler"), .to = TO("models/upscale_models")},
	{.role = WORDS("textual-inversion"), .to = TO("models/embeddings")},
	{.role = WORDS("ip-adapter", "ipadapter"), .to = TO("models/ipadapter")},
	{.role = WORDS("motion", "motion-module", "animatediff"),
		.to = TO("models/animatediff_models")},
	{.category = WORDS("unet", "diffusion-models"), .to = TO("models/diffusion_models")},
	{.category = WORDS("checkpoints"), .to = TO("models/checkpoints")},
	{.category = WORDS("vae"), .to = TO("models/vae")},
	{.category = WORDS("text-encoders", "clip"), .to = TO("models/text_encoders")},
	{.category = WORDS("clip-vision"), .to = TO("models/clip_vision")},
	{.category = WORDS("loras"), .to = TO("models/loras")},
	{.category = WORDS("controlnet"), .to = TO("models/controlnet")},
	{.category = WORDS("upscalers", "upscale-models"), .to = TO("models/upscale_models")},
	{.category = WORDS("embeddings"), .to = TO("models/embeddings")},
	{.category = WORDS("ipadapter", "ip-adapter"), .to = TO("models/ipadapter")},
	{.category = WORDS("motion", "animatediff", "animatediff-models"),
		.to = TO("models/animatediff_models")},
};

static const struct bake_layout_tree comfyui = {
	.name = "comfyui",
	.rules = comfyui_rules,
	.rule_count = countof(comfyui_rules),
};

const struct bake_layout_tree *bake_layout_tree_find(const char *name)
{
	return strcmp(name, comfyui.name) == 0 ? &comfyui : NULL;
}

static int folded(char c)
{
	return c == '_' ? '-' : tolower((unsigned char)c);
}

static bool same_word(const char *a, const char *b)
{
	while (*a && folded(*a) == folded(*b)) {
		a++;
		b++;
	}
	return folded(*a) == folded(*b);
}

static bool holds(const struct bake_layout_words *words, const char *value)
{
	if (words->count == 0)
		return true;
	for (size_t i = 0; value && i < words->count; i++) {
		if (same_word(words->items[i], value))
			return true;
	}
	return false;
}

const struct bake_layout_rule *bake_layout_rule_for(
	const struct bake_layout_tree *tree, const struct bake_layout_kind *kind)
{
	for (size_t i = 0; i < tree->rule_count; i++) {
		const struct bake_layout_rule *rule = &tree->rules[i];

		if (holds(&rule->role, kind->role) && holds(&rule->category, kind->category) &&
			holds(&rule->format, kind->format))
			return rule;
	}
	return NULL;
}

/* What a document is read into. */
struct reading {
	struct bake_layout_tree *tree;
	struct bake_layout_rule *rules;
	size_t count;
	bool schema;
};

struct reading_rule {
	struct bake_arena *arena;
	struct bake_layout_rule rule;
};

/* A word, or an array of words. */
static enum bake_status read_words(const struct bake_json *value, struct bake_arena *arena,
	struct bake_layout_words *out, struct bake_error *err)
{
	const char **one;

	if (bake_json_is_array(value)) {
		BAKE_TRY(bake_json_copy_list(
			value, BAKE_LAYOUT_WORD_MAX, arena, &out->items, &out->count, err));
		return out->count ? BAKE_OK
				  : bake_json_error(value, "layout.rule", err, "an empty list");
	}
	one = bake_arena_array(arena, 1, sizeof(*one));
	if (!one)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_copy(value, BAKE_LAYOUT_WORD_MAX, arena, &one[0], err));
	out->items = one;
	out->count = 1;
	return BAKE_OK;
}

static enum bake_status read_role(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading_rule *reading = out;

	return read_words(value, reading->arena, &reading->rule.role, err);
}

static enum bake_status read_category(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading_rule *reading = out;

	return read_words(value, reading->arena, &reading->rule.category, err);
}

static enum bake_status read_format(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading_rule *reading = out;

	return read_words(value, reading->arena, &reading->rule.format, err);
}

static enum bake_status read_to(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading_rule *reading = out;
	const char *text;

	BAKE_TRY(bake_json_copy(value, BAKE_PATH_MAX, reading->arena, &text, err));
	if (bake_relpath_parse(text, &reading->rule.to, err) != BAKE_OK)
		return bake_json_blame(value, err);
	return BAKE_OK;
}

static enum bake_status read_link(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading_rule *reading = out;
	const char *text;

	BAKE_TRY(bake_json_string(value, &text, err));
	reading->rule.whole = strcmp(text, "directory") == 0;
	if (!reading->rule.whole && strcmp(text, "files") != 0)
		return bake_json_error(value, "layout.rule", err,
			"'%s' is neither \"files\" nor \"directory\"", BAKE_SHOW(text));
	return BAKE_OK;
}

static enum bake_status read_rule(const struct bake_json *value, void *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"role", read_role, false},
		{"category", read_category, false},
		{"format", read_format, false},
		{"to", read_to, true},
		{"link", read_link, false},
	};
	struct reading *reading = out;
	struct reading_rule one = {.arena = &reading->tree->arena};

	BAKE_TRY(bake_json_read_object(
		value, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN, &one, err));
	reading->rules[reading->count++] = one.rule;
	return BAKE_OK;
}

static enum bake_status read_rules(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;
	size_t count = bake_json_count(value);

	if (count > BAKE_LAYOUT_RULES_MAX)
		return bake_json_error(value, "layout.rule", err, "%zu rules; at most %d are read",
			count, BAKE_LAYOUT_RULES_MAX);
	reading->rules =
		bake_arena_array(&reading->tree->arena, count, sizeof(struct bake_layout_rule));
	if (!reading->rules)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_each_element(value, read_rule, reading, err));
	if (reading->count == 0)
		return bake_json_error(value, "layout.rule", err, "there is no rule");
	reading->tree->rules = reading->rules;
	reading->tree->rule_count = reading->count;
	return BAKE_OK;
}

static enum bake_status read_schema(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	const char *text;

	(void)out;
	BAKE_TRY(bake_json_string(value, &text, err));
	if (strcmp(text, BAKE_LAYOUT_SCHEMA) == 0)
		return BAKE_OK;
	bake_json_error(value, "schema.version", err, "schema '%s' is not '%s'", BAKE_SHOW(text),
		BAKE_LAYOUT_SCHEMA);
	return err->status = BAKE_ERR_CONFIG;
}

static enum bake_status read_name(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct reading *reading = out;

	return bake_json_copy(
		value, BAKE_LAYOUT_WORD_MAX, &reading->tree->arena, &reading->tree->name, err);
}

enum bake_status bake_layout_tree_parse(struct bake_span text, const char *document,
	struct bake_layout_tree **out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"schema", read_schema, true},
		{"name", read_name, true},
		{"rules", read_rules, true},
	};
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	_cleanup_(bake_layout_tree_free) struct bake_layout_tree *tree = NULL;
	struct reading reading = {.count = 0};
	struct bake_json root;

	BAKE_TRY(bake_json_open(text, document, &doc, err));
	root = bake_json_root(doc);
	tree = calloc(1, sizeof(*tree));
	if (!tree)
		return bake_error_nomem(err);
	tree->arena = (struct bake_arena)BAKE_ARENA_INIT(16 * (size_t)BAKE_LAYOUT_BYTES_MAX);
	reading.tree = tree;
	BAKE_TRY(bake_json_read_object(
		&root, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN, &reading, err));
	*out = tree;
	tree = NULL;
	return BAKE_OK;
}

void bake_layout_tree_free(struct bake_layout_tree **tree)
{
	if (*tree)
		bake_arena_release(&(*tree)->arena);
	free(*tree);
	*tree = NULL;
}
