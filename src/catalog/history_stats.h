/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over a history, in a fixed amount of memory. */
#ifndef CATALOG_HISTORY_STATS_H
#define CATALOG_HISTORY_STATS_H

#include "base/clock.h"
#include "catalog/history.h"

enum {
	BAKE_TALLY_MAX = 2048, /* names that are told apart; the rest is one sum */
	BAKE_TALLY_NAME_MAX = 96
};

/* How often there was something of that name. */
struct bake_tally_row {
	char name[BAKE_TALLY_NAME_MAX];
	uint64_t attempts;
	uint64_t downloaded;
};

struct bake_tally {
	struct bake_tally_row rows[BAKE_TALLY_MAX];
	size_t count;
	uint64_t others;		    /* attempts of names for which there was no room */
	uint16_t slots[2 * BAKE_TALLY_MAX]; /* 1 + row, 0: free */
};

struct bake_history_stats {
	uint64_t attempts;
	uint64_t outcomes[BAKE_HISTORY_CANCELLED + 1];
	uint64_t files;
	uint64_t bytes;
	uint64_t received;
	uint64_t cached;
	uint64_t retries;
	uint64_t ms;		 /* of the runs whose time is known */
	uint64_t timed_received; /* by those */
	uint64_t fastest;	 /* bytes a second, of a run of a second or longer */
	char first[BAKE_TIME_TEXT];
	char last[BAKE_TIME_TEXT];
	struct bake_tally models;
	struct bake_tally errors;
};

void bake_history_count(struct bake_history_stats *stats, const struct bake_history_record *record);

/* Bytes a second of a run, 0 when it is not known. */
uint64_t bake_history_rate(const struct bake_history_record *record);

/* Most attempts first, then by name. The tally takes nothing more afterwards. */
void bake_tally_sort(struct bake_tally *tally);

/* "downloaded", "failed", "cancelled". */
const char *bake_history_outcome_name(enum bake_history_outcome outcome);

#endif
