/* SPDX-License-Identifier: Apache-2.0 */
/* The candidates of a group, and what became of each. */
#ifndef INDEXCLI_EXPLAIN_H
#define INDEXCLI_EXPLAIN_H

#include "base/error.h"
#include "index/index.h"
#include "json/writer.h"

/* What was asked and answered. */
struct indexcli_asked {
	const struct bake_index *index;
	const char *group;
	struct bake_index_wish wish;
	struct bake_index_choice chosen; /* no model: nothing fits */
};

/* "candidates": [{"model", "path", "precision", "rank", "steps", "verdict", "reason"}] */
void indexcli_put_candidates(struct bake_json_writer *writer, const struct indexcli_asked *asked);

/* A line for each on standard error: standard output is for the path. */
void indexcli_print_candidates(const struct indexcli_asked *asked);

/* With --json: the report of a failure, with the candidates. */
void indexcli_report_failure(const struct indexcli_asked *asked, const struct bake_error *err);

/* When a GPU is what refuses a choice that would fit otherwise, the hint says so. */
void indexcli_hint_gpu(const struct indexcli_asked *asked, struct bake_error *err);

#endif
