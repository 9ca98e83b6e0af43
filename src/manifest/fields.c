/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/fields.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/relpath.h"
#include "base/show_url.h"
#include "base/text.h"

enum bake_status bake_field_schema(
	const struct bake_json *value, const char *schema, struct bake_error *err)
{
	const char *text;
	size_t family = strcspn(schema, "/") + 1;

	BAKE_TRY(bake_json_string(value, &text, err));
	if (strcmp(text, schema) == 0)
		return BAKE_OK;
	bake_json_error(
		value, "schema.name", err, "expected \"%s\", got '%s'", schema, BAKE_SHOW(text));
	if (strncmp(text, schema, family) == 0) {
		err->status = BAKE_ERR_CONFIG;
		err->id = "schema.version";
		bake_error_hint(err, "this file is for another version of the tool");
	}
	return err->status;
}

enum bake_status bake_field_id(
	const struct bake_json *value, const char *text, struct bake_error *err)
{
	size_t len = 0;

	while (bake_is_name_byte(text[len]))
		len++;
	if (bake_is_alphanumeric(text[0]) && text[len] == '\0' && len <= BAKE_NAME_MAX)
		return BAKE_OK;
	return bake_json_error(value, "json.name", err,
		"'%s' is not a name of letters, digits, '.', '_' and '-'", BAKE_SHOW(text));
}

enum bake_status bake_field_path(const struct bake_json *value, struct bake_arena *arena,
	const char **out, struct bake_error *err)
{
	struct bake_relpath path;
	const char *text;

	BAKE_TRY(bake_json_string(value, &text, err));
	if (bake_relpath_parse_model(text, &path, err) != BAKE_OK)
		return bake_json_blame(value, err);
	return bake_json_copy(value, BAKE_PATH_MAX, arena, out, err);
}

enum bake_status bake_field_source_path(const struct bake_json *value, struct bake_arena *arena,
	const char **out, struct bake_error *err)
{
	struct bake_relpath path;
	const char *text;

	BAKE_TRY(bake_json_string(value, &text, err));
	if (bake_relpath_parse(text, &path, err) != BAKE_OK)
		return bake_json_blame(value, err);
	return bake_json_copy(value, BAKE_PATH_MAX, arena, out, err);
}

/* "http://" or "https://", and then something that may be a host. */
static bool has_host(const char *text)
{
	const char *rest = bake_text_starts(text, "https://")  ? text + 8
			   : bake_text_starts(text, "http://") ? text + 7
							       : "";

	return rest[0] != '\0' && !strchr("/?#", rest[0]);
}

enum bake_status bake_field_url(const struct bake_json *value, struct bake_arena *arena,
	const char **out, struct bake_error *err)
{
	const char *text;

	BAKE_TRY(bake_json_string(value, &text, err));
	if (!has_host(text) || strpbrk(text, " \t"))
		return bake_json_error(value, "url.format", err, "'%s' is not an http(s) URL",
			BAKE_SHOW_URL(text));
	return bake_json_copy(value, BAKE_URL_MAX, arena, out, err);
}

struct urls {
	struct bake_arena *arena;
	const char **list;
	size_t count;
};

static enum bake_status read_url(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct urls *urls = out;

	BAKE_TRY(bake_field_url(value, urls->arena, &urls->list[urls->count], err));
	urls->count++;
	return BAKE_OK;
}

enum bake_status bake_field_urls(const struct bake_json *value, struct bake_arena *arena,
	const char *const **out, size_t *out_count, struct bake_error *err)
{
	struct urls urls = {.arena = arena};

	urls.list = bake_arena_array(arena, bake_json_count(value), sizeof(*urls.list));
	if (!urls.list)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_each_element(value, read_url, &urls, err));
	*out = urls.list;
	*out_count = urls.count;
	return BAKE_OK;
}

enum bake_status bake_field_sha256(
	const struct bake_json *value, struct bake_digest *out, struct bake_error *err)
{
	const char *text;

	BAKE_TRY(bake_json_string(value, &text, err));
	if (bake_digest_parse_sha256(text, out, err) != BAKE_OK)
		return bake_json_blame(value, err);
	return BAKE_OK;
}

struct source_reading {
	struct bake_arena *arena;
	struct bake_source source;
	unsigned kinds;
};

/* "name" or "org/name", each of letters, digits, '.', '_' and '-', as the Hub allows. */
static bool repository_ok(const char *text)
{
	const char *slash = strchr(text, '/');

	if (strlen(text) > 200 || (slash && strchr(slash + 1, '/')) || strstr(text, ".."))
		return false;
	for (const char *at = text; *at; at++) {
		bool begins = at == text || at[-1] == '/';

		if (begins ? bake_is_alphanumeric(*at) : bake_is_name_byte(*at))
			continue;
		if (*at != '/' || begins || !at[1])
			return false;
	}
	return text[0] != '\0';
}

static enum bake_status read_hub(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct source_reading *reading = out;

	BAKE_TRY(bake_json_copy(value, 400, reading->arena, &reading->source.location, err));
	if (!repository_ok(reading->source.location)) {
		bake_json_error(value, "hub.repository", err,
			"'%s' is not a repository name such as \"org/name\"",
			BAKE_SHOW_URL(reading->source.location));
		return strstr(reading->source.location, "://")
			       ? bake_error_hint(err, "write \"org/name\"; another Hub than the "
						      "usual one is named with --endpoint")
			       : err->status;
	}
	reading->source.kind = BAKE_SOURCE_HUB;
	reading->kinds++;
	return BAKE_OK;
}

static enum bake_status read_source_url(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct source_reading *reading = out;

	reading->source.kind = BAKE_SOURCE_URL;
	reading->kinds++;
	return bake_field_url(value, reading->arena, &reading->source.location, err);
}

static enum bake_status read_source_file(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct source_reading *reading = out;

	reading->source.kind = BAKE_SOURCE_FILE;
	reading->kinds++;
	return bake_field_source_path(value, reading->arena, &reading->source.location, err);
}

static enum bake_status read_revision(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct source_reading *reading = out;

	return bake_json_copy(value, 255, reading->arena, &reading->source.revision, err);
}

static enum bake_status read_commit(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct source_reading *reading = out;
	struct bake_digest ignored;
	const char *text;

	BAKE_TRY(bake_json_string(value, &text, err));
	if (bake_digest_parse_hex(BAKE_DIGEST_GIT_SHA1, text, &ignored, err) != BAKE_OK) {
		bake_json_error(value, "pin.mutable", err, "'%s' is not a commit of 40 hex digits",
			BAKE_SHOW(text));
		return bake_error_hint(err, "a lock pins commits, never branches: run bake-lock");
	}
	return bake_json_copy(value, 40, reading->arena, &reading->source.commit, err);
}

enum bake_status bake_field_source(const struct bake_json *value, bool with_commit,
	struct bake_arena *arena, struct bake_source *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"hub", read_hub, false},
		{"url", read_source_url, false},
		{"file", read_source_file, false},
		{"revision", read_revision, false},
		{"commit", read_commit, false},
	};
	struct source_reading reading = {.arena = arena};
	size_t count = with_commit ? countof(fields) : countof(fields) - 1;

	BAKE_TRY(bake_json_read_object(
		value, fields, count, BAKE_JSON_REFUSE_UNKNOWN, &reading, err));
	if (reading.kinds != 1)
		return bake_json_error(value, "manifest.source", err,
			"give exactly one of \"hub\", \"url\" and \"file\"");
	if ((reading.source.revision || reading.source.commit) &&
		reading.source.kind != BAKE_SOURCE_HUB)
		return bake_json_error(
			value, "manifest.source", err, "only a hub source has a revision");
	if (with_commit && reading.source.kind == BAKE_SOURCE_HUB && !reading.source.commit)
		return bake_json_error(value, "pin.mutable", err, "the commit is missing");
	if (reading.source.kind == BAKE_SOURCE_HUB && !reading.source.revision)
		reading.source.revision = "main";
	*out = reading.source;
	return BAKE_OK;
}

void bake_source_write(
	struct bake_json_writer *writer, const char *key, const struct bake_source *source)
{
	static const char *const kinds[] = {
		[BAKE_SOURCE_HUB] = "hub", [BAKE_SOURCE_URL] = "url", [BAKE_SOURCE_FILE] = "file"};

	bake_json_key(writer, key);
	bake_json_object_line(writer);
	bake_json_put_text(writer, kinds[source->kind], source->location);
	bake_json_put_text(writer, "revision", source->revision);
	bake_json_put_text(writer, "commit", source->commit);
	bake_json_end_object(writer);
}
