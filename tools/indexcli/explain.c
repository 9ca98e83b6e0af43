/* SPDX-License-Identifier: Apache-2.0 */
#include "indexcli/explain.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/report.h"
#include "indexcli/commands.h"

typedef void see_fn(void *context, const struct bake_index_choice *choice,
	enum bake_index_verdict verdict, const char *reason);

/* All choices of all models of the group, by id and path. */
static void each_candidate(const struct indexcli_asked *asked, see_fn *see, void *context)
{
	for (size_t i = 0; i < asked->index->model_count; i++) {
		const struct bake_index_model *model = &asked->index->models[i];

		if (!model->group || strcmp(model->group, asked->group) != 0)
			continue;
		for (size_t k = 0; k < bake_index_choice_count(model); k++) {
			struct bake_index_choice choice = bake_index_choice_at(model, k);
			char reason[BAKE_REASON_TEXT];
			enum bake_index_verdict verdict = bake_index_explain(
				asked->index, &asked->wish, &asked->chosen, &choice, reason);

			see(context, &choice, verdict, reason);
		}
	}
}

static void put_one(void *context, const struct bake_index_choice *choice,
	enum bake_index_verdict verdict, const char *reason)
{
	struct bake_json_writer *writer = context;

	bake_json_object_line(writer);
	bake_json_put_text(writer, "model", choice->model->id);
	bake_json_put_text(writer, "path", choice->path);
	bake_json_put_text(writer, "precision", choice->variant.precision);
	if (choice->variant.rank)
		bake_json_put_u64(writer, "rank", choice->variant.rank);
	if (choice->variant.steps)
		bake_json_put_u64(writer, "steps", choice->variant.steps);
	bake_json_put_text(writer, "verdict", bake_index_verdict_name(verdict));
	bake_json_put_text(writer, "reason", reason);
	bake_json_end_object(writer);
}

void indexcli_put_candidates(struct bake_json_writer *writer, const struct indexcli_asked *asked)
{
	bake_json_key(writer, "candidates");
	bake_json_array(writer);
	each_candidate(asked, put_one, writer);
	bake_json_end_array(writer);
}

static void print_one(void *context, const struct bake_index_choice *choice,
	enum bake_index_verdict verdict, const char *reason)
{
	(void)context;
	(void)fprintf(stderr, INDEXCLI_TOOL ": %-13s  %s: %s\n", bake_index_verdict_name(verdict),
		BAKE_SHOW(choice->path), reason);
}

void indexcli_print_candidates(const struct indexcli_asked *asked)
{
	each_candidate(asked, print_one, NULL);
}

void indexcli_report_failure(const struct indexcli_asked *asked, const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 26);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	indexcli_put_candidates(&writer, asked);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static void take_gpu_reason(void *context, const struct bake_index_choice *choice,
	enum bake_index_verdict verdict, const char *reason)
{
	struct bake_error *err = context;

	(void)choice;
	if (verdict == BAKE_VERDICT_GPU)
		bake_error_hint(err, "%s", reason); /* the first one stays */
}

void indexcli_hint_gpu(const struct indexcli_asked *asked, struct bake_error *err)
{
	each_candidate(asked, take_gpu_reason, err);
}
