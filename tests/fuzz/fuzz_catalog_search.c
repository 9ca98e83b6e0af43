/* SPDX-License-Identifier: Apache-2.0 */
/* A query against a small catalog, and a text as a title of it: whatever both are, what is found is of
 * the catalog, best first, and folding gives letters, digits and single blanks. */
#include "base/text.h"
#include "catalog/family.h"
#include "catalog/search.h"
#include "catalog/words.h"
#include "fuzz/fuzz.h"

static void check_fold(const char *text)
{
	char folded[BAKE_FOLDED_MAX];
	char again[BAKE_FOLDED_MAX];
	size_t len = bake_words_fold(text, folded, sizeof(folded));

	CLAIM(len < sizeof(folded) && strlen(folded) == len);
	CLAIM(bake_utf8_valid(folded, len));
	CLAIM(len == 0 || (folded[0] != ' ' && folded[len - 1] != ' '));
	CLAIM(!strstr(folded, "  "));
	bake_words_fold(folded, again, sizeof(again));
	CLAIM(strcmp(folded, again) == 0);
	CLAIM(bake_words_squash(text, again, sizeof(again)) < sizeof(again));
	CLAIM(!strchr(again, ' '));
	CLAIM(bake_family_len(text) <= strlen(text));
	keep(bake_family_quality(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = text_of(data, size);
	struct bake_error err = BAKE_ERROR_INIT;
	const struct bake_catalog_source source = {.name = "fuzz"};
	struct bake_catalog_entry entries[] = {
		{.key = "a", .id = "a", .title = text, .description = text, .source = &source},
		{.key = "sdxl-base",
			.id = "sdxl-base",
			.title = "Stable Diffusion XL Base",
			.source = &source},
	};
	const struct bake_catalog catalog = {.entries = entries, .entry_count = countof(entries)};
	const struct bake_catalog_entry *near[countof(entries)];
	struct bake_search_hit hits[countof(entries)];
	_cleanup_(bake_search_free) struct bake_search *search = NULL;
	size_t count = 0;

	check_fold(text);
	if (bake_search_new(&catalog, &search, &err) != BAKE_OK)
		return 0;
	if (bake_search_find(search, text, hits, &count, &err) == BAKE_OK) {
		CLAIM(count <= countof(entries));
		CLAIM(count < 2 || hits[0].score >= hits[1].score);
	}
	CLAIM(bake_search_nearest(search, text, near, countof(near)) <= countof(near));
	return 0;
}
