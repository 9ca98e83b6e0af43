/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON files that say how a model is built. One that is broken is a warning. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/relpath.h"
#include "base/text.h"
#include "ops/inspecting.h"

typedef enum bake_status read_fn(
	struct bake_arch *arch, struct bake_span text, const char *path, struct bake_error *err);

/* In the order in which they count: of two that know a fact the first one is right. */
static const struct {
	const char *name;
	read_fn *read;
} readers[] = {
	{"config.json", bake_arch_read_config},
	{"params.json", bake_arch_read_config}, /* Mistral's own form, where there is no other */
	{"generation_config.json", bake_arch_read_generation},
	{"preprocessor_config.json", bake_arch_read_preprocessor},
	{"tokenizer_config.json", bake_arch_read_tokenizer},
	{"quantize_config.json", bake_arch_read_quantize},
	{"quant_config.json", bake_arch_read_quantize},
	{"hf_quant_config.json", bake_arch_read_quantize},
};

static enum bake_status read_one(const struct bake_listing *listing, size_t at, read_fn *read,
	struct bake_arch *arch, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text =
		BAKE_BUF_INIT(BAKE_INSPECT_CONFIG_MAX + 1);
	const char *path = bake_listing_at(listing, at)->path;
	struct bake_error why = BAKE_ERROR_INIT;
	char shown[BAKE_PATH_MAX + 256];
	enum bake_status status;

	(void)snprintf(shown, sizeof(shown), "%s%s", listing->label, path);
	status = bake_inspecting_text(listing, at, &text, &why);
	if (status == BAKE_OK)
		status = read(arch, bake_buf_span(&text), shown, &why);
	if (status == BAKE_OK)
		return BAKE_OK;
	if (status == BAKE_ERR_DATA) {
		bool named = strncmp(why.message, shown, strlen(shown)) == 0;

		return bake_arch_warn(arch, err, "%s%s%s", named ? "" : BAKE_SHOW(shown),
			named ? "" : ": ", BAKE_SHOW(why.message));
	}
	*err = why;
	return bake_error_wrap(err, "%s", BAKE_SHOW(shown));
}

enum bake_status bake_inspecting_config(const struct bake_listing *listing, const char *dir,
	struct bake_arch *arch, bool *out_any, struct bake_error *err)
{
	bool has_config = bake_listing_find(listing, dir, "config.json") != BAKE_LISTING_NONE;

	*out_any = false;
	for (size_t i = 0; i < countof(readers); i++) {
		ptrdiff_t at = bake_listing_find(listing, dir, readers[i].name);

		if (at == BAKE_LISTING_NONE || (has_config && i == 1))
			continue;
		BAKE_TRY(read_one(listing, (size_t)at, readers[i].read, arch, err));
		*out_any = *out_any || i < 2;
	}
	return BAKE_OK;
}

enum bake_status bake_inspecting_model_index(const struct bake_listing *listing,
	struct bake_arch *arch, bool *out_any, struct bake_error *err)
{
	ptrdiff_t at = bake_listing_find(listing, "", "model_index.json");

	*out_any = at != BAKE_LISTING_NONE;
	return *out_any ? read_one(listing, (size_t)at, bake_arch_read_model_index, arch, err)
			: BAKE_OK;
}
