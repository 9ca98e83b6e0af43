/* SPDX-License-Identifier: Apache-2.0 */
#include "base/relpath.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fold.h"
#include "base/text.h"

static const char *const reserved[] = {".bake", "model-info.json", "model-info.runtime.json"};

/* What is wrong with one component, NULL when nothing is. */
static const char *component_fault(const char *text, size_t len)
{
	if (len == 0)
		return "has an empty component";
	if (len > BAKE_PATH_COMPONENT_MAX)
		return "has a component of over 255 bytes";
	if ((len == 1 && text[0] == '.') || (len == 2 && text[0] == '.' && text[1] == '.'))
		return "has a '.' or '..' component";
	if (text[len - 1] == '.' || text[len - 1] == ' ')
		return "has a component ending in a dot or a blank";
	return NULL;
}

/* What is wrong with the characters, NULL when nothing is. */
static const char *character_fault(const char *text, size_t len)
{
	size_t plain = bake_text_plain(text, len);

	if (!bake_utf8_valid(text + plain, len - plain))
		return "is not valid UTF-8";
	for (size_t i = plain, size; i < len; i += size) {
		if (bake_utf8_hostile(text + i, &size))
			return "has a control or invisible character";
		if (text[i] == '\\')
			return "has a backslash";
	}
	if (len >= 2 && isalpha((unsigned char)text[0]) && text[1] == ':')
		return "starts with a drive letter";
	return NULL;
}

static const char *path_fault(const char *text, size_t len)
{
	const char *end = text + len;
	const char *fault;
	size_t depth = 0;

	if (len == 0)
		return "is empty";
	if (text[0] == '/')
		return "is absolute";
	fault = character_fault(text, len);
	for (const char *at = text, *slash; !fault; at = slash + 1) {
		slash = memchr(at, '/', (size_t)(end - at));
		fault = component_fault(at, (size_t)((slash ? slash : end) - at));
		if (!fault && ++depth > BAKE_PATH_DEPTH_MAX)
			fault = "is more than 64 directories deep";
		if (!slash)
			break;
	}
	return fault;
}

enum bake_status bake_relpath_parse(
	const char *text, struct bake_relpath *out, struct bake_error *err)
{
	size_t len = strlen(text);
	const char *fault;

	if (len > BAKE_PATH_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "path.too-long",
			"path '%s' is over %d bytes", BAKE_SHOW(text), BAKE_PATH_MAX);
	fault = path_fault(text, len);
	if (fault) {
		const char *id = strstr(fault, "over 255") ? "path.too-long" : "path.unsafe";

		return bake_error_set(
			err, BAKE_ERR_DATA, id, "path '%s' %s", BAKE_SHOW(text), fault);
	}
	*out = (struct bake_relpath){.text = text, .len = len};
	return BAKE_OK;
}

enum bake_status bake_relpath_parse_model(
	const char *text, struct bake_relpath *out, struct bake_error *err)
{
	struct bake_relpath path;
	size_t first;

	BAKE_TRY(bake_relpath_parse(text, &path, err));
	first = (size_t)(strchrnul(text, '/') - text);
	for (size_t i = 0; i < countof(reserved); i++) {
		if (strlen(reserved[i]) == first && strncasecmp(text, reserved[i], first) == 0)
			return bake_error_set(err, BAKE_ERR_DATA, "path.reserved",
				"path '%s' begins with the reserved name %s", BAKE_SHOW(text),
				reserved[i]);
	}
	*out = path;
	return BAKE_OK;
}

const char *bake_relpath_name(struct bake_relpath path)
{
	const char *slash = strrchr(path.text, '/');

	return slash ? slash + 1 : path.text;
}

size_t bake_relpath_dir_len(struct bake_relpath path)
{
	const char *slash = strrchr(path.text, '/');

	return slash ? (size_t)(slash - path.text) : 0;
}

/* The next folded character, with '/' below every other one so that "x/y" follows "x" at once. */
static uint32_t next(struct bake_fold *fold)
{
	uint32_t code = bake_fold_next(fold);

	return code == '/' ? 1 : code;
}

/* A path, and what it is ordered by: UTF-8, in whose bytes code points have their order. */
struct folded {
	const char *text;
	const char *path;
};

/* Into out, of which it uses at most twice the path's length and one byte: two bytes become a letter
 * and its accent, three. Returns where that ends. */
static char *fold(const char *path, char *out)
{
	struct bake_fold rest = BAKE_FOLD_INIT(path);
	uint32_t code;

	for (; *rest.at && (unsigned char)*rest.at < 0x80; rest.at++) /* as next does */
		*out++ = (char)(*rest.at == '/' ? 1 : bake_fold_ascii(*rest.at));
	while ((code = next(&rest)) != 0)
		out += bake_utf8_encode(code, out);
	*out++ = '\0';
	return out;
}

/* The paths with their folded texts; NULL when there is no room for them. */
static struct folded *fold_all(const char *const *paths, size_t count, struct bake_arena *scratch)
{
	struct folded *folded = bake_arena_room(scratch, count, sizeof(*folded));
	size_t room = 0;
	char *texts;

	for (size_t i = 0; i < count; i++)
		room += 2 * strlen(paths[i]) + 1;
	texts = bake_arena_room(scratch, room, 1);
	if (!folded || !texts)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		folded[i] = (struct folded){.text = texts, .path = paths[i]};
		texts = fold(paths[i], texts);
	}
	return folded;
}

static int compare_folded(const void *a, const void *b)
{
	return strcmp(((const struct folded *)a)->text, ((const struct folded *)b)->text);
}

/* How many bytes at the beginning of both are the same and whole characters. */
static size_t shared(const char *a, const char *b)
{
	size_t len = 0;

	while (a[len] && a[len] == b[len])
		len++;
	while (len && ((unsigned char)a[len] >= 0x80 || (unsigned char)b[len] >= 0x80))
		len--;
	return len;
}

static bool same_bytes(const char *a, const char *a_end, const char *b, const char *b_end)
{
	return a_end - a == b_end - b && memcmp(a, b, (size_t)(a_end - a)) == 0;
}

/* Bytes of the directories that both are in, with the last slash. */
static size_t shared_directories(const char *a, const char *b)
{
	size_t len = shared(a, b);

	while (len && a[len - 1] != '/')
		len--;
	return len;
}

/* How two neighbours in folded order collide, NULL when they do not. */
static const char *collision(const char *a, const char *b)
{
	const char *a_part = a + shared_directories(a, b); /* the components under way */
	const char *b_part = b + (a_part - a);
	struct bake_fold x = BAKE_FOLD_INIT(a_part);
	struct bake_fold y = BAKE_FOLD_INIT(b_part);
	uint32_t p;
	uint32_t q;

	while ((p = next(&x)) == (q = next(&y)) && p) {
		if (p != 1)
			continue;
		if (!same_bytes(a_part, x.at, b_part, y.at))
			return "differ only by case or encoding in a directory";
		a_part = x.at;
		b_part = y.at;
	}
	if (p == q)
		return strcmp(a, b) == 0 ? "are the same" : "differ only by case or encoding";
	if (p == 0 && q == 1)
		return "cannot both exist: one is a directory of the other";
	return NULL;
}

enum bake_status bake_relpath_check_set(
	const char *const *paths, size_t count, struct bake_arena *scratch, struct bake_error *err)
{
	struct folded *folded;

	if (count < 2)
		return BAKE_OK;
	folded = fold_all(paths, count, scratch);
	if (!folded)
		return bake_error_nomem(err);
	qsort(folded, count, sizeof(*folded), compare_folded);
	for (size_t i = 1; i < count; i++) {
		const char *how = collision(folded[i - 1].path, folded[i].path);

		if (how)
			return bake_error_set(err, BAKE_ERR_DATA, "path.collision",
				"paths '%s' and '%s' %s", BAKE_SHOW(folded[i - 1].path),
				BAKE_SHOW(folded[i].path), how);
	}
	return BAKE_OK;
}
