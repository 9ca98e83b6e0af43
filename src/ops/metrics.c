/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/stop.h"
#include "base/text.h"
#include "json/edit.h"
#include "ops/reconcile.h"
#include "ops/registry.h"

enum {
	PIECE_BYTES = 64 * 1024,
	NAME_MAX_BYTES = 255,
	SLOTS = 32768 /* a power of two, three times as many as models */
};

/* A name that can stand in a message and in a document. */
static enum bake_status check_name(
	const struct bake_json *root, const char *name, struct bake_error *err)
{
	if (!name || !name[0] || strlen(name) > NAME_MAX_BYTES)
		return bake_json_error(root, "metrics.format", err,
			"\"model\" is no name of 1 to %d bytes", NAME_MAX_BYTES);
	for (size_t i = 0, size; name[i]; i += size) {
		if (bake_utf8_hostile(name + i, &size))
			return bake_json_error(root, "metrics.format", err,
				"\"model\" has a control or invisible character");
	}
	return BAKE_OK;
}

/* The metrics with what the line says around them: as loaders keep them under "runtime". */
static enum bake_status shape(
	const struct bake_json *root, struct bake_json *out_metrics, struct bake_error *err)
{
	struct bake_json payload;
	struct bake_json value;
	const char *text;

	if (!bake_json_find(root, "payload", &payload) || !bake_json_is_object(&payload) ||
		!bake_json_find(&payload, "metrics", out_metrics) ||
		!bake_json_is_object(out_metrics))
		return bake_json_error(
			root, "metrics.format", err, "there is no payload with metrics");
	/* A cursor of ours must not hang on one that ends here. */
	out_metrics->parent = root;
	if (bake_json_find(&payload, "extra_args", &value)) {
		if (!bake_json_is_array(&value) && !bake_json_is_null(&value))
			return bake_json_error(
				root, "metrics.format", err, "\"extra_args\" is no list");
		BAKE_TRY(bake_json_set(out_metrics, "extra_args_snapshot", &value, err));
	}
	text = bake_registry_text(root, "timestamp");
	if (text)
		BAKE_TRY(bake_json_set_text(out_metrics, "observed_at", text, err));
	text = bake_registry_text(&payload, "source");
	if (text)
		BAKE_TRY(bake_json_set_text(out_metrics, "source", text, err));
	return BAKE_OK;
}

static enum bake_status find_entry(struct bake_metrics *metrics, const char *name,
	struct bake_metrics_entry **out, struct bake_error *err)
{
	size_t at = bake_text_hash(name, strlen(name)) & (SLOTS - 1);
	struct bake_metrics_entry *entry;

	for (; metrics->slots[at]; at = (at + 1) & (SLOTS - 1)) {
		entry = &metrics->entries[metrics->slots[at] - 1];
		if (strcmp(entry->model, name) == 0) {
			*out = entry;
			return BAKE_OK;
		}
	}
	if (metrics->count == BAKE_RECONCILE_MODELS_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "data.too-large",
			"the log has more than %d models", BAKE_RECONCILE_MODELS_MAX);
	if (!bake_grow((void **)&metrics->entries, &metrics->room, metrics->count + 1,
		    sizeof(*metrics->entries)))
		return bake_error_nomem(err);
	entry = &metrics->entries[metrics->count];
	*entry = (struct bake_metrics_entry){
		.model = strdup(name), .runtime = BAKE_BUF_INIT(BAKE_RECONCILE_BYTES_MAX)};
	if (!entry->model)
		return bake_error_nomem(err);
	metrics->slots[at] = (uint32_t)++metrics->count;
	*out = entry;
	return BAKE_OK;
}

static enum bake_status keep(struct bake_metrics *metrics, const struct bake_json *root,
	const struct bake_json *runtime, struct bake_error *err)
{
	const char *served = bake_registry_text(root, "served_model_id");
	struct bake_metrics_entry *entry;
	struct bake_json_writer writer;

	BAKE_TRY(find_entry(metrics, bake_registry_text(root, "model"), &entry, err));
	metrics->bytes -= entry->runtime.len;
	bake_buf_clear(&entry->runtime);
	writer = (struct bake_json_writer)BAKE_JSON_WRITER_INIT(&entry->runtime);
	bake_json_write_value(&writer, runtime);
	BAKE_TRY(bake_buf_status(&entry->runtime, "metrics", err));
	metrics->bytes += entry->runtime.len;
	free(entry->served);
	entry->served = served ? strdup(served) : NULL;
	if (served && !entry->served)
		return bake_error_nomem(err);
	if (metrics->bytes > BAKE_RECONCILE_BYTES_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "data.too-large",
			"the models of the log need more than %d bytes", BAKE_RECONCILE_BYTES_MAX);
	return BAKE_OK;
}

/* Whether the line is good. What is wrong with it is in why; err is for what ends the reading. */
static bool parse_line(struct bake_metrics *metrics, struct bake_span line, struct bake_error *why,
	struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;
	struct bake_json runtime;

	if (bake_json_open(line, "line", &doc, why) != BAKE_OK)
		return false;
	root = bake_json_root(doc);
	if (!bake_json_is_object(&root)) {
		bake_json_error(&root, "metrics.format", why, "a line that is no object");
		return false;
	}
	if (check_name(&root, bake_registry_text(&root, "model"), why) != BAKE_OK ||
		shape(&root, &runtime, why) != BAKE_OK)
		return false;
	(void)keep(metrics, &root, &runtime, err);
	return true;
}

static bool is_blank(struct bake_span line)
{
	for (size_t i = 0; i < line.len; i++) {
		if (!strchr(" \t\r", line.ptr[i]))
			return false;
	}
	return true;
}

static void count_bad(struct bake_metrics *metrics, const struct bake_error *why)
{
	if (!metrics->bad++) {
		metrics->first_bad = metrics->line;
		metrics->bad_error = *why;
	}
}

static enum bake_status take_line(struct bake_metrics *metrics, const struct bake_buf *line,
	bool whole, struct bake_error *err)
{
	struct bake_error why = BAKE_ERROR_INIT;

	metrics->line++;
	if (!whole) {
		bake_error_set(&why, BAKE_ERR_DATA, "data.too-large",
			"a line of more than %d bytes", BAKE_RECONCILE_LINE_MAX);
		count_bad(metrics, &why);
	} else if (!is_blank(bake_buf_span(line))) {
		if (parse_line(metrics, bake_buf_span(line), &why, err))
			metrics->good++;
		else
			count_bad(metrics, &why);
	}
	return err->status;
}

/* Whatever the log's size, there is never more of it in memory than a line. */
static enum bake_status read_lines(int fd, struct bake_metrics *metrics, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf line = BAKE_BUF_INIT(BAKE_RECONCILE_LINE_MAX);
	_cleanup_free_ char *piece = malloc(PIECE_BYTES);
	bool whole = true;
	ssize_t got;

	if (!piece)
		return bake_error_nomem(err);
	while ((got = read(fd, piece, PIECE_BYTES)) != 0) {
		const char *at = piece;
		size_t left;

		BAKE_TRY(bake_stop_check(err));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return bake_error_errno(err, errno, "metrics");
		left = (size_t)got;
		while (left) {
			const char *end = memchr(at, '\n', left);
			size_t part = end ? (size_t)(end - at) : left;

			whole = whole && line.len + part < BAKE_RECONCILE_LINE_MAX;
			if (whole)
				bake_buf_add(&line, at, part);
			if (whole && line.nomem)
				return bake_error_nomem(err);
			left -= part;
			at += part;
			if (!end)
				break;
			BAKE_TRY(take_line(metrics, &line, whole, err));
			bake_buf_clear(&line);
			whole = true;
			left--;
			at++;
		}
	}
	return line.len || !whole ? take_line(metrics, &line, whole, err) : BAKE_OK;
}

enum bake_status bake_metrics_read(
	const char *path, struct bake_metrics *out, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;

	*out = (struct bake_metrics){.slots = calloc(SLOTS, sizeof(*out->slots))};
	if (!out->slots)
		return bake_error_nomem(err);
	fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		bake_error_errno(err, errno, "metrics '%s'", BAKE_SHOW(path));
		bake_error_of_input(err);
		return err->status;
	}
	return read_lines(fd, out, err);
}

void bake_metrics_release(struct bake_metrics *metrics)
{
	for (size_t i = 0; i < metrics->count; i++) {
		free(metrics->entries[i].model);
		free(metrics->entries[i].served);
		bake_buf_release(&metrics->entries[i].runtime);
	}
	free(metrics->entries);
	free(metrics->slots);
	*metrics = (struct bake_metrics){.entries = NULL};
}
