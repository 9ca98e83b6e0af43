/* SPDX-License-Identifier: Apache-2.0 */
/* What can execute code is told by its name and by its bytes, and nothing else is. */
#include "unit/rows.h"

#include <string.h>

#include "format/archive.h"
#include "format/pickle.h"

static const struct name_row {
	const char *name;
	bool want;
} names[] = {
	{"model.pt", true},
	{"a/b/model.pth", true},
	{"v1-5-pruned.CKPT", true},
	{"x.pkl", true},
	{"x.Pickle", true},
	{"forest.joblib", true},
	{"x.dill", true},
	{"x.pkl.gz", true},
	{"x.joblib.z", true},
	{"pytorch_model.bin", true},
	{"pytorch_model-00001-of-00002.bin", true},
	{"text_encoder/PyTorch_Model.fp16.BIN", true},
	{"model.safetensors", false},
	{"model.gguf", false},
	{"tokenizer.bin", false},
	{"diffusion_pytorch_model.bin", false}, /* its content decides */
	{"tf_model.h5", false},
	{"x.npy", false},
	{"pytorch_model.bin.index.json", false},
	{"pt", false},
	{"pickle", false},
	{"model.pt/readme.txt", false},
	{"", false},
};

static void try_name(void **state)
{
	const struct name_row *row = *state;

	assert_int_equal(bake_pickle_by_name(row->name) != NULL, row->want);
}

#define BYTES(literal) (literal), sizeof(literal) - 1

/* zip, by hand: a local header, an entry of the central directory, the end. */
#define LOCAL(method, len, name)                                                                   \
	"PK\3\4\24\0\0\0" method "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" len "\0\0\0" name
#define CENTRAL(len, name)                                                                         \
	"PK\1\2\24\0\24\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" len                             \
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" name
#define END(entries, size) "PK\5\6\0\0\0\0" entries "\0" entries "\0" size "\0\0\0\0\0\0\0\0\0"

static const struct content_row {
	const char *name;
	const char *bytes;
	size_t len;
	const char *want; /* a part of what it is called; NULL: nothing */
	const char *file; /* its name; NULL: "model.bin" */
} contents[] = {
	{"protocol 2", BYTES("\x80\2}q\1."), "a pickle", NULL},
	{"protocol 4", BYTES("\x80\4\x95\5\0\0\0\0\0\0\0\x8c\1a\x94."), "a pickle", NULL},
	{"protocol 5", BYTES("\x80\5K\1."), "a pickle", NULL},
	{"renamed", BYTES("\x80\2}q\1."), "a pickle", "model.safetensors"},
	{"legacy torch",
		BYTES("\x80\2\x8a\nl\xfc\x9c"
		      "F\xf9 j\xa8P\x19.\x80\2M\xe9\3."),
		"a pickle", NULL},
	{"protocol 0 that calls", BYTES("c__builtin__\neval\n(S'1'\ntR."), "a pickle", NULL},
	{"protocol 0, a mark first", BYTES("(S'id'\nios\nsystem\n."), "a pickle", NULL},
	{"protocol 1", BYTES("cos\nsystem\nU\2id\x85R."), "a pickle", NULL},
	{"names on the stack", BYTES("U\2osU\6system\x93."), "a pickle", NULL},
	{"protocol 0, carriage returns", BYTES("cos\r\nsystem\r\n."), "a pickle", NULL},
	{"torch's zip", BYTES(LOCAL("\0", "\20", "archive/data.pkl")), "zip archive", NULL},
	{"big letters in a zip", BYTES(LOCAL("\0", "\10", "DATA.PKL")), "zip archive", NULL},
	{"only in the directory",
		BYTES(LOCAL("\0", "\1", "a") CENTRAL("\5", "a.pkl") END("\1", "\63\0\0\0")),
		"zip archive", NULL},
	{"a zip behind something else",
		BYTES("12345678" CENTRAL("\5", "a.pkl") END("\1", "\63\0\0\0")), "at its end",
		"model.safetensors"},
	{"Keras", BYTES(LOCAL("\0", "\20", "model.weights.h5")), "zip archive", NULL},
	{"a model archive", BYTES(LOCAL("\0", "\25", "MAR-INF/MANIFEST.json")), "zip archive",
		NULL},
	{"7z", BYTES("7z\xbc\xaf\x27\x1c\0\4"), "7z archive", NULL},
	{"array of objects",
		BYTES("\x93NUMPY\1\0\66\0{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"),
		"NumPy", NULL},
	{"array with objects",
		BYTES("\x93NUMPY\1\0\60\0{'descr': [('a', '|O8')], 'fortran_order': False, }"),
		"NumPy", NULL},
	{"HDF5", BYTES("\x89HDF\r\n\x1a\n\0"), "HDF5", NULL},
	{"packed joblib", BYTES("x\x9c\1\2"), "packed", "forest.joblib"},
	{"packed pickle", BYTES("\x1f\x8b\10\0"), "packed", "x.pkl.gz"},

	{"nothing", BYTES(""), NULL, NULL},
	{"one byte", BYTES("\x80"), NULL, NULL},
	{"stop alone", BYTES("."), NULL, NULL},
	{"a version that is none", BYTES("\x80\6K\1."), NULL, NULL},
	{"a header length like protocol 2", BYTES("\x80\2\0\0\0\0\0\0{\"__metadata__\":"), NULL,
		"model.safetensors"},
	{"a header length like a frame", BYTES("\x80\4\x95\0\0\0\0\0{\"a\":{\"dtype\":\"F32\"}}"),
		NULL, "model.safetensors"},
	{"GGUF", BYTES("GGUF\3\0\0\0\1\0\0\0\0\0\0\0"), NULL, NULL},
	{"JSON", BYTES("{\"a\": 1}"), NULL, "config.json"},
	{"words", BYTES("cat\ndog\nbird\n"), NULL, "vocab.txt"},
	{"a text", BYTES("(c) nobody\nin particular."), NULL, "LICENSE"},
	{"a value that calls nothing", BYTES("I1\n."), NULL, NULL},
	{"nothing on the stack", BYTES("0cos\nsystem\nR."), NULL, NULL},
	{"no mark", BYTES("cos\nsystem\ntR."), NULL, NULL},
	{"an empty module", BYTES("c\nsystem\n."), NULL, NULL},
	{"numbers of NumPy",
		BYTES("\x93NUMPY\1\0\66\0{'descr': '<f4', 'fortran_order': False, 'shape': (1,), "
		      "}"),
		NULL, NULL},
	{"a zip of texts",
		BYTES(LOCAL("\0", "\5", "a.txt") CENTRAL("\5", "a.txt") END("\1", "\63\0\0\0")),
		NULL, NULL},
	{"zlib of who knows what", BYTES("x\x9c\1\2"), NULL, "model.bin"},
	{"gzip of who knows what", BYTES("\x1f\x8b\10\0"), NULL, "model.bin"},
};

static void try_content(void **state)
{
	const struct content_row *row = *state;
	struct bake_span all = bake_span(row->bytes, row->len);
	struct bake_pickle_view view = {
		.name = row->file ? row->file : "model.bin",
		.head = all,
		.tail = all,
		.size = row->len,
	};
	const char *what = bake_pickle_by_content(&view);

	if (!row->want) {
		assert_null(what);
	} else {
		assert_non_null(what);
		assert_non_null(strstr(what, row->want));
	}
}

/* Every beginning of every row can be looked at: what is cut is never read on. */
static void cut_anywhere(void)
{
	for (size_t i = 0; i < countof(contents); i++) {
		for (size_t len = 1; len <= contents[i].len; len++) {
			_cleanup_free_ char *copy = malloc(len);
			struct bake_pickle_view view = {.name = "x.bin", .size = len + 1000};

			assert_non_null(copy);
			memcpy(copy, contents[i].bytes, len);
			view.head = bake_span(copy, len);
			(void)bake_pickle_by_content(&view);
			view.tail = view.head;
			(void)bake_pickle_by_content(&view);
		}
	}
}

/* While the file comes in, a zip whose names are not all there yet is nothing yet. */
static void coming_in(void)
{
	static const char zip[] = LOCAL("\0", "\5", "a.txt");
	struct bake_pickle_view view = {
		.name = "x.bin", .head = bake_span(zip, sizeof(zip) - 1), .size = 1000};

	assert_null(bake_pickle_by_content(&view));
	view.tail = bake_span("                                ", 32);
	assert_non_null(strstr(bake_pickle_by_content(&view), "not every name"));
}

/* A string longer than what is seen hides what follows it: the last byte decides. */
static void hidden_behind_a_string(void)
{
	static const char head[] = "X\0\0\1\0aaaaaaaaaaaaaaaa";
	struct bake_pickle_view view = {.name = "x.bin",
		.head = bake_span(head, sizeof(head) - 1),
		.tail = bake_span("R.", 2),
		.size = 70000};

	assert_null(bake_pickle_by_content(&view)); /* one instruction is not enough */
	view.head = bake_span("NX\0\0\1\0aaaaaaaaaaaaaa", 20);
	assert_non_null(bake_pickle_by_content(&view));
	view.tail = bake_span("..x", 3);
	assert_null(bake_pickle_by_content(&view));
	view.tail = bake_span("R.", 2);
	view.size = 65000; /* the string would be longer than the file */
	assert_null(bake_pickle_by_content(&view));
}

/* Torch's oldest form: a tar with a member of that name, whose sum of bytes is right. */
static void old_tar(void)
{
	uint8_t block[512] = {0};
	unsigned sum = 0;
	struct bake_pickle_view view = {.head = bake_span(block, sizeof(block)),
		.tail = bake_span(block, sizeof(block)),
		.size = sizeof(block)};

	memcpy(block, "pickle", 6);
	memcpy(block + 124, "00000000000", 11);
	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += block[i];
	(void)snprintf((char *)block + 148, 8, "%06o", sum);
	assert_int_equal(bake_archive_kind(view.head), BAKE_ARCHIVE_TAR);
	assert_non_null(strstr(bake_pickle_by_content(&view), "tar archive"));
	block[0] = 'P';
	assert_int_equal(bake_archive_kind(view.head), BAKE_ARCHIVE_NONE);
	assert_null(bake_pickle_by_content(&view));
}

static const struct scenario others[] = {
	{"cut anywhere", cut_anywhere},
	{"coming in", coming_in},
	{"hidden behind a string", hidden_behind_a_string},
	{"old tar", old_tar},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(names, try_name),
		ROWS(contents, try_content),
		ROWS(others, play_scenario),
	};

	return run_rows("format/pickle", tables, countof(tables));
}
