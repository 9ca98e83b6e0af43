/* SPDX-License-Identifier: Apache-2.0 */
#include "link/where.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/relpath.h"
#include "base/text.h"

enum {
	TEXT_MAX = 2 * (BAKE_PATH_MAX + 1)
};

static char *kept(struct bake_arena *arena, const struct bake_buf *buf)
{
	if (buf->full || buf->nomem)
		return NULL;
	return bake_arena_copy(arena, buf->len ? buf->ptr : "/", buf->len ? buf->len : 1);
}

/* Adds the components of text to an absolute path without a slash at its end. */
static void walk(struct bake_buf *path, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "/");

		if (len == 2 && text[0] == '.' && text[1] == '.') {
			while (path->len > 0 && path->ptr[path->len - 1] != '/')
				path->len--;
			if (path->len > 0)
				path->len--;
		} else if (len > 0 && !(len == 1 && text[0] == '.')) {
			bake_buf_text(path, "/");
			bake_buf_add(path, text, len);
		}
		text += len;
		text += strspn(text, "/");
	}
}

char *bake_where_leads(struct bake_arena *arena, const char *dir, const char *text)
{
	_cleanup_(bake_buf_release) struct bake_buf path = BAKE_BUF_INIT(TEXT_MAX);

	if (text[0] != '/')
		walk(&path, dir);
	walk(&path, text);
	return kept(arena, &path);
}

bool bake_where_below(const char *root, const char *path)
{
	size_t len = strlen(root);

	if (len > 0 && root[len - 1] == '/')
		len--;
	return strncmp(root, path, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

char *bake_where_relative(struct bake_arena *arena, const char *dir, const char *path)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(TEXT_MAX);
	size_t common = 0; /* bytes of whole components that both begin with */

	for (size_t i = 0;; i++) {
		bool ends =
			(dir[i] == '/' || dir[i] == '\0') && (path[i] == '/' || path[i] == '\0');

		if (ends)
			common = i;
		if (dir[i] != path[i] || dir[i] == '\0')
			break;
	}
	for (const char *at = dir + common; *at; at++) {
		if (at[0] == '/' && at[1] != '\0')
			bake_buf_text(&text, "../");
	}
	path += common;
	bake_buf_text(&text, path + strspn(path, "/"));
	if (text.len == 0)
		bake_buf_text(&text, "."); /* the directory itself */
	return kept(arena, &text);
}

char *bake_where_real(struct bake_arena *arena, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_free_ char *real = NULL;
	size_t len = strlen(path);

	/* The longest beginning that exists, then the rest as words. */
	while (copy && !real) {
		real = realpath(len ? copy : path[0] == '/' ? "/" : ".", NULL);
		if (real || len == 0 || (errno != ENOENT && errno != ENOTDIR))
			break;
		while (len > 0 && copy[len - 1] == '/')
			len--;
		while (len > 0 && copy[len - 1] != '/')
			len--;
		copy[len] = '\0';
	}
	return real ? bake_where_leads(arena, real, path + len) : NULL;
}
