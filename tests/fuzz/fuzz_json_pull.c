/* SPDX-License-Identifier: Apache-2.0 */
/* The two readers of JSON: what one accepts the other accepts, and it says the same to both. */
#include "base/buf.h"
#include "fuzz/fuzz.h"
#include "json/json.h"
#include "json/pull.h"

struct walk {
	struct bake_json_pull pull;
	struct bake_span text;
	struct bake_arena arena;
};

static struct bake_pull_token next(struct walk *walk)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_pull_token token = {.kind = BAKE_PULL_END};

	CLAIM(bake_json_pull_next(&walk->pull, &token, &err) == BAKE_OK);
	CLAIM(token.offset <= walk->text.len);
	return token;
}

/* What a key or string says. */
static void check_text(struct walk *walk, const struct bake_pull_token *token, const char *want)
{
	const char *copy = bake_json_pull_copy(token, &walk->arena);

	CLAIM(bake_json_pull_says(token, want));
	CLAIM(!copy || strcmp(copy, want) == 0);
}

static void check_value(struct walk *walk, const struct bake_json *value);

static enum bake_status check_member(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct walk *walk = out;
	struct bake_pull_token key = next(walk);

	(void)err;
	CLAIM(key.kind == BAKE_PULL_KEY);
	check_text(walk, &key, value->key);
	check_value(walk, value);
	return BAKE_OK;
}

static enum bake_status check_element(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	(void)err;
	check_value(out, value);
	return BAKE_OK;
}

static void check_scalar(
	struct walk *walk, const struct bake_json *value, const struct bake_pull_token *token)
{
	struct bake_error err = BAKE_ERROR_INIT;
	const char *text = NULL;
	uint64_t number = 0;
	bool flag = false;

	if (token->kind == BAKE_PULL_STRING) {
		CLAIM(bake_json_string(value, &text, &err) == BAKE_OK);
		check_text(walk, token, text);
	} else if (token->kind == BAKE_PULL_U64) {
		CLAIM(bake_json_u64(value, INT64_MAX, &number, &err) == BAKE_OK);
		CLAIM(number == token->u64);
	} else if (token->kind == BAKE_PULL_NULL) {
		CLAIM(bake_json_is_null(value));
	} else if (token->kind == BAKE_PULL_NUMBER) {
		/* "-0" is an integer to one of them, and nobody is hurt. */
		CLAIM(bake_json_u64(value, INT64_MAX, &number, &err) != BAKE_OK || number == 0);
	} else {
		CLAIM(token->kind == BAKE_PULL_TRUE || token->kind == BAKE_PULL_FALSE);
		CLAIM(bake_json_bool(value, &flag, &err) == BAKE_OK);
		CLAIM(flag == (token->kind == BAKE_PULL_TRUE));
	}
}

static void check_value(struct walk *walk, const struct bake_json *value)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_pull_token token = next(walk);

	if (token.kind == BAKE_PULL_OBJECT) {
		CLAIM(bake_json_each_member(value, check_member, walk, &err) == BAKE_OK);
		CLAIM(next(walk).kind == BAKE_PULL_END_OBJECT);
	} else if (token.kind == BAKE_PULL_ARRAY) {
		CLAIM(bake_json_each_element(value, check_element, walk, &err) == BAKE_OK);
		CLAIM(next(walk).kind == BAKE_PULL_END_ARRAY);
	} else {
		check_scalar(walk, value, &token);
	}
}

/* Reads to the end; skipping the root comes to the same. */
static bool pull_takes(struct bake_span text)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_pull_token token = {.kind = BAKE_PULL_NULL};
	struct bake_json_pull pull;
	size_t offset = 0;
	bool all = true;
	bool skipped;

	bake_json_pull_init(&pull, text, "fuzz.json");
	while (all && token.kind != BAKE_PULL_END) {
		all = succeeded(bake_json_pull_next(&pull, &token, &err), &err);
		CLAIM(!all || token.offset >= offset);
		offset = token.offset;
	}
	bake_json_pull_init(&pull, text, "fuzz.json");
	skipped = succeeded(bake_json_pull_next(&pull, &token, &err), &err) &&
		  succeeded(bake_json_pull_skip(&pull, &token, &err), &err) &&
		  succeeded(bake_json_pull_next(&pull, &token, &err), &err);
	CLAIM(skipped == all);
	CLAIM(!skipped || token.kind == BAKE_PULL_END);
	return all;
}

/* Tree readers have to find keys that stand twice, and to have numbers: what of it the other one
 * leaves to its callers. */
static bool is_excused(const struct bake_error *err)
{
	return strcmp(err->id, "json.duplicate-key") == 0 || strstr(err->message, "does not fit") ||
	       strstr(err->message, "is too large");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct walk walk = {.text = bake_span(data, size), .arena = BAKE_ARENA_INIT(1U << 20)};
	bool taken = pull_takes(walk.text);

	if (bake_json_open(walk.text, "fuzz.json", &doc, &err) == BAKE_OK) {
		struct bake_json root = bake_json_root(doc);

		CLAIM(taken);
		bake_json_pull_init(&walk.pull, walk.text, "fuzz.json");
		check_value(&walk, &root);
		CLAIM(next(&walk).kind == BAKE_PULL_END);
	} else {
		CLAIM(!taken || is_excused(&err));
	}
	bake_arena_release(&walk.arena);
	return 0;
}
