/* SPDX-License-Identifier: Apache-2.0 */
/* Names as people mean them, and what ids say of families. */
#include "unit/random.h"
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/family.h"
#include "catalog/words.h"

static const struct fold_row {
	const char *name;
	const char *text;
	const char *folded;
	const char *squashed;
} folds[] = {
	{"nothing", "", "", ""},
	{"punctuation only", " -_()/. ", "", ""},
	{"case and punctuation", "SDXL Base 1.0", "sdxl base 1 0", "sdxlbase10"},
	{"an id", "llama-3.2-3b-instruct", "llama 3 2 3b instruct", "llama323binstruct"},
	{"an alias", "qwen2p5_vl_3b", "qwen2p5 vl 3b", "qwen2p5vl3b"},
	{"accents", "Mod\xc3\xa8le G\xc3\xa9n\xc3\xa9ral", "modele general", "modelegeneral"},
	{"punctuation around accents", "(\xc3\xa9) - \xc3\xa9!x", "e e x", "eex"},
	{"an accent of its own", "e\xcc\x81t\xc3\xa9", "ete", "ete"},
	{"upper case with an accent", "\xc3\x89TAT", "etat", "etat"},
	{"another script", "\xe9\x80\x9a\xe4\xb9\x89 VL", "\xe9\x80\x9a\xe4\xb9\x89 vl",
		"\xe9\x80\x9a\xe4\xb9\x89vl"},
	{"an escape sequence", "a\x1b[31mb", "a 31mb", "a31mb"},
	{"a bidirectional override",
		"a\xe2\x80\xae"
		"b",
		"a b", "ab"},
	{"a C1 control",
		"a\xc2\x9b"
		"b",
		"a b", "ab"},
	{"not UTF-8",
		"a\xff\xfe"
		"b",
		"a b", "ab"},
	{"a sequence that is cut", "ab\xe9\x80", "ab", "ab"},
};

static void try_fold(void **state)
{
	const struct fold_row *row = *state;
	char out[BAKE_FOLDED_MAX];

	assert_int_equal(bake_words_fold(row->text, out, sizeof(out)), strlen(row->folded));
	assert_string_equal(out, row->folded);
	assert_int_equal(bake_words_squash(row->text, out, sizeof(out)), strlen(row->squashed));
	assert_string_equal(out, row->squashed);
}

static void a_long_name_is_cut(void)
{
	char text[1000];
	char out[BAKE_FOLDED_MAX];

	memset(text, 'A', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(bake_words_fold(text, out, sizeof(out)), sizeof(out) - 1);
	assert_int_equal(strspn(out, "a"), sizeof(out) - 1);
}

enum {
	ASCII_MAX = 200
};

/* text byte by byte, from a copy that ends where it does. */
static void check_ascii(const char *text, size_t len)
{
	_cleanup_free_ char *exact = malloc(len ? len : 1);
	uint64_t words[ASCII_MAX / 64 + 1];
	char folded[ASCII_MAX + 16] = "";
	char out[ASCII_MAX + 1];
	char want[ASCII_MAX + 1];

	assert_non_null(exact);
	memcpy(exact, text, len);
	assert_true(bake_words_fold_ascii(exact, len, folded, words));
	folded[len] = '\0';
	for (size_t i = 0; i < len; i++) {
		assert_int_equal(words[i / 64] >> i % 64 & 1, folded[i] != ' ');
		assert_true(folded[i] == ' ' || folded[i] == (text[i] | 0x20));
	}
	/* The same words as any text is folded to. */
	bake_words_fold(text, want, sizeof(want));
	bake_words_fold(folded, out, sizeof(out));
	assert_string_equal(out, want);
}

static void ascii_is_folded_byte_by_byte(void)
{
	static const char often[] = "aZ09-_. /@[`{~";
	char text[ASCII_MAX + 1];

	random_state = 11;
	for (size_t len = 0; len <= ASCII_MAX; len++) {
		for (size_t i = 0; i < len; i++)
			text[i] = random_below(2) ? often[random_below(sizeof(often) - 1)]
						  : (char)(1 + random_below(0x7f));
		text[len] = '\0';
		check_ascii(text, len);
	}
}

static void what_is_not_ascii_is_seen_wherever_it_is(void)
{
	char text[ASCII_MAX];
	char out[ASCII_MAX + 15];
	uint64_t words[ASCII_MAX / 64 + 1];

	memset(text, 'a', sizeof(text));
	for (size_t at = 0; at < sizeof(text); at++) {
		text[at] = (char)(at % 2 ? 0x80 : 0xff);
		assert_true(bake_words_fold_ascii(text, at, out, words));
		assert_false(bake_words_fold_ascii(text, at + 1, out, words));
		assert_false(bake_words_fold_ascii(text, sizeof(text), out, words));
		text[at] = 'a';
	}
}

/* A text that does not fit is cut: no byte is written behind the room, no blank is last. */
static void rooms_of_any_size(void)
{
	static const char text[] = "  Q -- wen 2.5 (VL) ";
	static const char folded[] = "q wen 2 5 vl";
	static const char squashed[] = "qwen25vl";

	for (size_t room = 1; room < sizeof(text) + 2; room++) {
		char out[sizeof(text) + 4];
		size_t len = room - 1 < sizeof(folded) - 1 ? room - 1 : sizeof(folded) - 1;

		while (len && folded[len - 1] == ' ')
			len--;
		memset(out, '#', sizeof(out));
		assert_int_equal(bake_words_fold(text, out, room), len);
		assert_int_equal(strlen(out), len);
		assert_memory_equal(out, folded, len);
		assert_int_equal(out[room], '#');

		len = room - 1 < sizeof(squashed) - 1 ? room - 1 : sizeof(squashed) - 1;
		memset(out, '#', sizeof(out));
		assert_int_equal(bake_words_squash(text, out, room), len);
		assert_int_equal(strlen(out), len);
		assert_memory_equal(out, squashed, len);
		assert_int_equal(out[room], '#');
	}
}

static void equal_names(void)
{
	assert_true(bake_words_equal("text_encoders", "Text Encoders"));
	assert_true(bake_words_equal("IP-Adapter", "ipadapter"));
	assert_false(bake_words_equal("lora", "loras"));
	assert_false(bake_words_equal(NULL, "a"));
}

static const struct scenario scenarios[] = {
	{"ASCII is folded byte by byte", ascii_is_folded_byte_by_byte},
	{"what is not ASCII is seen wherever it is", what_is_not_ascii_is_seen_wherever_it_is},
	{"a long name is cut", a_long_name_is_cut},
	{"rooms of any size", rooms_of_any_size},
	{"equal names", equal_names},
};

static const struct family_row {
	const char *name;
	const char *id;
	const char *family;
} families[] = {
	{"no quantization", "qwen3-4b-instruct-2507", "qwen3-4b-instruct-2507"},
	{"bits and kinds", "t5-xxl-q4-k-s", "t5-xxl"},
	{"a float", "t5-xxl-fp8-scaled", "t5-xxl"},
	{"short float", "model.f16", "model"},
	{"a container", "sdxl-gguf-q4", "sdxl"},
	{"importance", "a_iq3_xxs", "a"},
	{"a method", "chat-awq", "chat"},
	{"it begins with one", "q4-model", "q4-model"},
	{"words that only begin so", "flux-1-schnell-quick-intro", "flux-1-schnell-quick-intro"},
	{"nothing", "", ""},
};

static void try_family(void **state)
{
	const struct family_row *row = *state;

	assert_int_equal(bake_family_len(row->id), strlen(row->family));
	assert_memory_equal(row->id, row->family, strlen(row->family));
}

/* Each keeps more than the one before it. */
static const char *const ladder[] = {
	NULL, "Q2_K", "Q3_K_S", "Q4_0", "Q4_K_S", "Q4_K_M", "Q5_K_M", "Q6_K", "FP8", "Q8_0", "F16"};

static void qualities_rise(void)
{
	for (size_t i = 1; i < countof(ladder); i++)
		assert_true(bake_family_quality(ladder[i - 1]) < bake_family_quality(ladder[i]));
	assert_int_equal(bake_family_quality("AWQ"), 0);
	assert_int_equal(bake_family_quality("Q99999999999999999999"), 0);
}

static const struct scenario qualities[] = {{"qualities rise", qualities_rise}};

int main(void)
{
	const struct rows tables[] = {ROWS(folds, try_fold), ROWS(scenarios, play_scenario),
		ROWS(families, try_family), ROWS(qualities, play_scenario)};

	return run_rows("catalog/words", tables, countof(tables));
}
