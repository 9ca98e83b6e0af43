/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/history_stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/num.h"
#include "base/text.h"

const char *bake_history_outcome_name(enum bake_history_outcome outcome)
{
	static const char *const names[] = {"downloaded", "failed", "cancelled"};

	return names[outcome];
}

uint64_t bake_history_rate(const struct bake_history_record *record)
{
	return record->has_ms && record->ms > 0 ? bake_u64_scale(record->received, 1000, record->ms)
						: 0;
}

static struct bake_tally_row *row_of(struct bake_tally *tally, const char *name)
{
	size_t mask = 2 * (size_t)BAKE_TALLY_MAX - 1;
	char cut[BAKE_TALLY_NAME_MAX];
	size_t at;

	(void)snprintf(cut, sizeof(cut), "%s", name);
	for (size_t len = strlen(cut); len > 0 && !bake_utf8_valid(cut, len);)
		cut[--len] = '\0';
	at = bake_text_hash(cut, strlen(cut)) & mask;
	for (; tally->slots[at]; at = (at + 1) & mask) {
		struct bake_tally_row *row = &tally->rows[tally->slots[at] - 1];

		if (strcmp(row->name, cut) == 0)
			return row;
	}
	if (tally->count == BAKE_TALLY_MAX)
		return NULL;
	tally->slots[at] = (uint16_t)++tally->count;
	memcpy(tally->rows[tally->count - 1].name, cut, sizeof(cut));
	return &tally->rows[tally->count - 1];
}

static void count_name(struct bake_tally *tally, const char *name, bool downloaded)
{
	struct bake_tally_row *row = row_of(tally, name);

	if (!row) {
		tally->others++;
		return;
	}
	row->attempts++;
	row->downloaded += downloaded;
}

/* Times compare as texts, as far as both have them. */
static void widen(struct bake_history_stats *stats, const char *time)
{
	if (!stats->first[0] || strcmp(time, stats->first) < 0)
		(void)snprintf(stats->first, sizeof(stats->first), "%s", time);
	if (strcmp(time, stats->last) > 0)
		(void)snprintf(stats->last, sizeof(stats->last), "%s", time);
}

void bake_history_count(struct bake_history_stats *stats, const struct bake_history_record *record)
{
	bool downloaded = record->outcome == BAKE_HISTORY_DOWNLOADED;

	stats->attempts++;
	stats->outcomes[record->outcome]++;
	stats->files = bake_u64_add_capped(stats->files, record->files);
	stats->bytes = bake_u64_add_capped(stats->bytes, record->bytes);
	stats->received = bake_u64_add_capped(stats->received, record->received);
	stats->cached = bake_u64_add_capped(stats->cached, record->cached);
	stats->retries = bake_u64_add_capped(stats->retries, record->retries);
	widen(stats, record->time);
	if (record->has_ms) {
		stats->ms = bake_u64_add_capped(stats->ms, record->ms);
		stats->timed_received =
			bake_u64_add_capped(stats->timed_received, record->received);
		if (record->ms >= 1000)
			stats->fastest = bake_u64_max(stats->fastest, bake_history_rate(record));
	}
	for (size_t i = 0; i < record->model_count; i++)
		count_name(&stats->models, record->models[i], downloaded);
	if (!downloaded)
		count_name(&stats->errors, record->error ? record->error : "unknown", false);
}

static int compare_rows(const void *a, const void *b)
{
	const struct bake_tally_row *left = a;
	const struct bake_tally_row *right = b;

	if (left->attempts != right->attempts)
		return left->attempts > right->attempts ? -1 : 1;
	return strcmp(left->name, right->name);
}

void bake_tally_sort(struct bake_tally *tally)
{
	if (tally->count > 1)
		qsort(tally->rows, tally->count, sizeof(tally->rows[0]), compare_rows);
}
