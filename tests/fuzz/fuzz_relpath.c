/* SPDX-License-Identifier: Apache-2.0 */
/* Paths, one a line: which are safe, and whether those can live together, against a slow judge. */
#include <ctype.h>
#include <strings.h>

#include "base/relpath.h"
#include "fuzz/fuzz.h"

enum {
	PATHS_MAX = 64
};

/* The first component that differs decides: other letters are another file, another case is a
 * collision, and so is one that ends where the other goes on, or with it. */
static bool collide(const char *a, const char *b)
{
	for (;;) {
		size_t a_len = strcspn(a, "/");
		size_t b_len = strcspn(b, "/");

		if (a_len != b_len || strncasecmp(a, b, a_len) != 0)
			return false;
		if (strncmp(a, b, a_len) != 0 || !a[a_len] || !b[b_len])
			return true;
		a += a_len + 1;
		b += b_len + 1;
	}
}

static void check_together(const char **paths, size_t count)
{
	_cleanup_(bake_arena_release) struct bake_arena scratch = BAKE_ARENA_INIT(SIZE_MAX);
	struct bake_error err = BAKE_ERROR_INIT;
	bool collision = false;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < i; k++)
			collision = collision || collide(paths[i], paths[k]);
	CLAIM(succeeded(bake_relpath_check_set(paths, count, &scratch, &err), &err) == !collision);
}

static void look_at(struct bake_relpath path)
{
	size_t dir_len = bake_relpath_dir_len(path);

	CLAIM(path.len == strlen(path.text) && path.len > 0 && path.len <= BAKE_PATH_MAX);
	CLAIM(path.text[0] != '/' && path.text[path.len - 1] != '/');
	CLAIM(!strpbrk(path.text, "\\\n\r\t\x1b\x7f") && !strstr(path.text, "//"));
	CLAIM(strcmp(path.text, "..") != 0 && strncmp(path.text, "../", 3) != 0);
	CLAIM(!strstr(path.text, "/../") && !strstr(path.text, "/./"));
	CLAIM(strlen(bake_relpath_name(path)) + dir_len + (dir_len ? 1 : 0) == path.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = text_of(data, size);
	const char *paths[PATHS_MAX];
	size_t count = 0;
	char *next = text;

	while (next && count < PATHS_MAX) {
		struct bake_error err = BAKE_ERROR_INIT;
		struct bake_relpath path;
		char *line = strsep(&next, "\n");
		bool good = succeeded(bake_relpath_parse(line, &path, &err), &err);

		if (good) {
			look_at(path);
			paths[count++] = path.text;
		}
		if (succeeded(bake_relpath_parse_model(line, &path, &err), &err))
			CLAIM(good);
	}
	check_together(paths, count);
	return 0;
}
