/* SPDX-License-Identifier: Apache-2.0 */
/* The Hub's listing, hostile until looked at, and the URLs and words of its files. */
#include "unit/rows.h"

#include <stdio.h>
#include <string.h>

#include "hub/hub.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define Z40 "0000000000000000000000000000000000000000"

#define SMALL(path)                                                                                \
	"{\"type\": \"file\", \"oid\": \"" A40 "\", \"size\": 5, \"path\": \"" path "\"}"
#define LFS(path, lfs)                                                                             \
	"{\"type\": \"file\", \"oid\": \"" A40 "\", \"size\": 134, \"path\": \"" path "\", "       \
	"\"lfs\": " lfs "}"
#define GOOD_LFS  "{\"oid\": \"" A64 "\", \"size\": 5000000000, \"pointerSize\": 134}"
#define DIRECTORY "{\"type\": \"directory\", \"oid\": \"" A40 "\", \"size\": 0, \"path\": \"d\"}"

static const struct page_row {
	const char *name;
	const char *text;
	const char *id; /* NULL: good */
	size_t count;
} pages[] = {
	{"nothing", "[]", NULL, 0},
	{"a small file", "[" SMALL("config.json") "]", NULL, 1},
	{"a large file", "[" LFS("a.bin", GOOD_LFS) "]", NULL, 1},
	{"a large file that says null", "[" LFS("a.bin", "null") "]", NULL, 1},
	{"directories are passed over", "[" DIRECTORY ", " SMALL("d/a") ", " DIRECTORY "]", NULL,
		1},
	{"fields of another version",
		"[{\"type\": \"file\", \"oid\": \"" A40 "\", \"size\": 5, \"path\": \"a\", "
		"\"xetHash\": \"x\", \"lastCommit\": {\"id\": \"x\"}, \"securityFileStatus\": "
		"null}]",
		NULL, 1},
	{"a type of another version", "[{\"type\": \"symlink\", \"path\": \"../x\"}]", NULL, 0},
	{"a directory's path is not looked at",
		"[{\"type\": \"directory\", \"path\": \"../../x\"}]", NULL, 0},
	{"hidden, spaced, beyond ASCII",
		"[" SMALL(".gitattributes") ", " SMALL("a b") ", " SMALL("\xc3\xa4") "]", NULL, 3},
	{"names of ours are the lock's business", "[" SMALL("model-info.json") "]", NULL, 1},

	{"an error", "{\"error\": \"Repository not found\"}", "json.type", 0},
	{"HTML", "<!DOCTYPE html><html></html>", "json.syntax", 0},
	{"empty", "", "json.syntax", 0},
	{"cut", "[" SMALL("a") ", {\"type\"", "json.syntax", 0},
	{"not entries", "[1]", "json.type", 0},
	{"nested deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
		"json.depth", 0},
	{"a path twice in an entry", "[{\"type\":\"file\",\"path\":\"a\",\"path\":\"b\"}]",
		"json.duplicate-key", 0},
	{"no type", "[{\"oid\": \"" A40 "\", \"size\": 5, \"path\": \"a\"}]", "json.missing-field",
		0},
	{"no path", "[{\"type\": \"file\", \"oid\": \"" A40 "\", \"size\": 5}]",
		"json.missing-field", 0},
	{"path: null", "[{\"type\": \"file\", \"path\": null}]", "json.type", 0},
	{"path: up", "[" SMALL("../../etc/passwd") "]", "path.unsafe", 0},
	{"path: up inside", "[" SMALL("a/../../b") "]", "path.unsafe", 0},
	{"path: absolute", "[" SMALL("/etc/passwd") "]", "path.unsafe", 0},
	{"path: empty", "[" SMALL("") "]", "path.unsafe", 0},
	{"path: backslash", "[" SMALL("..\\\\x") "]", "path.unsafe", 0},
	{"path: drive", "[" SMALL("C:/x") "]", "path.unsafe", 0},
	{"path: escape sequence", "[" SMALL("\\u001b[2J") "]", "path.unsafe", 0},
	{"path: override", "[" SMALL("a\\u202egpj.exe") "]", "path.unsafe", 0},
	{"path: NUL", "[" SMALL("a\\u0000b") "]", "json.syntax", 0},
	{"path: unsafe behind a good one", "[" SMALL("a") ", " SMALL("../b") "]", "path.unsafe", 1},
	{"size: negative", "[{\"type\":\"file\",\"path\":\"a\",\"oid\":\"" A40 "\",\"size\":-1}]",
		"json.range", 0},
	{"size: 2^53",
		"[{\"type\":\"file\",\"path\":\"a\",\"oid\":\"" A40
		"\",\"size\":9007199254740992}]",
		"json.range", 0},
	{"size: text", "[{\"type\":\"file\",\"path\":\"a\",\"oid\":\"" A40 "\",\"size\":\"5\"}]",
		"json.type", 0},
	{"a small file without a size", "[{\"type\":\"file\",\"path\":\"a\",\"oid\":\"" A40 "\"}]",
		"hub.reply", 0},
	{"oid: none", "[{\"type\": \"file\", \"size\": 5, \"path\": \"a\"}]", "hub.reply", 0},
	{"oid: short", "[{\"type\":\"file\",\"path\":\"a\",\"oid\":\"abc\",\"size\":5}]",
		"hub.reply", 0},
	{"oid: zeros", "[{\"type\":\"file\",\"path\":\"a\",\"oid\":\"" Z40 "\",\"size\":5}]",
		"hub.reply", 0},
	{"lfs: a text", "[" LFS("a", "\"" A64 "\"") "]", "json.type", 0},
	{"lfs: no oid", "[" LFS("a", "{\"size\": 5}") "]", "json.missing-field", 0},
	{"lfs: no size", "[" LFS("a", "{\"oid\": \"" A64 "\"}") "]", "json.missing-field", 0},
	{"lfs: size too great",
		"[" LFS("a", "{\"oid\": \"" A64 "\", \"size\": 9007199254740992}") "]",
		"json.range", 0},
	{"lfs: a path for an oid", "[" LFS("a", "{\"oid\": \"../../../../x\", \"size\": 5}") "]",
		"digest.format", 0},
	{"lfs: sha1 for an oid", "[" LFS("a", "{\"oid\": \"" A40 "\", \"size\": 5}") "]",
		"digest.format", 0},
	{"lfs: zeros for an oid",
		"[" LFS("a", "{\"oid\": \"000000000000000000000000" Z40 "\", \"size\": 5}") "]",
		"digest.format", 0},
};

static void try_page(void **state)
{
	const struct page_row *row = *state;
	struct bake_arena arena = BAKE_ARENA_INIT(100000);
	_cleanup_(bake_hub_tree_release) struct bake_hub_tree tree = BAKE_HUB_TREE_INIT;
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_status status =
		bake_hub_parse_page(bake_span_text(row->text), "page", &arena, &tree, &err);

	bake_arena_release(&arena);
	check_status(status, &err, row->id ? BAKE_ERR_DATA : BAKE_OK, row->id);
	assert_int_equal(tree.count, row->count);
}

static void entries_are_taken(void)
{
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(100000);
	_cleanup_(bake_hub_tree_release) struct bake_hub_tree tree = BAKE_HUB_TREE_INIT;
	struct bake_error err = BAKE_ERROR_INIT;
	static const char one[] = "[" SMALL("d/config.json") "]";
	static const char two[] = "[" LFS("a.bin", GOOD_LFS) "]";

	check_status(bake_hub_parse_page(bake_span_text(one), "page", &arena, &tree, &err), &err,
		BAKE_OK, NULL);
	check_status(bake_hub_parse_page(bake_span_text(two), "page", &arena, &tree, &err), &err,
		BAKE_OK, NULL);
	assert_int_equal(tree.count, 2);
	assert_string_equal(tree.files[0].path, "d/config.json");
	assert_int_equal(tree.files[0].size, 5);
	assert_int_equal(tree.files[0].sha256.kind, BAKE_DIGEST_NONE);
	assert_string_equal(BAKE_HEX(&tree.files[0].git_sha1), A40);
	assert_string_equal(tree.files[1].path, "a.bin");
	assert_int_equal(tree.files[1].size, 5000000000);
	assert_int_equal(tree.files[1].git_sha1.kind, BAKE_DIGEST_NONE);
	assert_string_equal(BAKE_HEX(&tree.files[1].sha256), A64);
}

static const struct url_row {
	const char *name;
	const char *endpoint;
	const char *repository;
	const char *commit;
	const char *path;
	const char *want;
} urls[] = {
	{"plain", "https://huggingface.co", "org/name", A40, "config.json",
		"https://huggingface.co/org/name/resolve/" A40 "/config.json"},
	{"in a directory", "http://127.0.0.1:8080", "gpt2", A40, "a/b.bin",
		"http://127.0.0.1:8080/gpt2/resolve/" A40 "/a/b.bin"},
	{"a revision has no slashes", "https://hf.co", "o/n", "refs/pr/1", "a",
		"https://hf.co/o/n/resolve/refs%2Fpr%2F1/a"},
	{"names that need escapes", "https://hf.co", "o/n", "c", "a b/c#d?e%20[f].bin",
		"https://hf.co/o/n/resolve/c/a%20b/c%23d%3Fe%2520%5Bf%5D.bin"},
	{"beyond ASCII", "https://hf.co", "o/n", "c", "\xc3\xa4",
		"https://hf.co/o/n/resolve/c/%C3%A4"},
};

static void try_url(void **state)
{
	const struct url_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(BAKE_NET_URL_MAX);

	bake_hub_file_url(&buf, row->endpoint, row->repository, row->commit, row->path);
	assert_string_equal(buf.ptr, row->want);
}

static const struct commit_row {
	const char *name;
	const char *text;
	bool want;
} commits[] = {
	{"a commit", "0123456789abcdef0123456789abcdef01234567", true},
	{"a branch", "main", false},
	{"empty", "", false},
	{"39 digits", "0123456789abcdef0123456789abcdef0123456", false},
	{"41 digits", "0123456789abcdef0123456789abcdef012345678", false},
	{"capitals", "0123456789ABCDEF0123456789ABCDEF01234567", false},
	{"not a digit", "0123456789abcdef0123456789abcdef0123456g", false},
	{"slashes", "refs/heads/aaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
};

static void try_commit(void **state)
{
	const struct commit_row *row = *state;

	assert_int_equal(bake_hub_is_commit(row->text), row->want);
}

static const struct explain_row {
	const char *name;
	unsigned status;
	const char *code;
	bool have_token;
	bool cross_origin;
	enum bake_status want;
	const char *id;
	const char *hint;
} explains[] = {
	{"no repository", 404, "RepoNotFound", false, false, BAKE_ERR_UNAVAILABLE,
		"hub.repository-not-found", "--token-file"},
	{"no repository, with a token", 404, "RepoNotFound", true, false, BAKE_ERR_UNAVAILABLE,
		"hub.repository-not-found", ""},
	{"private or absent: the Hub does not say", 401, "", false, false, BAKE_ERR_UNAVAILABLE,
		"hub.repository-not-found", "--token-file"},
	{"no revision", 404, "RevisionNotFound", false, false, BAKE_ERR_UNAVAILABLE,
		"hub.revision-not-found", "https://hf.co/o/n/tree/main"},
	{"no entry", 404, "EntryNotFound", false, false, BAKE_ERR_UNAVAILABLE,
		"hub.entry-not-found", ""},
	{"gated, no token", 401, "GatedRepo", false, false, BAKE_ERR_PERMISSION, "hub.gated",
		"then give a token"},
	{"gated, a token without access", 403, "GatedRepo", true, false, BAKE_ERR_PERMISSION,
		"hub.gated", "has no access"},
	{"a token that is not accepted", 401, "", true, false, BAKE_ERR_PERMISSION, "auth.denied",
		"not accepted"},
	{"forbidden", 403, "", false, false, BAKE_ERR_PERMISSION, "auth.denied", "--token-file"},
	{"an unknown code", 404, "Teapot", false, false, BAKE_ERR_UNAVAILABLE, "net.not-found", ""},
	{"another host's words are not the Hub's", 403, "GatedRepo", false, true,
		BAKE_ERR_PERMISSION, "auth.denied", ""},
	{"another host's 403 asks for no token", 403, "", false, true, BAKE_ERR_PERMISSION,
		"auth.denied", ""},
};

static void try_explain(void **state)
{
	const struct explain_row *row = *state;
	struct bake_response response = {
		.status = row->status, .cross_origin = row->cross_origin, .request_id = "Root=1"};
	struct bake_error err = BAKE_ERROR_INIT;

	(void)snprintf(response.error_code, sizeof(response.error_code), "%s", row->code);
	(void)bake_response_error(&response, "https://hf.co/o/n/x", &err);
	bake_hub_explain(&response, "https://hf.co", "o/n", "v1", row->have_token, &err);
	check_status(err.status, &err, row->want, row->id);
	assert_int_equal(err.detail, row->status);
	assert_non_null(strstr(err.message, "Root=1"));
	assert_non_null(strstr(err.hint, row->hint));
	if (!row->hint[0])
		assert_string_equal(err.hint, "");
}

static void a_bad_reply_is_the_servers_fault(void)
{
	struct bake_response response = {.content_type = "text/html; charset=utf-8"};
	struct bake_error err = BAKE_ERROR_INIT;

	bake_error_set(&err, BAKE_ERR_DATA, "json.syntax", "page:1:1: no");
	check_status(bake_hub_bad_reply(&response, &err), &err, BAKE_ERR_PROTOCOL, "hub.reply");
	assert_non_null(strstr(err.hint, "HTML"));
	assert_string_equal(err.message, "page:1:1: no");
}

static const struct scenario others[] = {
	{"entries are taken, page by page", entries_are_taken},
	{"a bad reply is the server's fault", a_bad_reply_is_the_servers_fault},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(pages, try_page),
		ROWS(urls, try_url),
		ROWS(commits, try_commit),
		ROWS(explains, try_explain),
		ROWS(others, play_scenario),
	};

	return run_rows("hub/tree", tables, countof(tables));
}
