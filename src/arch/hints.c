/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/hints.h"

#include <string.h>
#include <strings.h>

#include "arch/mmproj.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

#define GIB ((uint64_t)1 << 30)

/* "Device-specific configuration" of the guide. */
static const struct bake_tier_hint tiers[BAKE_TIERS] = {
	[BAKE_TIER_BUDGET] = {"budget", 4 * GIB, true, 2048, {4, 0, 1, "min(4, cores)"}},
	[BAKE_TIER_MID] = {"mid", 8 * GIB, true, 4096, {0, 1, 2, "max(2, cores - 1)"}},
	[BAKE_TIER_HIGH] = {"high", 0, true, 8192, {0, 0, 1, "cores"}},
};

/* "Thread configuration" of the guide: by the model's size, one core left to others. */
static const struct {
	uint64_t bytes_max;
	struct bake_threads_rule rule;
} threads_by_size[] = {
	{4 * GIB, {4, 1, 1, "min(4, cores - 1)"}},
	{8 * GIB, {6, 1, 1, "min(6, cores - 1)"}},
	{UINT64_MAX, {8, 1, 1, "min(8, cores - 1)"}},
};

/* "Quantization trade-offs" of the guide, and the labels that begin like a row's. */
static const struct {
	const char *prefix;
	struct bake_tradeoff row;
} tradeoffs[] = {
	{"F16", {"FP16", 100, 100, 100, 100}},
	{"BF16", {"FP16", 100, 100, 100, 100}},
	{"FP16", {"FP16", 100, 100, 100, 100}},
	{"Q8_0", {"Q8_0", 55, 60, 98, 110}},
	{"Q4_", {"Q4_K_M", 40, 45, 95, 120}},
	{"Q2_K", {"Q2_K", 25, 30, 85, 130}},
};

const struct bake_tradeoff *bake_tradeoff_find(const char *label)
{
	if (!label)
		return NULL;
	for (size_t i = 0; i < countof(tradeoffs); i++)
		if (strncasecmp(label, tradeoffs[i].prefix, strlen(tradeoffs[i].prefix)) == 0)
			return &tradeoffs[i].row;
	return NULL;
}

uint32_t bake_threads_of(const struct bake_threads_rule *rule, uint32_t cores)
{
	uint32_t threads = cores > rule->reserved ? cores - rule->reserved : 1;

	if (rule->max > 0 && threads > rule->max)
		threads = rule->max;
	return threads < rule->min ? rule->min : threads;
}

static bool is_language_model(const struct bake_arch *arch)
{
	if (bake_mmproj_is(arch) || arch->component_count > 0 ||
		bake_arch_get(arch, BAKE_ARCH_IN_CHANNELS))
		return false;
	return bake_arch_get(arch, BAKE_ARCH_CONTEXT_LENGTH) ||
	       bake_arch_get(arch, BAKE_ARCH_MAX_POSITION_EMBEDDINGS) ||
	       bake_arch_get(arch, BAKE_ARCH_VOCAB_SIZE);
}

/* The most that the model was made for; NULL when it does not say. */
static const struct bake_arch_fact *context_limit(const struct bake_arch *arch)
{
	const struct bake_arch_fact *limit = bake_arch_get(arch, BAKE_ARCH_CONTEXT_LENGTH);

	return limit ? limit : bake_arch_get(arch, BAKE_ARCH_MAX_POSITION_EMBEDDINGS);
}

/* The guide says what a quantization takes on disk and in memory, both compared to FP16; so memory
 * is the file's bytes by the ratio of the two. */
static void make_ram(uint64_t weights_bytes, struct bake_hints *out)
{
	if (weights_bytes == 0)
		return;
	if (out->tradeoff) {
		out->min_ram_bytes = bake_u64_scale(
			weights_bytes, out->tradeoff->ram_percent, out->tradeoff->size_percent);
		out->ram_source = "rule:quantization-tradeoff";
	} else {
		out->min_ram_bytes = weights_bytes;
		out->ram_source = "rule:weights-bytes";
	}
}

static void make_tiers(const struct bake_arch_fact *limit, struct bake_hints *out)
{
	bool found = false;

	for (size_t i = 0; i < BAKE_TIERS; i++) {
		struct bake_tier_hint *tier = &out->tiers[i];
		bool limited = limit && limit->u64 < tiers[i].context_length;

		*tier = tiers[i];
		tier->fits = tier->ram_max == 0 || out->min_ram_bytes <= tier->ram_max;
		if (limited)
			tier->context_length = limit->u64;
		if (found || !tier->fits)
			continue;
		found = true;
		out->context_length = tier->context_length;
		out->context_source = limited ? limit->source : "rule:device-tier";
	}
}

void bake_hints_make(const struct bake_arch *arch, uint64_t weights_bytes, const char *label,
	struct bake_hints *out)
{
	size_t size = 0;

	*out = (struct bake_hints){.is_language_model = is_language_model(arch),
		.is_mmproj = bake_mmproj_is(arch),
		.tradeoff = bake_tradeoff_find(label)};
	make_ram(weights_bytes, out);
	if (!out->is_language_model)
		return;
	out->needs_mmproj = bake_mmproj_is_needed(arch);
	make_tiers(context_limit(arch), out);
	while (weights_bytes > threads_by_size[size].bytes_max)
		size++;
	if (weights_bytes > 0)
		out->threads = threads_by_size[size].rule;
}

static void write_tiers(const struct bake_hints *hints, struct bake_json_writer *writer)
{
	bake_json_key(writer, "tiers");
	bake_json_object(writer);
	for (size_t i = 0; i < BAKE_TIERS; i++) {
		const struct bake_tier_hint *tier = &hints->tiers[i];

		bake_json_key(writer, tier->name);
		bake_json_object_line(writer);
		if (tier->ram_max > 0)
			bake_json_put_u64(writer, "ram_bytes_max", tier->ram_max);
		if (hints->min_ram_bytes > 0)
			bake_json_put_bool(writer, "fits", tier->fits);
		bake_json_put_u64(writer, "context_length", tier->context_length);
		bake_json_put_text(writer, "threads", tier->threads.text);
		bake_json_end_object(writer);
	}
	bake_json_end_object(writer);
}

static void write_tradeoff(const struct bake_tradeoff *row, struct bake_json_writer *writer)
{
	bake_json_key(writer, "quantization_tradeoff");
	bake_json_object_line(writer);
	bake_json_put_text(writer, "row", row->row);
	bake_json_put_u64(writer, "size_percent", row->size_percent);
	bake_json_put_u64(writer, "ram_percent", row->ram_percent);
	bake_json_put_u64(writer, "quality_percent", row->quality_percent);
	bake_json_put_u64(writer, "speed_percent", row->speed_percent);
	bake_json_end_object(writer);
}

static void write_sources(const struct bake_hints *hints, struct bake_json_writer *writer)
{
	bake_json_key(writer, "sources");
	bake_json_object_line(writer);
	bake_json_put_text(writer, "context_length", hints->context_source);
	bake_json_put_text(writer, "threads", hints->threads.max > 0 ? "rule:model-size" : NULL);
	bake_json_put_text(writer, "min_ram_bytes", hints->ram_source);
	bake_json_put_text(writer, "tiers", hints->is_language_model ? "rule:device-tier" : NULL);
	bake_json_put_text(writer, "quantization_tradeoff",
		hints->tradeoff ? "rule:quantization-tradeoff" : NULL);
	bake_json_end_object(writer);
}

void bake_hints_write(
	const struct bake_hints *hints, const char *mmproj, struct bake_json_writer *writer)
{
	bake_json_object(writer);
	if (hints->context_length > 0)
		bake_json_put_u64(writer, "context_length", hints->context_length);
	if (hints->threads.max > 0) {
		bake_json_put_u64(writer, "threads", hints->threads.max);
		bake_json_put_text(writer, "threads_rule", hints->threads.text);
	}
	if (hints->min_ram_bytes > 0)
		bake_json_put_u64(writer, "min_ram_bytes", hints->min_ram_bytes);
	if (hints->is_language_model)
		write_tiers(hints, writer);
	if (hints->tradeoff)
		write_tradeoff(hints->tradeoff, writer);
	if (hints->is_mmproj)
		bake_json_put_bool(writer, "is_mmproj", true);
	if (hints->needs_mmproj)
		bake_json_put_bool(writer, "needs_mmproj", true);
	bake_json_put_text(writer, "mmproj", mmproj);
	write_sources(hints, writer);
	bake_json_end_object(writer);
}
