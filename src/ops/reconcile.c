/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/reconcile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "index/index.h"
#include "json/edit.h"
#include "ops/document.h"
#include "ops/metrics.h"
#include "ops/registry.h"
#include "ops/registry_merge.h"
#include "ops/runtime.h"

enum {
	ARENA_BYTES_MAX = 256 * 1024 * 1024,
	VALUE_BYTES_MAX = 64 * 1024 * 1024
};

static const char *const outcome_names[] = {
	[BAKE_RECONCILE_NEW] = "new",
	[BAKE_RECONCILE_UPDATED] = "updated",
	[BAKE_RECONCILE_UNCHANGED] = "unchanged",
	[BAKE_RECONCILE_UNKNOWN] = "unknown",
};

const char *bake_reconcile_outcome_name(enum bake_reconcile_outcome outcome)
{
	return outcome_names[outcome];
}

struct reconciling {
	struct bake_reconcile_report *report;
	struct bake_metrics metrics;
	struct bake_index *index; /* NULL: there is none */
};

static void release(struct reconciling *reconciling)
{
	bake_metrics_release(&reconciling->metrics);
	bake_index_free(&reconciling->index);
}

/* A value on one line, cut when it is long: for people. */
static const char *shown(struct bake_arena *arena, const struct bake_json *value)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(VALUE_BYTES_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	size_t kept = 0;

	if (!value)
		return "nothing";
	bake_json_write_value(&writer, value);
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\n' ||
			(text.ptr[i] == ' ' && kept && text.ptr[kept - 1] == ' '))
			continue;
		text.ptr[kept++] = text.ptr[i];
	}
	return bake_arena_text(arena, BAKE_SHOW_SPAN(text.ptr ? text.ptr : "", kept));
}

struct comparing {
	struct bake_arena *arena;
	struct bake_reconcile_line *line;
	const struct bake_json *other; /* what is compared with; NULL: nothing */
	bool gone;		       /* only what other lacks is told, as gone */
};

static enum bake_status add_change(const struct comparing *comparing, const char *key,
	const struct bake_json *was, const struct bake_json *is, struct bake_error *err)
{
	const char *before = shown(comparing->arena, was);
	const char *after = shown(comparing->arena, is);
	_cleanup_free_ char *text = NULL;
	const char *copy;

	if (!before || !after || asprintf(&text, "%s: %s -> %s", BAKE_SHOW(key), before, after) < 0)
		return bake_error_nomem(err);
	copy = bake_arena_text(comparing->arena, text);
	if (!copy)
		return bake_error_nomem(err);
	comparing->line->changes[comparing->line->change_count++] = copy;
	return BAKE_OK;
}

static enum bake_status compare_member(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	const struct comparing *comparing = out;
	struct bake_json other;
	bool there = comparing->other && bake_json_find(comparing->other, value->key, &other);

	if (comparing->gone)
		return there ? BAKE_OK : add_change(comparing, value->key, value, NULL, err);
	if (there && bake_json_equal(&other, value))
		return BAKE_OK;
	return add_change(comparing, value->key, there ? &other : NULL, value, err);
}

/* Sets holder's "runtime" to fresh and says what that changes. */
static enum bake_status set_runtime(struct reconciling *reconciling, const struct bake_json *holder,
	const struct bake_json *fresh, struct bake_reconcile_line *line, struct bake_error *err)
{
	struct bake_arena *arena = &reconciling->report->arena;
	struct comparing comparing = {.arena = arena, .line = line};
	struct bake_json was;
	bool there = bake_json_find(holder, "runtime", &was) && bake_json_is_object(&was);
	size_t room = bake_json_count(fresh) + (there ? bake_json_count(&was) : 0);

	line->changes = bake_arena_array(arena, room, sizeof(*line->changes));
	if (!line->changes)
		return bake_error_nomem(err);
	comparing.other = there ? &was : NULL;
	BAKE_TRY(bake_json_each_member(fresh, compare_member, &comparing, err));
	if (there) {
		comparing.other = fresh;
		comparing.gone = true;
		BAKE_TRY(bake_json_each_member(&was, compare_member, &comparing, err));
	}
	line->outcome = !there		     ? BAKE_RECONCILE_NEW
			: line->change_count ? BAKE_RECONCILE_UPDATED
					     : BAKE_RECONCILE_UNCHANGED;
	return line->outcome == BAKE_RECONCILE_UNCHANGED
		       ? BAKE_OK
		       : bake_json_set(holder, "runtime", fresh, err);
}

/* What the index calls it: by its name, else by the one it was served under. */
static const char *id_of(const struct reconciling *reconciling,
	const struct bake_metrics_entry *entry, bool *out_indexed)
{
	const struct bake_index *index = reconciling->index;

	*out_indexed = index && bake_index_find(index, entry->model);
	if (*out_indexed || !index || !entry->served || !bake_index_find(index, entry->served))
		return entry->model;
	*out_indexed = true;
	return entry->served;
}

static enum bake_status into_runtime(struct reconciling *reconciling, struct bake_runtime *runtime,
	const struct bake_metrics_entry *entry, const struct bake_json *fresh,
	struct bake_reconcile_line *line, struct bake_error *err)
{
	const char *id = id_of(reconciling, entry, &line->indexed);
	struct bake_json holder;

	line->name = bake_arena_text(&reconciling->report->arena, id);
	if (!line->name)
		return bake_error_nomem(err);
	BAKE_TRY(bake_json_make_object(&runtime->models, line->name, &holder, err));
	return set_runtime(reconciling, &holder, fresh, line, err);
}

static enum bake_status into_registry(struct reconciling *reconciling,
	struct bake_registry *registry, const struct bake_metrics_entry *entry,
	const struct bake_json *fresh, struct bake_reconcile_line *line, struct bake_error *err)
{
	struct bake_json found;
	struct bake_json holder;
	struct bake_json architecture;
	struct bake_json sources;
	const char *name = entry->model;

	line->indexed = true;
	line->outcome = BAKE_RECONCILE_UNKNOWN;
	if (!bake_registry_find(registry, name, &found)) {
		if (!entry->served || !bake_registry_find(registry, entry->served, &found))
			name = NULL;
		else
			name = entry->served;
	}
	line->name = bake_arena_text(&reconciling->report->arena, name ? name : entry->model);
	if (!line->name)
		return bake_error_nomem(err);
	if (!name)
		return BAKE_OK;
	BAKE_TRY(bake_registry_holder(registry, &found, &holder, err));
	BAKE_TRY(bake_json_make_object(&holder, "architecture", &architecture, err));
	BAKE_TRY(set_runtime(reconciling, &architecture, fresh, line, err));
	BAKE_TRY(bake_json_make_array(&architecture, "sources", &sources, err));
	return bake_registry_unite(&sources, "runtime-log", err);
}

/* One of the two is where it goes. */
static enum bake_status merge_all(struct reconciling *reconciling, struct bake_runtime *runtime,
	struct bake_registry *registry, struct bake_error *err)
{
	struct bake_reconcile_report *report = reconciling->report;
	const struct bake_metrics *metrics = &reconciling->metrics;

	report->lines = bake_arena_array(&report->arena, metrics->count, sizeof(*report->lines));
	if (!report->lines)
		return bake_error_nomem(err);
	for (size_t i = 0; i < metrics->count; i++) {
		const struct bake_metrics_entry *entry = &metrics->entries[i];
		_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
		struct bake_reconcile_line *line = &report->lines[report->line_count++];
		struct bake_json fresh;

		BAKE_TRY(bake_json_open(bake_buf_span(&entry->runtime), "metrics", &doc, err));
		fresh = bake_json_root(doc);
		BAKE_TRY(registry ? into_registry(reconciling, registry, entry, &fresh, line, err)
				  : into_runtime(reconciling, runtime, entry, &fresh, line, err));
	}
	return BAKE_OK;
}

static enum bake_status load_index(
	struct reconciling *reconciling, const char *models_dir, struct bake_error *err)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", models_dir, BAKE_INDEX_NAME) < 0)
		return bake_error_nomem(err);
	return access(path, F_OK) == 0 ? bake_load_index(path, &reconciling->index, err) : BAKE_OK;
}

static enum bake_status reconcile_runtime(struct reconciling *reconciling,
	const struct bake_reconcile_options *options, struct bake_error *err)
{
	_cleanup_(bake_runtime_release) struct bake_runtime runtime = {.path = NULL};
	struct bake_reconcile_report *report = reconciling->report;

	BAKE_TRY(load_index(reconciling, options->models_dir, err));
	BAKE_TRY(bake_runtime_open(&runtime, options->models_dir, err));
	report->path = bake_arena_text(&report->arena, runtime.path);
	if (!report->path)
		return bake_error_nomem(err);
	BAKE_TRY(merge_all(reconciling, &runtime, NULL, err));
	return bake_runtime_write(&runtime, options->dry_run, &report->changed, err);
}

static enum bake_status reconcile_registry(struct reconciling *reconciling,
	const struct bake_reconcile_options *options, struct bake_error *err)
{
	_cleanup_(bake_registry_release) struct bake_registry registry = {.path = NULL};
	struct bake_reconcile_report *report = reconciling->report;

	BAKE_TRY(bake_registry_open(&registry, options->registry_path, err));
	if (registry.is_index)
		return bake_error_set(err, BAKE_ERR_DATA, "registry.format",
			"'%s' is an index: what was measured goes beside it, not into it",
			BAKE_SHOW(registry.path));
	report->path = bake_arena_text(&report->arena, registry.path);
	if (!report->path)
		return bake_error_nomem(err);
	BAKE_TRY(merge_all(reconciling, NULL, &registry, err));
	return bake_registry_write(&registry, options->dry_run, &report->changed, err);
}

enum bake_status bake_reconcile(const struct bake_reconcile_options *options,
	struct bake_reconcile_report *out, struct bake_error *err)
{
	_cleanup_(release) struct reconciling reconciling = {.report = out};

	*out = (struct bake_reconcile_report){.arena = {.max = ARENA_BYTES_MAX}};
	BAKE_TRY(bake_metrics_read(options->metrics_path, &reconciling.metrics, err));
	out->good = reconciling.metrics.good;
	out->bad = reconciling.metrics.bad;
	out->first_bad = reconciling.metrics.first_bad;
	out->bad_error = reconciling.metrics.bad_error;
	if (!out->good)
		return bake_error_set(err, BAKE_ERR_NOINPUT, "reconcile.nothing",
			"'%s' has no line with metrics of a model",
			BAKE_SHOW(options->metrics_path));
	return options->registry_path ? reconcile_registry(&reconciling, options, err)
				      : reconcile_runtime(&reconciling, options, err);
}

void bake_reconcile_report_release(struct bake_reconcile_report *report)
{
	bake_arena_release(&report->arena);
}
