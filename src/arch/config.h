/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the readers of configuration documents share: a document with the objects in which a value
 * is looked for, and values taken from it with their source. A value that makes no sense is
 * a warning, null counts as absent, and the first key that gives a good value wins.
 */
#ifndef ARCH_CONFIG_H
#define ARCH_CONFIG_H

#include "arch/record.h"

/* What is plausible. Larger ones are mistakes or attacks; the largest known models are far below. */
enum {
	BAKE_ARCH_LAYERS_MAX = BAKE_ARCH_LIST_MAX,
	BAKE_ARCH_HEADS_MAX = 65536,
	BAKE_ARCH_EXPERTS_MAX = 65536,
	BAKE_ARCH_HEAD_DIM_MAX = 65536,
	BAKE_ARCH_WIDTH_MAX = 1 << 24, /* hidden and intermediate sizes */
	BAKE_ARCH_VOCAB_MAX = 1 << 26,
	BAKE_ARCH_SCOPES_MAX = 2
};
#define BAKE_ARCH_TOKENS_MAX ((uint64_t)1 << 31)
#define BAKE_ARCH_PIXELS_MAX ((uint64_t)1 << 40)

/* An object of the document, and how its members' paths begin: "text_config." */
struct bake_arch_scope {
	struct bake_json object;
	const char *prefix;
};

struct bake_arch_config {
	struct bake_arch *arch;
	const char *kind; /* of sources: "config" */
	const char *path;
	struct bake_json_doc *doc;
	struct bake_arch_scope root;
	struct bake_arch_scope scopes[BAKE_ARCH_SCOPES_MAX]; /* for text fields, the best first */
	size_t scope_count;
};

/* A value with where it is from. */
struct bake_arch_value {
	struct bake_json json;
	char source[BAKE_ARCH_TEXT_MAX];
};

/* Opens a document that is an object, and notes it as a source. Released with the next. */
enum bake_status bake_arch_config_open(struct bake_arch *arch, const char *kind,
	struct bake_span text, const char *path, struct bake_arch_config *out,
	struct bake_error *err) BAKE_CHECKED;
void bake_arch_config_release(struct bake_arch_config *config);

/* The object at a dotted path; false when there is none. */
bool bake_arch_config_object(
	const struct bake_arch_config *config, const char *dotted, struct bake_arch_scope *out);

/* The value at a dotted path, which is not null. */
bool bake_arch_config_find(const struct bake_arch_config *config,
	const struct bake_arch_scope *scope, const char *dotted, struct bake_arch_value *out);

/* The same in the scopes for text fields. */
bool bake_arch_config_text_value(
	const struct bake_arch_config *config, const char *dotted, struct bake_arch_value *out);

/* Whether the text fields have the flag with that value. */
bool bake_arch_config_flag(const struct bake_arch_config *config, const char *key, bool value);

/* The text, NULL when the value is none. */
const char *bake_arch_config_string(const struct bake_json *value);

/* A whole number, also as 28.0 or "28"; false when it is none. *out_text: it was a string. */
bool bake_arch_config_number(const struct bake_json *value, uint64_t *out, bool *out_text);

/* What is wanted: the name for warnings, the keys in order, and what is plausible. With min 0, 0
 * means that there is none. */
struct bake_arch_want {
	const char *name;
	const char *const *keys; /* up to a NULL */
	uint64_t min;
	uint64_t max;
	bool list; /* an array of such numbers will do: the largest counts */
};

struct bake_arch_taken {
	bool found;
	uint64_t u64;
	size_t list_count; /* 0: it was one number */
	uint64_t list[BAKE_ARCH_LIST_MAX];
	struct bake_arch_value value;
};

enum bake_status bake_arch_config_take(const struct bake_arch_config *config,
	const struct bake_arch_scope *scope, const struct bake_arch_want *want,
	struct bake_arch_taken *out, struct bake_error *err) BAKE_CHECKED;

/* The number of one key of the text fields; 0 when there is no good one. */
enum bake_status bake_arch_config_u64(const struct bake_arch_config *config, const char *key,
	uint64_t max, uint64_t *out, struct bake_error *err) BAKE_CHECKED;

/* A row of a table: a field with its keys. list_field 0: the values of an array are not kept. */
struct bake_arch_row {
	unsigned field; /* of the record or its vision */
	uint64_t min;
	uint64_t max;
	enum bake_arch_field list_field;
	const char *const keys[14];
};

/* Sets the fields of the table that are not known, scope by scope. */
enum bake_status bake_arch_config_rows(const struct bake_arch_config *config,
	const struct bake_arch_scope *scopes, size_t scope_count, const struct bake_arch_row *rows,
	size_t row_count, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_config_vision_rows(const struct bake_arch_config *config,
	const struct bake_arch_scope *scope, const struct bake_arch_row *rows, size_t row_count,
	struct bake_error *err) BAKE_CHECKED;

/* "bfloat16" and "torch.bfloat16" as "bf16"; what is not known as it is; NULL for "auto". */
const char *bake_arch_precision(const char *dtype);

/* bake_arch_read_config for a document that stands elsewhere than in a file of its own: kind begins
 * its sources, "safetensors". */
enum bake_status bake_arch_config_read(struct bake_arch *arch, const char *kind,
	struct bake_span text, const char *path, struct bake_error *err) BAKE_CHECKED;

/* The parts of read_config. */
enum bake_status bake_arch_config_layers(
	const struct bake_arch_config *config, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_config_rope(
	const struct bake_arch_config *config, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_config_quantization(
	const struct bake_arch_config *config, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_config_vision(
	const struct bake_arch_config *config, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_config_diffusers(
	const struct bake_arch_config *config, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_config_causal(
	const struct bake_arch_config *config, struct bake_error *err) BAKE_CHECKED;

#endif
