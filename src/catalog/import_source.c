/* SPDX-License-Identifier: Apache-2.0 */
/* What a URL is the address of: a file of a repository of the Hub, or just a file. */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/relpath.h"
#include "base/show_url.h"
#include "base/text.h"
#include "base/url_secret.h"
#include "catalog/importing.h"
#include "manifest/fields.h"
#include "manifest/paths.h"

enum {
	SEGMENTS_MAX = 5 /* "org", "name", "resolve", "main", and the rest */
};

static int hex_of(char c)
{
	return isdigit((unsigned char)c) ? c - '0'
	       : c >= 'a' && c <= 'f'	 ? c - 'a' + 10
	       : c >= 'A' && c <= 'F'	 ? c - 'A' + 10
					 : -1;
}

/* In place. False when a percent sign begins no byte, or a NUL. */
static bool decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		int high = *text == '%' ? hex_of(text[1]) : 0;
		int low = *text == '%' && high >= 0 ? hex_of(text[2]) : 0;

		if (high < 0 || low < 0 || (*text == '%' && high == 0 && low == 0))
			return false;
		if (*text == '%') {
			*to++ = (char)(high * 16 + low);
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
	return true;
}

/* Behind the host, when it is the Hub's; else NULL. */
static const char *hub_path(const char *url)
{
	static const char *const hosts[] = {"huggingface.co/", "www.huggingface.co/", "hf.co/"};
	const char *host = bake_text_starts(url, "https://")  ? url + 8
			   : bake_text_starts(url, "http://") ? url + 7
							      : "";

	for (size_t i = 0; i < countof(hosts); i++) {
		if (strncasecmp(host, hosts[i], strlen(hosts[i])) == 0)
			return host + strlen(hosts[i]);
	}
	return NULL;
}

/* Cuts path at its slashes; the last segment is the rest. Returns how many there are. */
static size_t split(char *path, char *segments[SEGMENTS_MAX])
{
	size_t count = 0;

	while (*path && count < SEGMENTS_MAX) {
		char *slash = count + 1 < SEGMENTS_MAX ? strchr(path, '/') : NULL;

		segments[count++] = path;
		if (!slash)
			break;
		*slash = '\0';
		path = slash + 1;
	}
	return count;
}

static bool is_file_word(const char *text)
{
	return strcmp(text, "resolve") == 0 || strcmp(text, "blob") == 0 ||
	       strcmp(text, "raw") == 0;
}

/* What the Hub has besides models. */
static bool is_other_kind(const char *text)
{
	return strcmp(text, "datasets") == 0 || strcmp(text, "spaces") == 0 ||
	       strcmp(text, "api") == 0;
}

static enum bake_status add_file(struct bake_import *import, struct bake_import_item *item,
	const char *name, struct bake_error *err)
{
	item->files = bake_arena_array(&import->arena, 1, sizeof(*item->files));
	if (!item->files)
		return bake_error_nomem(err);
	item->files[0].name = name;
	item->file_count = 1;
	return BAKE_OK;
}

/* org/name/resolve/REVISION/PATH, org/name/tree/REVISION, org/name. *is false: none of these. */
static enum bake_status settle_hub(struct bake_import *import, struct bake_import_item *item,
	char *path, bool *is, struct bake_error *err)
{
	char *segments[SEGMENTS_MAX];
	size_t count = split(path, segments);
	bool file = count == 5 && is_file_word(segments[2]);
	bool tree = count == 2 || (count == 4 && strcmp(segments[2], "tree") == 0);
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_relpath checked;

	*is = (file || tree) && !is_other_kind(segments[0]);
	if (!*is)
		return BAKE_OK;
	item->source.kind = BAKE_SOURCE_HUB;
	item->source.location = bake_arena_join(&import->arena, segments[0], segments[1]);
	if (!item->source.location)
		return bake_error_nomem(err);
	if (count < 4)
		return BAKE_OK;
	item->source.revision = segments[3];
	if (!decode(segments[3]) || (file && !decode(segments[4])))
		return bake_import_drop(import, item, "import.url", err,
			"a percent sign in its URL begins no byte");
	if (file && bake_relpath_parse(segments[4], &checked, &ignored) != BAKE_OK)
		return bake_import_drop(import, item, "import.url", err,
			"its URL has no path that a file could have");
	return file ? add_file(import, item, segments[4], err) : BAKE_OK;
}

/* Without what only says that it is to be downloaded. */
static enum bake_status strip(struct bake_import *import, struct bake_import_item *item, char **out,
	struct bake_error *err)
{
	size_t len = strcspn(item->url, "#");
	const char *query = memchr(item->url, '?', len);
	size_t query_len = query ? len - (size_t)(query - item->url) : 0;
	bool download = query_len == 14 && strncasecmp(query, "?download=true", 14) == 0;

	if (query && (download || query_len == 1 || hub_path(item->url))) {
		if (!download && query_len > 1)
			BAKE_TRY(bake_import_warn(import, item->label, "import.url", err,
				"the query of its URL is not taken over"));
		len = (size_t)(query - item->url);
	}
	*out = bake_arena_copy(&import->arena, item->url, len);
	return *out ? BAKE_OK : bake_error_nomem(err);
}

/* A plain URL. Its file is called what the URL ends in, or what the entry says. */
static enum bake_status settle_url(struct bake_import *import, struct bake_import_item *item,
	const char *url, struct bake_error *err)
{
	size_t len = 0;
	const char *name = bake_url_file_name(url, &len);
	const char *host_end = strchr(strstr(url, "://") + 3, '/');
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_relpath checked;
	const char *copy;

	item->source.kind = BAKE_SOURCE_URL;
	item->source.location = url;
	if (!host_end || bake_text_ends(url, "/"))
		return bake_import_drop(import, item, "import.url", err, "its URL is of no file");
	copy = name && name > host_end ? bake_arena_copy(&import->arena, name, len)
				       : item->file_name;
	if (!copy || bake_relpath_parse(copy, &checked, &ignored) != BAKE_OK || strchr(copy, '/'))
		return bake_import_drop(import, item, "import.url", err,
			"neither its URL nor it itself says what the file is called");
	return add_file(import, item, copy, err);
}

static bool is_http(const char *url)
{
	const char *host = bake_text_starts(url, "https://")  ? url + 8
			   : bake_text_starts(url, "http://") ? url + 7
							      : "";

	return host[0] && !strchr("/?#", host[0]) && !strpbrk(url, " \t");
}

/* A repository, and a file of it that the entry names. */
static enum bake_status settle_repo(
	struct bake_import *import, struct bake_import_item *item, struct bake_error *err)
{
	char *path = bake_arena_text(&import->arena, item->repo);
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_relpath checked;
	bool is = false;

	if (!path)
		return bake_error_nomem(err);
	BAKE_TRY(settle_hub(import, item, path, &is, err));
	if (!is || item->source.revision)
		return bake_import_drop(
			import, item, "import.url", err, "its repository is none of the Hub's");
	if (!item->file_name)
		return BAKE_OK;
	if (bake_relpath_parse(item->file_name, &checked, &ignored) != BAKE_OK)
		return bake_import_drop(
			import, item, "import.path", err, "its file name is no path");
	BAKE_TRY(bake_import_warn(import, item->label, "import.name", err,
		"there is no URL: '%s' is taken for the file's name in the repository",
		BAKE_SHOW(item->file_name)));
	return add_file(import, item, item->file_name, err);
}

enum bake_status bake_import_settle_source(
	struct bake_import *import, struct bake_import_item *item, struct bake_error *err)
{
	struct bake_error secret = BAKE_ERROR_INIT;
	const char *path;
	bool is = false;
	char *url;
	char *copy;

	if (!item->url && item->repo)
		return settle_repo(import, item, err);
	if (!item->url)
		return bake_import_drop(import, item, "import.url", err, "it has no URL");
	if (bake_url_check_secret(item->url, &secret) != BAKE_OK)
		return bake_import_drop(import, item, "import.secret", err, secret.message);
	if (!is_http(item->url))
		return bake_import_drop(
			import, item, "import.url", err, "its URL is none of http or https");
	BAKE_TRY(strip(import, item, &url, err));
	path = hub_path(url);
	copy = path ? bake_arena_text(&import->arena, path) : NULL;
	if (path && !copy)
		return bake_error_nomem(err);
	if (copy)
		BAKE_TRY(settle_hub(import, item, copy, &is, err));
	if (is)
		return BAKE_OK;
	if (bake_text_starts(url, "http://"))
		BAKE_TRY(bake_import_warn(import, item->label, "import.http", err,
			"anybody on the way can change what http brings; it needs --allow-http"));
	return settle_url(import, item, url, err);
}
