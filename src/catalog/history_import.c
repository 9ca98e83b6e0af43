/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of a download_history.json as lines of ours. What they do not say is left out. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/show_url.h"
#include "base/text.h"
#include "catalog/history.h"
#include "digest/hasher.h"
#include "fs/log.h"
#include "json/json.h"

enum {
	LINE_MAX = 4096, /* a write of less is not torn by another writer */
	NAME_MAX_BYTES = 512,
	ENTRIES_MAX = 1000000
};

struct line {
	char key[BAKE_DIGEST_HEX_MAX];
	char *text;
	size_t len;
	size_t order; /* in the document */
	bool known;
};

struct import {
	struct line *lines;
	size_t count;
	size_t room;
	const char *generator;
	struct bake_history_import sums;
};

static const char *text_of(const struct bake_json *entry, const char *key)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	const char *text;

	if (!bake_json_find(entry, key, &value) ||
		bake_json_string(&value, &text, &ignored) != BAKE_OK)
		return NULL;
	return text;
}

/* "2025-08-31T12:34:56" of what Python's isoformat wrote, with its zone when that is UTC. A clock
 * of another zone cannot be told from here, so that it stays without one. */
static bool time_of(const struct bake_json *entry, char out[24])
{
	static const char form[] = "0000-00-00T00:00:00";
	const char *text = text_of(entry, "timestamp");

	if (!text || strlen(text) < sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < sizeof(form) - 1; i++) {
		bool digit = text[i] >= '0' && text[i] <= '9';

		if (form[i] == '0' ? !digit : text[i] != form[i])
			return false;
	}
	(void)snprintf(out, 24, "%.19s%s", text,
		bake_text_ends(text, "Z") || bake_text_ends(text, "+00:00") ? "Z" : "");
	return true;
}

/* What is the same in no two downloads: when it was, and of what. */
static enum bake_status make_key(
	const struct bake_json *entry, char key[BAKE_DIGEST_HEX_MAX], struct bake_error *err)
{
	static const char *const parts[] = {"model_name", "url", "timestamp", "status"};
	_cleanup_(bake_hasher_release) struct bake_hasher hasher = BAKE_HASHER_INIT;
	struct bake_digest digest;

	BAKE_TRY(bake_hasher_init_sha256(&hasher, err));
	for (size_t i = 0; i < countof(parts); i++) {
		const char *text = text_of(entry, parts[i]);

		bake_hasher_update(&hasher, bake_span_text(text ? text : ""));
		bake_hasher_update(&hasher, bake_span("", 1));
	}
	BAKE_TRY(bake_hasher_final(&hasher, &digest, err));
	bake_digest_hex(&digest, key);
	return BAKE_OK;
}

/* At most max bytes, whole characters. */
static void put_cut(struct bake_json_writer *writer, const char *key, const char *text, size_t max)
{
	_cleanup_free_ char *cut = strndup(text, max);

	for (size_t len = cut ? strlen(cut) : 0; len > 0 && !bake_utf8_valid(cut, len);)
		cut[--len] = '\0';
	if (key)
		bake_json_put_text(writer, key, cut);
	else
		bake_json_write_text(writer, cut ? cut : "");
}

static void put_numbers(struct bake_json_writer *writer, const struct bake_json *entry)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json value;
	uint64_t bytes = 0;
	double seconds = 0;
	char text[64];

	if (bake_json_find(entry, "size_bytes", &value) &&
		bake_json_u64(&value, INT64_MAX, &bytes, &ignored) == BAKE_OK) {
		bake_json_put_u64(writer, "bytes", bytes);
		bake_json_put_u64(writer, "received", bytes);
	}
	if (!bake_json_find(entry, "download_time", &value) ||
		bake_json_f64(&value, &seconds, &ignored) != BAKE_OK || seconds < 0 ||
		seconds > 1e9)
		return;
	(void)snprintf(text, sizeof(text), "\"seconds\": %" PRIu64 ".%03" PRIu64,
		(uint64_t)(seconds * 1000) / 1000, (uint64_t)(seconds * 1000) % 1000);
	bake_json_splice(writer, text);
}

static enum bake_status write_line(const struct import *import, const struct bake_json *entry,
	const char *time, const char *key, struct bake_buf *out, struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);
	bool failed = !bake_text_equal(text_of(entry, "status"), "completed");
	const char *url = text_of(entry, "url");
	const char *message = text_of(entry, "error");

	bake_json_object_line(&writer);
	bake_json_put_text(&writer, "schema", "bake.history/1");
	bake_json_put_text(&writer, "time", time);
	bake_json_put_text(&writer, "generator", import->generator);
	bake_json_put_text(&writer, "imported", key);
	bake_json_key(&writer, "models");
	bake_json_array_line(&writer);
	put_cut(&writer, NULL, text_of(entry, "model_name"), NAME_MAX_BYTES);
	bake_json_end_array(&writer);
	bake_json_put_u64(&writer, "model_count", 1);
	bake_json_put_u64(&writer, "files", 1);
	/* Without the query: a token may be in it. */
	bake_json_put_text(&writer, "url", url ? BAKE_SHOW_URL(url) : NULL);
	put_numbers(&writer, entry);
	bake_json_put_text(&writer, "status", failed ? "failed" : "downloaded");
	if (failed && message)
		put_cut(&writer, "message", BAKE_SHOW(message), BAKE_SHOWN_MAX);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return bake_buf_status(out, "a line of history", err);
}

static enum bake_status read_entry(const struct bake_json *value, void *out, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(LINE_MAX - 1);
	struct import *import = out;
	const char *status = text_of(value, "status");
	char key[BAKE_DIGEST_HEX_MAX];
	struct line *line;
	char time[24];

	import->sums.entries++;
	if (!bake_json_is_object(value) || !text_of(value, "model_name") || !time_of(value, time) ||
		!(bake_text_equal(status, "completed") || bake_text_equal(status, "failed"))) {
		import->sums.useless++;
		return BAKE_OK;
	}
	BAKE_TRY(make_key(value, key, err));
	if (import->count >= ENTRIES_MAX)
		return bake_json_error(
			value, "data.too-large", err, "more than %d entries", ENTRIES_MAX);
	if (!bake_grow((void **)&import->lines, &import->room, import->count + 1, sizeof(*line)))
		return bake_error_nomem(err);
	BAKE_TRY(write_line(import, value, time, key, &text, err));
	line = &import->lines[import->count++];
	*line = (struct line){.text = text.ptr, .len = text.len, .order = import->count};
	text = (struct bake_buf)BAKE_BUF_INIT(0);
	memcpy(line->key, key, sizeof(key));
	return BAKE_OK;
}

static int compare_orders(const void *a, const void *b)
{
	size_t left = ((const struct line *)a)->order;
	size_t right = ((const struct line *)b)->order;

	return left < right ? -1 : left > right;
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->key, ((const struct line *)b)->key);
}

/* Twins in the document's order. */
static int compare_lines(const void *a, const void *b)
{
	int keys = compare_keys(a, b);

	return keys ? keys : compare_orders(a, b);
}

static void mark_known(struct import *import, struct line *line)
{
	if (!line->known)
		import->sums.known++;
	line->known = true;
}

static bool see_record(void *context, const struct bake_history_record *record)
{
	struct import *import = context;
	struct line wanted = {0};
	struct line *found;

	if (!record->imported || strlen(record->imported) >= sizeof(wanted.key))
		return true;
	memcpy(wanted.key, record->imported, strlen(record->imported));
	found = bsearch(&wanted, import->lines, import->count, sizeof(wanted), compare_keys);
	/* Those that stand twice were marked; they follow each other, but for the first. */
	for (; found && found > import->lines && strcmp(found[-1].key, found->key) == 0;)
		found--;
	if (found)
		mark_known(import, found);
	return import->sums.known < import->count;
}

static enum bake_status append(int fd, struct import *import, struct bake_error *err)
{
	char last = '\n';
	struct stat st;

	if (fstat(fd, &st) != 0)
		return bake_error_errno(err, errno, "history");
	/* Behind a line that a crash tore, ours begin on a line of their own. */
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n' &&
		write(fd, "\n", 1) != 1)
		return bake_error_errno(err, errno, "history");
	qsort(import->lines, import->count, sizeof(*import->lines), compare_orders);
	for (size_t i = 0; i < import->count; i++) {
		const struct line *line = &import->lines[i];
		ssize_t put;

		if (line->known)
			continue;
		put = write(fd, line->text, line->len);
		if (put < 0)
			return bake_error_errno(err, errno, "history");
		if ((size_t)put != line->len)
			return bake_error_set(
				err, BAKE_ERR_IO, "fs.io", "history: a line was cut short");
	}
	return BAKE_OK;
}

/* Under the log's lock, so that importers at the same time know of each other. */
static enum bake_status add_new(
	const char *path, bool dry, struct import *import, struct bake_error *err)
{
	const struct bake_history_reader reader = {see_record, import};
	struct bake_history_skipped skipped;
	_cleanup_close_ int fd = -1;

	if (!dry)
		BAKE_TRY(bake_log_open(path, 0, &fd, err));
	BAKE_TRY(bake_history_read_both(path, &reader, &skipped, err));
	import->sums.added = import->count - import->sums.known;
	return dry || import->sums.added == 0 ? BAKE_OK : append(fd, import, err);
}

static void mark_twins(struct import *import)
{
	if (import->count > 1)
		qsort(import->lines, import->count, sizeof(*import->lines), compare_lines);
	for (size_t i = 1; i < import->count; i++) {
		if (strcmp(import->lines[i - 1].key, import->lines[i].key) == 0)
			mark_known(import, &import->lines[i]);
	}
}

static enum bake_status import_document(
	struct bake_span text, const char *name, struct import *import, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;
	struct bake_json list;

	BAKE_TRY(bake_json_open_foreign(text, name, &doc, err));
	root = bake_json_root(doc);
	if (!bake_json_find(&root, "downloads", &list) || !bake_json_is_array(&list))
		return bake_json_error(
			&root, "history.document", err, "there is no list \"downloads\"");
	return bake_json_each_element(&list, read_entry, import, err);
}

enum bake_status bake_history_import(const char *path, struct bake_span text, const char *name,
	const char *generator, bool dry, struct bake_history_import *out, struct bake_error *err)
{
	struct import import = {.generator = generator};
	enum bake_status status = import_document(text, name, &import, err);

	if (status == BAKE_OK) {
		mark_twins(&import);
		status = add_new(path, dry, &import, err);
	}
	for (size_t i = 0; i < import.count; i++)
		free(import.lines[i].text);
	free(import.lines);
	if (status == BAKE_OK)
		*out = import.sums;
	return status;
}
