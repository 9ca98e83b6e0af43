/* SPDX-License-Identifier: Apache-2.0 */
/* The limits that stand beside config.json: of generation, and of the tokenizer. */
#include "arch/config.h"
#include "base/cleanup.h"

enum bake_status bake_arch_read_generation(
	struct bake_arch *arch, struct bake_span text, const char *path, struct bake_error *err)
{
	static const struct bake_arch_row rows[] = {
		{BAKE_ARCH_MAX_GENERATION_TOKENS, 0, BAKE_ARCH_TOKENS_MAX, 0, {"max_new_tokens"}},
		{BAKE_ARCH_MAX_LENGTH, 0, BAKE_ARCH_TOKENS_MAX, 0, {"max_length"}},
	};
	_cleanup_(bake_arch_config_release) struct bake_arch_config config = {.doc = NULL};

	BAKE_TRY(bake_arch_config_open(arch, "generation_config", text, path, &config, err));
	return bake_arch_config_rows(&config, &config.root, 1, rows, countof(rows), err);
}

/* Tokenizers without a limit name 10^30. The model's own limits are better, so this comes last. */
enum bake_status bake_arch_read_tokenizer(
	struct bake_arch *arch, struct bake_span text, const char *path, struct bake_error *err)
{
	_cleanup_(bake_arch_config_release) struct bake_arch_config config = {.doc = NULL};
	struct bake_arch_value value;
	double number = 0;

	BAKE_TRY(bake_arch_config_open(arch, "config", text, path, &config, err));
	if (bake_arch_get(arch, BAKE_ARCH_CONTEXT_LENGTH) ||
		bake_arch_get(arch, BAKE_ARCH_MAX_POSITION_EMBEDDINGS) ||
		bake_arch_get(arch, BAKE_ARCH_SEQ_LENGTH) ||
		!bake_arch_config_find(&config, &config.root, "model_max_length", &value) ||
		!bake_json_is_number(&value.json))
		return BAKE_OK;
	BAKE_TRY(bake_json_f64(&value.json, &number, err));
	if (!(number >= 1 && number <= (double)BAKE_ARCH_TOKENS_MAX))
		return BAKE_OK;
	return bake_arch_set_u64(
		arch, BAKE_ARCH_CONTEXT_LENGTH, (uint64_t)number, value.source, err);
}
