/* SPDX-License-Identifier: Apache-2.0 */
/* What a person types, and which model is meant. */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/span.h"
#include "catalog/search.h"

#define MODEL(id, title, category, more)                                                           \
	"\"" id "\": {\"title\": \"" title "\", \"category\": \"" category "\", " more             \
	" \"source\": {\"hub\": \"org/" id "\"}}"

static const char document[] =
	"{\"schema\": \"bake.manifest/1\", \"name\": \"t\", \"models\": {" MODEL("sdxl-base-1.0",
		"Stable Diffusion XL Base 1.0", "checkpoints",
		"\"default\": true, \"priority\": 1, \"aliases\": [\"SDXL Base\"],") "," MODEL("sd-"
											       "xl-"
											       "ref"
											       "ine"
											       "r",
		"Stable Diffusion XL Refiner", "checkpoints",
		"\"priority\": 1,") "," MODEL("sdxl-vae", "SDXL VAE", "vae",
		"\"priority\": 2, \"tags\": [\"essential\"],") "," MODEL("llama-3.2-3b-instruct",
		"Llama 3.2 3B Instruct (Q4_K_M)", "chat",
		"") "," MODEL("llama-2-7b-chat", "Llama 2 7B Chat", "chat",
		"\"description\": \"For devices with 32 GB\",") "," MODEL("qwen2.5-vl-3b-instruct",
		"Qwen2.5-VL 3B Instruct", "vision-language", "") "," MODEL("qwen3-4b-instruct",
		"Qwen3 4B Instruct", "chat", "") "," MODEL("mistral-7b", "Mistral 7B", "chat",
		"\"description\": \"Better than any llama of its size\",") "," MODEL("controlnet-"
										     "depth",
		"ControlNet Depth", "controlnet",
		"") "," MODEL("codellama-7b", "Code Llama 7B", "code", "") "}}";

static struct bake_manifest *manifest;
static struct bake_catalog *catalog;
static struct bake_search *search;

static void set_up(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_catalog_source source = {.name = "t"};

	check_status(bake_manifest_parse(bake_span_text(document), "t.json", &manifest, &err), &err,
		BAKE_OK, NULL);
	source.manifest = manifest;
	check_status(bake_catalog_build(&source, 1, &catalog, &err), &err, BAKE_OK, NULL);
	check_status(bake_search_new(catalog, &search, &err), &err, BAKE_OK, NULL);
}

static void tear_down(void)
{
	bake_search_free(&search);
	bake_catalog_free(&catalog);
	bake_manifest_free(&manifest);
}

/* found: ids in order, separated by blanks. One that ends in " ..." says only how it begins. */
static const struct search_row {
	const char *name;
	const char *query;
	const char *found;
} searches[] = {
	{"the example that found nothing", "SDXL Base", "sdxl-base-1.0"},
	{"the order of words does not count", "base sdxl", "sdxl-base-1.0"},
	{"a short name: the first model comes first", "sdxl",
		"sdxl-base-1.0 sdxl-vae sd-xl-refiner"},
	{"a whole alias before everything", "sdxl_base", "sdxl-base-1.0"},
	{"two words of one name", "qwen vl", "qwen2.5-vl-3b-instruct"},
	{"run together", "qwen25vl", "qwen2.5-vl-3b-instruct"},
	{"a slip and a version", "lama 3.2", "llama-3.2-3b-instruct"},
	{"the version without the slip", "llama 3.2", "llama-3.2-3b-instruct"},
	{"swapped letters", "mistrla", "mistral-7b"},
	{"a missing letter", "contrlnet", "controlnet-depth"},
	{"two slips in a long word", "contorlent", "controlnet-depth"},
	{"a number is no part of another", "llama 32", "llama-2-7b-chat"},
	{"a number within a word", "4", "qwen3-4b-instruct llama-3.2-3b-instruct"},
	{"initials", "sdxlb", "sdxl-base-1.0"},
	{"initials are not beginnings: code is no ControlNet Depth", "code", "codellama-7b"},
	{"names before descriptions", "llama",
		"llama-2-7b-chat llama-3.2-3b-instruct codellama-7b mistral-7b"},
	{"an abbreviation", "vlm", "qwen2.5-vl-3b-instruct"},
	{"a category", "vae", "sdxl-vae"},
	{"a tag", "essential", "sdxl-vae"},
	{"plural", "refiners", "sd-xl-refiner"},
	{"fillers do not count", "a model for code", "codellama-7b"},
	{"a filler by itself does", "of", "mistral-7b"},
	{"a repository", "org sdxl vae", "sdxl-vae"},
	{"case and accents", "MIST\xc3\x89RAL", "mistral-7b"},
	{"all words must be there", "sdxl llama", ""},
	{"nothing like it", "xyzzy", ""},
	{"three letters have no slips", "vea", ""},
};

static void try_search(void **state)
{
	const struct search_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_search_hit *hits;
	char found[1024] = "";
	size_t count = 0;
	size_t used = 0;

	set_up();
	hits = calloc(catalog->entry_count, sizeof(*hits));
	check_status(bake_search_find(search, row->query, hits, &count, &err), &err, BAKE_OK, NULL);
	for (size_t i = 0; i < count; i++)
		used += (size_t)snprintf(found + used, sizeof(found) - used, "%s%s", i ? " " : "",
			hits[i].entry->id);
	assert_string_equal(found, row->found);
	free(hits);
	tear_down();
}

static void nothing_finds_all(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_search_hit hits[32];
	size_t count = 0;

	set_up();
	check_status(bake_search_find(search, " -- ", hits, &count, &err), &err, BAKE_OK, NULL);
	assert_int_equal(count, catalog->entry_count);
	for (size_t i = 0; i < count; i++)
		assert_ptr_equal(hits[i].entry, &catalog->entries[i]);
	tear_down();
}

static void too_many_words(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_search_hit hits[32];
	size_t count = 0;

	set_up();
	check_status(bake_search_find(
			     search, "a b c d e f g h i j k l m n o p q r s", hits, &count, &err),
		&err, BAKE_ERR_USAGE, "usage.value");
	tear_down();
}

static void nearest_by_words_then_by_names(void)
{
	const struct bake_catalog_entry *near[3];

	set_up();
	assert_int_equal(bake_search_nearest(search, "sdxl refinery", near, 3), 3);
	assert_string_equal(near[0]->id, "sd-xl-refiner");
	assert_int_equal(bake_search_nearest(search, "minstarll", near, 3), 1);
	assert_string_equal(near[0]->id, "mistral-7b");
	assert_int_equal(bake_search_nearest(search, "zzzzzzzzzzzz", near, 3), 0);
	tear_down();
}

/* Of those that come as near as each other, the catalog's first, in whatever order they were read. */
static void equally_near_is_in_the_catalogs_order(void)
{
	static const char *const want[] = {
		"llama-2-7b-chat", "llama-3.2-3b-instruct", "mistral-7b", "qwen3-4b-instruct"};
	const struct bake_catalog_entry *near[countof(want)];

	set_up();
	assert_int_equal(bake_search_nearest(search, "chat zzzzzzzzzzzz", near, countof(near)),
		countof(near));
	for (size_t i = 0; i < countof(want); i++)
		assert_string_equal(near[i]->id, want[i]);
	tear_down();
}

static void entries_are_there_as_they_were_read(void)
{
	set_up();
	for (size_t i = 0; i < catalog->entry_count; i++)
		assert_ptr_equal(catalog->as_read[i]->model, &manifest->models[i]);
	tear_down();
}

/* How many models of one whose description is text a query finds. */
static size_t found_in(const char *text, const char *query)
{
	const struct bake_catalog_source source = {.name = "t"};
	struct bake_catalog_entry entry = {
		.key = "m", .id = "m", .title = "m", .description = text, .source = &source};
	const struct bake_catalog one = {.entries = &entry, .entry_count = 1};
	_cleanup_(bake_search_free) struct bake_search *made = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_search_hit hit;
	size_t count = 0;

	check_status(bake_search_new(&one, &made, &err), &err, BAKE_OK, NULL);
	check_status(bake_search_find(made, query, &hit, &count, &err), &err, BAKE_OK, NULL);
	return count;
}

/* A word is one wherever it stands in a text, which is looked at 64 bytes at a time, and however long
 * it is. */
static void check_word(size_t before, size_t letters, const char *behind)
{
	char text[400];
	char word[300];

	memset(word, 'q', letters);
	word[letters - 1] = 'z';
	word[letters] = '\0';
	(void)snprintf(text, sizeof(text), "%.*s%s%s", (int)before,
		"------------------------------------------------------------------------", word,
		behind);
	assert_int_equal(found_in(text, word), 1);
	for (size_t i = 1; i < letters; i++)
		assert_int_equal(found_in(text, word + i), 0); /* not its end */
	word[letters - 1] = '\0';
	assert_int_equal(found_in(text, word), 1); /* its beginning */
}

static void words_are_whole_wherever_they_are(void)
{
	static const size_t letters[] = {2, 9, 63, 64, 65, 130};

	for (size_t before = 0; before < 70; before++) {
		for (size_t i = 0; i < countof(letters); i++) {
			check_word(before, letters[i], "");
			check_word(before, letters[i], " and m\u00e9");
		}
	}
}

static const struct scenario scenarios[] = {
	{"words are whole wherever they are", words_are_whole_wherever_they_are},
	{"equally near is in the catalog's order", equally_near_is_in_the_catalogs_order},
	{"entries are there as they were read", entries_are_there_as_they_were_read},
	{"nothing finds all", nothing_finds_all},
	{"too many words", too_many_words},
	{"nearest, by words and then by names", nearest_by_words_then_by_names},
};

int main(void)
{
	const struct rows tables[] = {ROWS(searches, try_search), ROWS(scenarios, play_scenario)};

	return run_rows("catalog/search", tables, countof(tables));
}
