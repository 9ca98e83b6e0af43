/* SPDX-License-Identifier: Apache-2.0 */
/* An estimate as a table for people, or as a document. */
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "cli/report.h"
#include "indexcli/estimate.h"

#define MIB ((double)(1U << 20))

const char *indexcli_gib(uint64_t bytes, char text[INDEXCLI_GIB_TEXT])
{
	double mib = (double)bytes / MIB;

	if (bytes == 0)
		(void)snprintf(text, INDEXCLI_GIB_TEXT, "0");
	else if (mib < 1)
		(void)snprintf(text, INDEXCLI_GIB_TEXT, "%.1f KiB", mib * 1024);
	else if (mib < 1024)
		(void)snprintf(text, INDEXCLI_GIB_TEXT, "%.1f MiB", mib);
	else
		(void)snprintf(text, INDEXCLI_GIB_TEXT, "%.2f GiB", mib / 1024);
	return text;
}

/* The facts that estimates use. */
static const enum bake_arch_field used[] = {
	BAKE_ARCH_NUM_LAYERS,
	BAKE_ARCH_NUM_ATTENTION_HEADS,
	BAKE_ARCH_NUM_KV_HEADS,
	BAKE_ARCH_HEAD_DIM,
	BAKE_ARCH_VALUE_HEAD_DIM,
	BAKE_ARCH_HIDDEN_SIZE,
	BAKE_ARCH_INTERMEDIATE_SIZE,
	BAKE_ARCH_VOCAB_SIZE,
	BAKE_ARCH_CONTEXT_LENGTH,
	BAKE_ARCH_KV_LORA_RANK,
	BAKE_ARCH_QK_ROPE_HEAD_DIM,
	BAKE_ARCH_SLIDING_WINDOW,
	BAKE_ARCH_SHARED_KV_LAYERS,
	BAKE_ARCH_NEXTN_PREDICT_LAYERS,
	BAKE_ARCH_CONV_KERNEL,
	BAKE_ARCH_SSM_INNER_SIZE,
	BAKE_ARCH_SSM_STATE_SIZE,
	BAKE_ARCH_SSM_GROUP_COUNT,
	BAKE_ARCH_NUM_EXPERTS_PER_TOKEN,
};

void indexcli_estimate_write_facts(const struct bake_arch *arch, struct bake_json_writer *writer)
{
	bake_json_object(writer);
	for (size_t i = 0; i < countof(used); i++) {
		const struct bake_arch_fact *fact = bake_arch_get(arch, used[i]);

		if (!fact)
			continue;
		bake_json_key(writer, bake_arch_field_name(used[i]));
		bake_json_object_line(writer);
		bake_json_put_u64(writer, "value", fact->u64);
		bake_json_put_text(writer, "source", fact->source);
		bake_json_end_object(writer);
	}
	bake_json_end_object(writer);
}

static const char *const solve_names[] = {NULL, "context", "sequences"};

static void print_json(const struct indexcli_estimate *estimate, const struct bake_error *err)
{
	static const char *const verdicts[] = {
		[BAKE_GPU_RUNS] = "runs",
		[BAKE_GPU_OTHER_PRECISION] = "other-precision",
		[BAKE_GPU_UNSUPPORTED] = "unsupported",
		[BAKE_GPU_UNKNOWN] = "unknown",
	};
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 22);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_text(&writer, "model", estimate->model);
	bake_memory_write(&estimate->memory, &writer);
	if (estimate->solve) {
		bake_json_key(&writer, "solve");
		bake_json_object(&writer);
		bake_json_put_text(&writer, "what", solve_names[estimate->solve]);
		bake_json_put_u64(&writer, "sure", estimate->solution.sure);
		bake_json_put_u64(&writer, "perhaps", estimate->solution.perhaps);
		bake_json_put_u64(&writer, "limit", estimate->solution.limit);
		bake_json_end_object(&writer);
	}
	if (estimate->has_gpu) {
		bake_json_key(&writer, "gpu");
		bake_json_object(&writer);
		bake_json_put_text(&writer, "verdict", verdicts[estimate->gpu.verdict]);
		bake_json_put_text(&writer, "precision", estimate->gpu.precision);
		bake_json_put_text(&writer, "reason", estimate->gpu.reason);
		bake_json_end_object(&writer);
	}
	bake_json_key(&writer, "facts");
	indexcli_estimate_write_facts(estimate->arch, &writer);
	bake_json_put_list(
		&writer, "sources", estimate->arch->sources, estimate->arch->source_count);
	bake_json_put_list(
		&writer, "warnings", estimate->arch->warnings, estimate->arch->warning_count);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

/* "3.05 GiB - 6.00 GiB", or one of them when they are the same. */
static void print_range(const char *name, bool known, uint64_t min, uint64_t max, const char *text)
{
	char range[2 * INDEXCLI_GIB_TEXT];

	if (!known)
		(void)snprintf(range, sizeof(range), "unknown");
	else if (min == max)
		(void)snprintf(range, sizeof(range), "%s", INDEXCLI_GIB(max));
	else
		(void)snprintf(
			range, sizeof(range), "%s - %s", INDEXCLI_GIB(min), INDEXCLI_GIB(max));
	(void)printf("%-28s %-23s %s\n", name, range, text);
}

static void print_parts(const struct bake_memory *memory)
{
	for (unsigned host = 0; host < 2; host++) {
		for (size_t i = 0; i < memory->part_count; i++) {
			const struct bake_memory_part *part = &memory->parts[i];

			if (part->host == (host == 1))
				print_range(part->name, part->known, part->min, part->max,
					part->because);
		}
		if (!host)
			print_range(memory->known ? "on the GPU" : "on the GPU, at least", true,
				memory->min, memory->max, "");
		else if (memory->host_max)
			print_range("in the machine's memory", true, memory->host_max,
				memory->host_max, "");
	}
}

static void print_solution(const struct indexcli_estimate *estimate)
{
	const struct bake_memory_solution *solution = &estimate->solution;

	if (!estimate->solve)
		return;
	(void)printf("largest %s: %" PRIu64 "%s", solve_names[estimate->solve], solution->sure,
		estimate->memory.known ? "" : " at the most, as something is unknown");
	if (solution->perhaps != solution->sure)
		(void)printf(", %" PRIu64 " with the least of everything", solution->perhaps);
	(void)printf("%s\n", solution->sure == solution->limit ? " (no more was tried)" : "");
}

static void print_verdict(const struct bake_memory *memory)
{
	enum bake_memory_verdict verdict;

	if (!memory->budget)
		return;
	verdict = bake_memory_verdict(memory);
	(void)printf("of %s: ", INDEXCLI_GIB(memory->budget));
	if (verdict == BAKE_MEMORY_NO_FIT)
		(void)printf(
			"does not fit, %s too much\n", INDEXCLI_GIB(memory->min - memory->budget));
	else if (verdict == BAKE_MEMORY_FITS)
		(void)printf("fits, %s to spare\n", INDEXCLI_GIB(memory->budget - memory->max));
	else if (memory->max <= memory->budget)
		(void)printf("fits if what is unknown takes no more than %s\n",
			INDEXCLI_GIB(memory->budget - memory->max));
	else
		(void)printf("fits by the least figures, not by the most\n");
	if (memory->pool_tokens)
		(void)printf("pages: %s for %" PRIu64 " tokens at the most, %" PRIu64 ".%02" PRIu64
			     " sequences of the whole context\n",
			INDEXCLI_GIB(memory->pool_bytes), memory->pool_tokens,
			memory->concurrency / 100, memory->concurrency % 100);
}

static void print_table(const struct indexcli_estimate *estimate)
{
	const struct bake_memory *memory = &estimate->memory;

	(void)printf("%s with %s", BAKE_SHOW(estimate->model), bake_engine_name(memory->engine));
	if (memory->context)
		(void)printf(", context %" PRIu64 ", %" PRIu64 " sequence%s", memory->context,
			memory->sequences, memory->sequences == 1 ? "" : "s");
	(void)printf("\n");
	print_parts(memory);
	print_solution(estimate);
	print_verdict(memory);
	if (estimate->has_gpu)
		(void)printf("gpu: %s\n", estimate->gpu.reason);
	for (size_t i = 0; i < memory->note_count; i++)
		(void)printf("- %s\n", memory->notes[i]);
	for (size_t i = 0; i < estimate->arch->warning_count; i++)
		(void)printf("- warning: %s\n", estimate->arch->warnings[i]);
}

void indexcli_estimate_print(
	const struct indexcli_estimate *estimate, bool json, const struct bake_error *err)
{
	if (json)
		print_json(estimate, err);
	else
		print_table(estimate);
}
