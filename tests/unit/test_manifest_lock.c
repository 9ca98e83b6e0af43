/* SPDX-License-Identifier: Apache-2.0 */
/* Locks: every byte pinned or refused, and one canonical form. */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/lock.h"

#define A64    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64    "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define A64_UP "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define A40    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define Z32    "00000000000000000000000000000000"

#define ROOT(members)	 "{\"schema\": \"bake.lock/1\", \"name\": \"n\",\n" members "}"
#define WHOLE(members)	 ROOT("\"manifest_sha256\": \"" C64 "\", " members)
#define MODELS(members)	 WHOLE("\"models\": {\n" members "}")
#define SOURCE		 "\"source\": {\"hub\": \"a/b\", \"revision\": \"main\", \"commit\": \"" A40 "\"}"
#define REST		 "\"spec_sha256\": \"" B64 "\", \"layer\": 2, \"required\": true"
#define MODEL(id, files) "\"" id "\": {" SOURCE ", " REST ",\n\"files\": [" files "]}"
#define FILE_OF(path, size, sha)                                                                   \
	"{\"path\": \"" path "\", \"name\": \"x\", \"size\": " size ", \"sha256\": \"" sha "\"}"
#define ONE(members) MODELS(MODEL("m", "\n{" members "}"))
#define FROM(source)                                                                               \
	MODELS("\"m\": {\"source\": {" source "}, " REST                                           \
	       ", \"files\": [" FILE_OF("p", "1", A64) "]}")
#define WITH(members)                                                                              \
	MODELS("\"m\": {" SOURCE ", " REST ", \"files\": [" FILE_OF("p", "1", A64) "], " members   \
										   "}")
#define SET(files) MODELS(MODEL("m", files))

static const struct parse_row {
	const char *name;
	const char *text;
	enum bake_status want;
	const char *id;
	const char *where;
} parses[] = {
	{"a hub model", SET(FILE_OF("p/a", "1", A64)), BAKE_OK, NULL, NULL},
	{"a url model", FROM("\"url\": \"https://x.org/a\""), BAKE_OK, NULL, NULL},
	{"a local model", FROM("\"file\": \"a.gguf\""), BAKE_OK, NULL, NULL},
	{"no models", MODELS(""), BAKE_OK, NULL, NULL},
	{"git's name of a blob",
		ONE("\"path\": \"p\", \"name\": \"x\", \"size\": 1, \"sha256\": \"" A64
		    "\", \"git_sha1\": \"" A40 "\""),
		BAKE_OK, NULL, NULL},
	{"an empty file", SET(FILE_OF("p", "0", A64)), BAKE_OK, NULL, NULL},
	{"a file of 2^53 - 1 bytes", SET(FILE_OF("p", "9007199254740991", A64)), BAKE_OK, NULL,
		NULL},
	{"fields of one's own", WITH("\"x-mine\": 1"), BAKE_OK, NULL, NULL},
	{"one content in two places", SET(FILE_OF("p", "1", A64) ", " FILE_OF("q", "1", A64)),
		BAKE_OK, NULL, NULL},
	{"a slice needs no manifest", ROOT("\"slice\": 2, \"models\": {}"), BAKE_OK, NULL, NULL},

	{"not JSON", "lock", BAKE_ERR_DATA, "json.syntax", "l.json:1"},
	{"a manifest", "{\"schema\": \"bake.manifest/1\"}", BAKE_ERR_DATA, "schema.name",
		"/schema"},
	{"another major version", "{\"schema\": \"bake.lock/2\"}", BAKE_ERR_CONFIG,
		"schema.version", "/schema"},
	{"no manifest", ROOT("\"models\": {}"), BAKE_ERR_DATA, "json.missing-field",
		"manifest_sha256"},
	{"no models at all", WHOLE("\"profiles\": {}"), BAKE_ERR_DATA, "json.missing-field",
		"\"models\" is missing"},
	{"unknown field", WHOLE("\"model\": {}"), BAKE_ERR_DATA, "json.unknown-field", "/model"},
	{"manifest digest in upper case",
		ROOT("\"manifest_sha256\": \"" A64_UP "\", \"models\": {}"), BAKE_ERR_DATA,
		"digest.format", "/manifest_sha256"},
	{"slice 0", ROOT("\"slice\": 0, \"models\": {}"), BAKE_ERR_DATA, "json.range", "/slice"},
	{"slice 5", ROOT("\"slice\": 5, \"models\": {}"), BAKE_ERR_DATA, "json.range", "/slice"},

	{"no sha256", ONE("\"path\": \"p\", \"name\": \"x\", \"size\": 1"), BAKE_ERR_DATA,
		"pin.missing", "l.json:5: /models/m/files/0: 'p' has no sha256"},
	{"null sha256", ONE("\"path\": \"p\", \"name\": \"x\", \"size\": 1, \"sha256\": null"),
		BAKE_ERR_DATA, "json.type", "/models/m/files/0/sha256"},
	{"empty sha256", SET(FILE_OF("p", "1", "")), BAKE_ERR_DATA, "digest.format",
		"/models/m/files/0/sha256"},
	{"upper case", SET(FILE_OF("p", "1", A64_UP)), BAKE_ERR_DATA, "digest.format",
		"/files/0/sha256"},
	{"prefixed", SET(FILE_OF("p", "1", "sha256:" A64)), BAKE_ERR_DATA, "digest.format",
		"/files/0/sha256"},
	{"65 digits", SET(FILE_OF("p", "1", A64 "a")), BAKE_ERR_DATA, "digest.format",
		"/files/0/sha256"},
	{"zeros", SET(FILE_OF("p", "1", Z32 Z32)), BAKE_ERR_DATA, "digest.format",
		"/files/0/sha256"},
	{"git name of 64 digits",
		ONE("\"path\": \"p\", \"name\": \"x\", \"size\": 1, \"sha256\": \"" A64
		    "\", \"git_sha1\": \"" A64 "\""),
		BAKE_ERR_DATA, "digest.format", "/files/0/git_sha1"},
	{"no size", ONE("\"path\": \"p\", \"name\": \"x\", \"sha256\": \"" A64 "\""), BAKE_ERR_DATA,
		"json.missing-field", "\"size\""},
	{"size 2^53", SET(FILE_OF("p", "9007199254740992", A64)), BAKE_ERR_DATA, "json.range",
		"/files/0/size"},
	{"negative size", SET(FILE_OF("p", "-1", A64)), BAKE_ERR_DATA, "json.range",
		"/files/0/size"},
	{"fractional size", SET(FILE_OF("p", "1.0", A64)), BAKE_ERR_DATA, "json.type",
		"/files/0/size"},
	{"no path", ONE("\"name\": \"x\", \"size\": 1, \"sha256\": \"" A64 "\""), BAKE_ERR_DATA,
		"json.missing-field", "\"path\""},
	{"no files", SET(""), BAKE_ERR_DATA, "lock.files", "/models/m/files"},

	{"branch for a commit",
		FROM("\"hub\": \"a/b\", \"revision\": \"main\", \"commit\": \"main\""),
		BAKE_ERR_DATA, "pin.mutable", "/models/m/source/commit: 'main'"},
	{"no commit", FROM("\"hub\": \"a/b\", \"revision\": \"main\""), BAKE_ERR_DATA,
		"pin.mutable", "/models/m/source"},
	{"short commit", FROM("\"hub\": \"a/b\", \"commit\": \"aaaaaaa\""), BAKE_ERR_DATA,
		"pin.mutable", "/source/commit"},
	{"commit in upper case",
		FROM("\"hub\": \"a/b\", \"commit\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""),
		BAKE_ERR_DATA, "pin.mutable", "/source/commit"},
	{"commit of zeros", FROM("\"hub\": \"a/b\", \"commit\": \"" Z32 "00000000\""),
		BAKE_ERR_DATA, "pin.mutable", "/source/commit"},
	{"no spec",
		MODELS("\"m\": {" SOURCE ", \"layer\": 1, \"required\": true, "
		       "\"files\": [" FILE_OF("p", "1", A64) "]}"),
		BAKE_ERR_DATA, "json.missing-field", "\"spec_sha256\""},
	{"layer 0", MODELS("\"m\": {" SOURCE ", \"layer\": 0, \"spec_sha256\": \"" B64 "\"}"),
		BAKE_ERR_DATA, "json.range", "/models/m/layer"},
	{"bad id", MODELS(MODEL("a b", FILE_OF("p", "1", A64))), BAKE_ERR_DATA, "json.name",
		"/models/a b"},
	{"bad mirror", WITH("\"mirrors\": [\"ftp://x\"]"), BAKE_ERR_DATA, "url.format",
		"/models/m/mirrors/0"},

	{"path: up", SET(FILE_OF("../p", "1", A64)), BAKE_ERR_DATA, "path.unsafe",
		"/models/m/files/0/path"},
	{"path: up inside", SET(FILE_OF("a/../../p", "1", A64)), BAKE_ERR_DATA, "path.unsafe",
		"/files/0/path"},
	{"path: absolute", SET(FILE_OF("/p", "1", A64)), BAKE_ERR_DATA, "path.unsafe",
		"/files/0/path"},
	{"path: drive", SET(FILE_OF("C:/p", "1", A64)), BAKE_ERR_DATA, "path.unsafe",
		"/files/0/path"},
	{"path: override", SET(FILE_OF("a\\u202eb", "1", A64)), BAKE_ERR_DATA, "path.unsafe",
		"/files/0/path"},
	{"path: newline", SET(FILE_OF("a\\nb", "1", A64)), BAKE_ERR_DATA, "path.unsafe",
		"'a\\x0ab'"},
	{"path: ours", SET(FILE_OF(".bake/lock", "1", A64)), BAKE_ERR_DATA, "path.reserved",
		"/files/0/path"},
	{"path: the index", SET(FILE_OF("model-info.json", "1", A64)), BAKE_ERR_DATA,
		"path.reserved", "/files/0/path"},
	{"name: up",
		ONE("\"path\": \"p\", \"name\": \"../x\", \"size\": 1, \"sha256\": \"" A64 "\""),
		BAKE_ERR_DATA, "path.unsafe", "/files/0/name"},

	{"one path, two digests", SET(FILE_OF("p", "1", A64) ", " FILE_OF("p", "1", B64)),
		BAKE_ERR_CONFIG, "pin.conflict", "'p' is pinned to"},
	{"one path, two digests, two models",
		MODELS(MODEL("a", FILE_OF("p", "1", A64)) ", " MODEL("b", FILE_OF("p", "1", B64))),
		BAKE_ERR_CONFIG, "pin.conflict", "'p' is pinned to"},
	{"one path, two sizes", SET(FILE_OF("p", "1", A64) ", " FILE_OF("p", "2", A64)),
		BAKE_ERR_CONFIG, "pin.conflict", "'p'"},
	{"one digest, two sizes", SET(FILE_OF("p", "1", A64) ", " FILE_OF("q", "2", A64)),
		BAKE_ERR_CONFIG, "pin.conflict", "two sizes, "},
	{"one path twice", SET(FILE_OF("p", "1", A64) ", " FILE_OF("p", "1", A64)), BAKE_ERR_DATA,
		"path.collision", "are the same"},
	{"paths that differ by case", SET(FILE_OF("P", "1", A64) ", " FILE_OF("p", "2", B64)),
		BAKE_ERR_DATA, "path.collision", "only by case"},
	{"a file and a directory",
		MODELS(MODEL("a", FILE_OF("p", "1", A64)) ", " MODEL(
			"b", FILE_OF("p/q", "2", B64))),
		BAKE_ERR_DATA, "path.collision", "directory of the other"},
};

static void try_parse(void **state)
{
	const struct parse_row *row = *state;
	_cleanup_(bake_lock_free) struct bake_lock *lock = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_lock_parse(bake_span_text(row->text), "l.json", &lock, &err), &err,
		row->want, row->id);
	assert_int_equal(lock != NULL, row->want == BAKE_OK);
	if (row->want == BAKE_OK)
		return;
	assert_int_equal(strncmp(err.message, "l.json:", 7), 0);
	if (!strstr(err.message, row->where))
		print_error("message: %s\n", err.message);
	assert_non_null(strstr(err.message, row->where));
}

static struct bake_lock *parse(struct bake_span text)
{
	struct bake_lock *lock = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_lock_parse(text, "l.json", &lock, &err), &err, BAKE_OK, NULL);
	return lock;
}

/* Everything a lock can have, neither sorted nor laid out. */
#define MIXED                                                                                      \
	"{\"models\":{\"zeta\":{\"files\":[" FILE_OF("z/b", "2",                                   \
		B64) ","                                                                           \
		     "{\"sha256\":\"" A64 "\",\"git_sha1\":\"" A40                                 \
		     "\",\"size\":1,\"name\":\"d/\xc3\xa4\","                                      \
		     "\"path\":\"z/"                                                               \
		     "a\"}],\"required\":false,\"layer\":2,\"gated\":true,\"complete\":true,"      \
		     "\"default\":true,"                                                           \
		     "\"spec_sha256\":\"" B64 "\",\"group\":\"g\",\"aliases\":[\"y\",\"x\"],"      \
		     "\"mirrors\":[\"https://m.org/\"],\"x-note\":\"gone\","                       \
		     "\"source\":{\"commit\":\"" A40 "\",\"hub\":\"a/b\"}},"                       \
		     "\"alpha\":{\"spec_sha256\":\"" B64 "\",\"required\":true,"                   \
		     "\"source\":{\"url\":\"https://x.org/a\"},"                                   \
		     "\"files\":[" FILE_OF("a", "0",                                               \
			     C64) "],\"gated\":false,\"layer\":1}},"                               \
				  "\"profiles\":{\"p\":[\"zeta\",\"alpha\"],\"default\":[]},"      \
				  "\"manifest_sha256\":\"" C64                                     \
				  "\",\"name\":\"n\",\"schema\":\"bake.lock/1\"}"

#define ALPHA                                                                                      \
	"    \"alpha\": {\n"                                                                       \
	"      \"source\": {\"url\": \"https://x.org/a\"},\n"                                      \
	"      \"spec_sha256\": \"" B64 "\",\n"                                                    \
	"      \"layer\": 1,\n"                                                                    \
	"      \"required\": true,\n"                                                              \
	"      \"files\": [\n"                                                                     \
	"        {\"path\": \"a\", \"name\": \"x\", \"size\": 0, \"sha256\": \"" C64 "\"}\n"       \
	"      ]\n"                                                                                \
	"    }"

#define ZETA                                                                                       \
	"    \"zeta\": {\n"                                                                        \
	"      \"source\": {\"hub\": \"a/b\", \"revision\": \"main\", \"commit\": \"" A40 "\"},\n" \
	"      \"spec_sha256\": \"" B64 "\",\n"                                                    \
	"      \"layer\": 2,\n"                                                                    \
	"      \"group\": \"g\",\n"                                                                \
	"      \"required\": false,\n"                                                             \
	"      \"default\": true,\n"                                                               \
	"      \"gated\": true,\n"                                                                 \
	"      \"complete\": true,\n"                                                              \
	"      \"aliases\": [\"y\", \"x\"],\n"                                                     \
	"      \"mirrors\": [\"https://m.org/\"],\n"                                               \
	"      \"files\": [\n"                                                                     \
	"        {\"path\": \"z/a\", \"name\": \"d/\xc3\xa4\", \"size\": 1, \"sha256\": \"" A64    \
	"\", \"git_sha1\": \"" A40 "\"},\n"                                                        \
	"        {\"path\": \"z/b\", \"name\": \"x\", \"size\": 2, \"sha256\": \"" B64 "\"}\n"     \
	"      ]\n"                                                                                \
	"    }"

static const struct write_row {
	const char *name;
	unsigned slice;
	const char *want;
} writes[] = {
	{"the whole", 0,
		"{\n  \"schema\": \"bake.lock/1\",\n  \"name\": \"n\",\n"
		"  \"manifest_sha256\": \"" C64 "\",\n"
		"  \"profiles\": {\n    \"default\": [],\n    \"p\": [\"zeta\", \"alpha\"]\n  },\n"
		"  \"models\": {\n" ALPHA ",\n" ZETA "\n  }\n}\n"},
	{"layer 1", 1,
		"{\n  \"schema\": \"bake.lock/1\",\n  \"name\": \"n\",\n  \"slice\": 1,\n"
		"  \"profiles\": {\n    \"default\": [],\n    \"p\": [\"alpha\"]\n  },\n"
		"  \"models\": {\n" ALPHA "\n  }\n}\n"},
	{"layer 2", 2,
		"{\n  \"schema\": \"bake.lock/1\",\n  \"name\": \"n\",\n  \"slice\": 2,\n"
		"  \"profiles\": {\n    \"default\": [],\n    \"p\": [\"zeta\"]\n  },\n"
		"  \"models\": {\n" ZETA "\n  }\n}\n"},
	{"a layer without models", 4,
		"{\n  \"schema\": \"bake.lock/1\",\n  \"name\": \"n\",\n  \"slice\": 4,\n"
		"  \"profiles\": {\n    \"default\": [],\n    \"p\": []\n  },\n"
		"  \"models\": {}\n}\n"},
};

static void try_write(void **state)
{
	const struct write_row *row = *state;
	_cleanup_(bake_lock_free) struct bake_lock *lock = parse(bake_span_text(MIXED));
	_cleanup_(bake_lock_free) struct bake_lock *again = NULL;
	_cleanup_(bake_buf_release) struct bake_buf first = BAKE_BUF_INIT(100000);
	_cleanup_(bake_buf_release) struct bake_buf second = BAKE_BUF_INIT(100000);
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_lock_write(lock, row->slice, &first, &err), &err, BAKE_OK, NULL);
	assert_string_equal(first.ptr, row->want);
	again = parse(bake_buf_span(&first));
	assert_int_equal(again->slice, row->slice);
	check_status(bake_lock_write(again, row->slice, &second, &err), &err, BAKE_OK, NULL);
	assert_string_equal(second.ptr, row->want);
}

/* A profile may name what has no pins, and a slice keeps both. */
static void a_partial_lock_says_so(void)
{
	static const char whole[] =
		"{\n  \"schema\": \"bake.lock/1\",\n  \"name\": \"n\",\n"
		"  \"manifest_sha256\": \"" C64 "\",\n"
		"  \"profiles\": {\n    \"p\": [\"late\", \"alpha\"]\n  },\n"
		"  \"unlocked\": {\n"
		"    \"late\": {\n"
		"      \"was\": {\"hub\": \"a/b\", \"revision\": \"main\", \"commit\": \"" A40
		"\"},\n"
		"      \"layer\": 1,\n      \"required\": true\n    },\n"
		"    \"other\": {\n      \"layer\": 2,\n      \"group\": \"g\",\n"
		"      \"required\": false,\n      \"default\": true,\n"
		"      \"aliases\": [\"o\"]\n    }\n  },\n"
		"  \"models\": {\n" ALPHA "\n  }\n}\n";
	static const char slice[] =
		"{\n  \"schema\": \"bake.lock/1\",\n  \"name\": \"n\",\n  \"slice\": 1,\n"
		"  \"profiles\": {\n    \"p\": [\"late\", \"alpha\"]\n  },\n"
		"  \"unlocked\": {\n"
		"    \"late\": {\n      \"layer\": 1,\n      \"required\": true\n    }\n  },\n"
		"  \"models\": {\n" ALPHA "\n  }\n}\n";
	_cleanup_(bake_lock_free) struct bake_lock *lock = parse(bake_span_text(whole));
	_cleanup_(bake_buf_release) struct bake_buf first = BAKE_BUF_INIT(100000);
	_cleanup_(bake_buf_release) struct bake_buf second = BAKE_BUF_INIT(100000);
	struct bake_error err = BAKE_ERROR_INIT;

	assert_int_equal(lock->unlocked_count, 2);
	assert_ptr_equal(bake_lock_find_unlocked(lock, "o"), &lock->unlocked[1]);
	assert_null(bake_lock_find_unlocked(lock, "alpha"));
	assert_null(bake_lock_find(lock, "late"));
	check_status(bake_lock_write(lock, 0, &first, &err), &err, BAKE_OK, NULL);
	assert_string_equal(first.ptr, whole);
	check_status(bake_lock_write(lock, 1, &second, &err), &err, BAKE_OK, NULL);
	assert_string_equal(second.ptr, slice);
}

static void a_lock_too_large_is_not_written(void)
{
	_cleanup_(bake_lock_free) struct bake_lock *lock = parse(bake_span_text(MIXED));
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(100);
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_lock_write(lock, 0, &buf, &err), &err, BAKE_ERR_DATA, "data.too-large");
}

static void models_are_found_by_name(void)
{
	_cleanup_(bake_lock_free) struct bake_lock *lock = parse(bake_span_text(MIXED));

	assert_string_equal(lock->models[0].id, "alpha");
	assert_string_equal(lock->models[1].id, "zeta");
	assert_string_equal(lock->models[1].files[0].path, "z/a");
	assert_ptr_equal(bake_lock_find(lock, "alpha"), &lock->models[0]);
	assert_ptr_equal(bake_lock_find(lock, "x"), &lock->models[1]);
	assert_null(bake_lock_find(lock, "Zeta"));
	assert_null(bake_lock_find(lock, ""));
}

/* The digest is of the bytes, so that a blank more is another lock. */
static void the_digest_is_of_the_bytes(void)
{
	_cleanup_(bake_lock_free) struct bake_lock *one = parse(bake_span_text(MIXED));
	_cleanup_(bake_lock_free) struct bake_lock *two = parse(bake_span_text(MIXED " "));
	struct bake_digest want = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(
		bake_digest_parse_sha256(BAKE_HEX(&one->sha256), &want, &err), &err, BAKE_OK, NULL);
	assert_false(bake_digest_equal(&one->sha256, &two->sha256));
}

static void what_is_missing_is_hinted_at(void)
{
	_cleanup_(bake_lock_free) struct bake_lock *lock = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	const char *text = ONE("\"path\": \"p\", \"name\": \"x\", \"size\": 1");

	check_status(bake_lock_parse(bake_span_text(text), "l.json", &lock, &err), &err,
		BAKE_ERR_DATA, "pin.missing");
	assert_non_null(strstr(err.hint, "bake-lock"));
}

/* As many files as there may be in a model, and one more; and that it does not take for ever. */
static void files_are_counted(void)
{
	enum {
		ROOM = (BAKE_LOCK_FILES_MAX + 1) * 128 + 1000
	};
	static const char tail[] = "]}}}";
	_cleanup_(bake_lock_free) struct bake_lock *lock = NULL;
	_cleanup_free_ char *text = malloc(ROOM);
	struct bake_error err = BAKE_ERROR_INIT;
	size_t used;

	assert_non_null(text);
	used = (size_t)snprintf(
		text, ROOM, "%s", WHOLE("\"models\": {\"m\": {" SOURCE ", " REST ", \"files\": ["));
	used--; /* the brace that WHOLE closes */
	for (unsigned i = 0; i < BAKE_LOCK_FILES_MAX; i++)
		used += (size_t)snprintf(text + used, ROOM - used,
			"{\"path\":\"d/%u\",\"name\":\"x\",\"size\":1,\"sha256\":\"" A64 "\"},", i);
	memcpy(text + used - 1, tail, sizeof(tail));
	check_status(
		bake_lock_parse(bake_span_text(text), "l.json", &lock, &err), &err, BAKE_OK, NULL);
	assert_int_equal(lock->models[0].file_count, BAKE_LOCK_FILES_MAX);
	bake_lock_free(&lock);
	(void)snprintf(text + used - 1, ROOM - used, ",{\"path\":\"e\"}%s", tail);
	check_status(bake_lock_parse(bake_span_text(text), "l.json", &lock, &err), &err,
		BAKE_ERR_DATA, "json.range");
}

static const struct scenario others[] = {
	{"a partial lock says so", a_partial_lock_says_so},
	{"a lock too large is not written", a_lock_too_large_is_not_written},
	{"models are found by id and alias", models_are_found_by_name},
	{"the digest is of the bytes", the_digest_is_of_the_bytes},
	{"what is missing is hinted at", what_is_missing_is_hinted_at},
	{"files are counted", files_are_counted},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(parses, try_parse),
		ROWS(writes, try_write),
		ROWS(others, play_scenario),
	};

	return run_rows("manifest/lock", tables, countof(tables));
}
