/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/migrate.h"

#include <stdlib.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/stop.h"
#include "base/text.h"
#include "json/edit.h"
#include "ops/inspect.h"
#include "ops/registry.h"
#include "ops/registry_merge.h"

enum {
	ARENA_BYTES_MAX = 256 * 1024 * 1024,
	RECORD_BYTES_MAX = 16 * 1024 * 1024
};

static const char *const outcome_names[] = {
	[BAKE_MIGRATE_UPDATED] = "updated",
	[BAKE_MIGRATE_UNCHANGED] = "unchanged",
	[BAKE_MIGRATE_EMPTY] = "empty",
	[BAKE_MIGRATE_MISSING] = "missing",
	[BAKE_MIGRATE_UNPLACED] = "unplaced",
	[BAKE_MIGRATE_FAILED] = "failed",
};

const char *bake_migrate_outcome_name(enum bake_migrate_outcome outcome)
{
	return outcome_names[outcome];
}

struct migrating {
	struct bake_registry registry;
	char now[BAKE_TIME_TEXT];
};

static void release(struct migrating *migrating)
{
	bake_registry_release(&migrating->registry);
}

/* SOURCE_DATE_EPOCH, where it is set, so that the same files give the same document. */
static enum bake_status set_now(struct migrating *migrating, struct bake_error *err)
{
	int64_t now = (int64_t)time(NULL);

	if (getenv("SOURCE_DATE_EPOCH"))
		BAKE_TRY(bake_clock_source_date(&now, err));
	(void)bake_time_format(now, migrating->now);
	return BAKE_OK;
}

/* The record as a document, so that it is merged as what it will be. */
static enum bake_status merge(struct migrating *migrating, const struct bake_json *entry,
	const struct bake_arch *arch, struct bake_migrate_line *line, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(RECORD_BYTES_MAX);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	struct bake_json holder;
	struct bake_json fresh;

	bake_arch_write(arch, &writer);
	BAKE_TRY(bake_buf_status(&text, "architecture", err));
	BAKE_TRY(bake_json_open(bake_buf_span(&text), "architecture", &doc, err));
	fresh = bake_json_root(doc);
	BAKE_TRY(bake_registry_holder(&migrating->registry, entry, &holder, err));
	/* An index has only facts about the bytes: no time. */
	BAKE_TRY(bake_registry_merge(&holder, &fresh,
		migrating->registry.is_index ? NULL : migrating->now, &line->changed, err));
	line->outcome = line->changed ? BAKE_MIGRATE_UPDATED : BAKE_MIGRATE_UNCHANGED;
	return BAKE_OK;
}

static enum bake_status migrate_entry(struct migrating *migrating, const struct bake_json *entry,
	struct bake_migrate_line *line, struct bake_error *err)
{
	const struct bake_inspect_options tolerant = {.mode = BAKE_GGUF_TOLERANT};
	_cleanup_(bake_inspection_free) struct bake_inspection *inspection = NULL;
	_cleanup_free_ char *place = NULL;

	line->outcome = BAKE_MIGRATE_UNPLACED;
	BAKE_TRY(bake_registry_place(&migrating->registry, entry, &place, err));
	if (!place)
		return BAKE_OK;
	if (bake_inspect_path(place, &tolerant, &inspection, err) != BAKE_OK) {
		if (err->status != BAKE_ERR_NOINPUT)
			return err->status;
		*err = BAKE_ERROR_INIT;
		line->outcome = BAKE_MIGRATE_MISSING;
		return BAKE_OK;
	}
	line->outcome = BAKE_MIGRATE_EMPTY;
	return bake_arch_is_empty(inspection->arch)
		       ? BAKE_OK
		       : merge(migrating, entry, inspection->arch, line, err);
}

static enum bake_status migrate_line(struct migrating *migrating, size_t at,
	struct bake_migrate_report *report, struct bake_error *err)
{
	struct bake_json entry = bake_json_element(&migrating->registry.entries, at);
	const char *name = bake_registry_name(&migrating->registry, &entry);
	struct bake_migrate_line *line = &report->lines[report->line_count++];

	line->name = bake_arena_text(&report->arena, name ? name : "(no name)");
	if (!line->name)
		return bake_error_nomem(err);
	if (!bake_json_is_object(&entry))
		bake_json_error(
			&entry, "registry.format", &line->error, "an entry that is no object");
	else if (migrate_entry(migrating, &entry, line, &line->error) == BAKE_OK)
		return BAKE_OK;
	if (line->error.status == BAKE_ERR_INTERRUPTED ||
		line->error.status == BAKE_ERR_RESOURCES) {
		*err = line->error;
		return err->status;
	}
	line->outcome = BAKE_MIGRATE_FAILED;
	return BAKE_OK;
}

static enum bake_status conclude(const struct bake_migrate_report *report, struct bake_error *err)
{
	size_t failed = 0;

	for (size_t i = 0; i < report->line_count; i++)
		failed += report->lines[i].outcome == BAKE_MIGRATE_FAILED ? 1 : 0;
	if (!failed)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_PARTIAL, "registry.partial",
		"%zu of %zu entries could not be looked at", failed, report->line_count);
}

enum bake_status bake_migrate(const struct bake_migrate_options *options,
	struct bake_migrate_report *out, struct bake_error *err)
{
	_cleanup_(release) struct migrating migrating = {.now = {0}};
	size_t count;

	*out = (struct bake_migrate_report){.arena = {.max = ARENA_BYTES_MAX}};
	BAKE_TRY(set_now(&migrating, err));
	BAKE_TRY(bake_registry_open(&migrating.registry, options->path, err));
	count = bake_json_count(&migrating.registry.entries);
	if (options->limit && options->limit < count) {
		out->left = count - options->limit;
		count = options->limit;
	}
	out->lines = bake_arena_array(&out->arena, count, sizeof(*out->lines));
	if (!out->lines)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		BAKE_TRY(bake_stop_check(err));
		BAKE_TRY(migrate_line(&migrating, i, out, err));
	}
	BAKE_TRY(bake_registry_write(&migrating.registry, options->dry_run, &out->changed, err));
	return conclude(out, err);
}

void bake_migrate_report_release(struct bake_migrate_report *report)
{
	bake_arena_release(&report->arena);
}
