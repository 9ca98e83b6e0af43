/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arch/memory_parts.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"

#define GIB ((uint64_t)1 << 30)

static const struct {
	const char *name;
	void (*estimate)(const struct bake_memory_model *model, const struct bake_memory_wish *wish,
		struct bake_memory *memory);
} engines[BAKE_ENGINES] = {
	[BAKE_ENGINE_LLAMA_CPP] = {"llama.cpp", bake_memory_llama},
	[BAKE_ENGINE_OLLAMA] = {"ollama", bake_memory_llama},
	[BAKE_ENGINE_VLLM] = {"vllm", bake_memory_vllm},
	[BAKE_ENGINE_DIFFUSERS] = {"diffusers", bake_memory_diffusers},
};

const char *bake_engine_name(enum bake_engine engine)
{
	return engines[engine].name;
}

enum bake_engine bake_engine_usual(const struct bake_memory_model *model)
{
	const struct bake_arch *arch = model->arch;

	if (arch->component_count || bake_text_equal(arch->quantization.method, "svdquant") ||
		bake_text_equal(model->format, "diffusers") ||
		bake_arch_get(arch, BAKE_ARCH_IN_CHANNELS))
		return BAKE_ENGINE_DIFFUSERS;
	return bake_text_equal(model->format, "gguf") ? BAKE_ENGINE_LLAMA_CPP : BAKE_ENGINE_VLLM;
}

BAKE_PRINTF(3, 0)
static struct bake_memory_part *new_part(
	struct bake_memory *memory, const char *name, const char *because, va_list args)
{
	struct bake_memory_part *part;

	if (memory->part_count == BAKE_MEMORY_PARTS_MAX) {
		bake_memory_note(memory, "not all parts are shown or counted: there are too many");
		memory->known = false;
		return NULL;
	}
	part = &memory->parts[memory->part_count++];
	(void)snprintf(part->name, sizeof(part->name), "%s", name);
	(void)vsnprintf(part->because, sizeof(part->because), because, args);
	return part;
}

struct bake_memory_part *bake_memory_add(struct bake_memory *memory, const char *name, uint64_t min,
	uint64_t max, const char *because, ...)
{
	struct bake_memory_part *part;
	va_list args;

	va_start(args, because);
	part = new_part(memory, name, because, args);
	va_end(args);
	if (!part)
		return NULL;
	part->known = true;
	part->min = min;
	part->max = max;
	return part;
}

void bake_memory_add_host(
	struct bake_memory *memory, const char *name, uint64_t bytes, const char *because, ...)
{
	struct bake_memory_part *part;
	va_list args;

	va_start(args, because);
	part = new_part(memory, name, because, args);
	va_end(args);
	if (!part)
		return;
	part->host = true;
	part->known = true;
	part->min = part->max = bytes;
}

void bake_memory_add_unknown(struct bake_memory *memory, const char *name, const char *because, ...)
{
	va_list args;

	va_start(args, because);
	(void)new_part(memory, name, because, args);
	va_end(args);
}

void bake_memory_note(struct bake_memory *memory, const char *format, ...)
{
	char *note = memory->notes[memory->note_count];
	va_list args;

	if (memory->note_count == BAKE_MEMORY_NOTES_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(note, BAKE_KV_TEXT, format, args);
	va_end(args);
	for (size_t i = 0; i < memory->note_count; i++) {
		if (strcmp(memory->notes[i], note) == 0)
			return;
	}
	memory->note_count++;
}

uint64_t bake_memory_pad(uint64_t value, uint64_t step)
{
	uint64_t rest = value % step;

	return rest ? bake_u64_add_capped(value, step - rest) : value;
}

void bake_memory_add_state(struct bake_memory *memory, uint64_t sequences)
{
	const struct bake_kv *kv = &memory->kv;

	if (!kv->recurrent_max)
		return;
	if (!kv->state_known) {
		bake_memory_add_unknown(memory, "recurrent state", "%s", kv->state_because);
		return;
	}
	bake_memory_add(memory, "recurrent state",
		bake_kv_state_bytes(kv, kv->recurrent_min, sequences),
		bake_kv_state_bytes(kv, kv->recurrent_max, sequences),
		"%" PRIu64 " layers x %" PRIu64 " sequences: %s", kv->recurrent_max, sequences,
		kv->state_because);
	if (kv->recurrent_min != kv->recurrent_max)
		bake_memory_note(memory, "which layers are recurrent is not known: none at the "
					 "least, all without attention heads at the most");
}

/* What no GPU's size decides: llama.cpp and vLLM take the model's context. */
static uint64_t context_of(const struct bake_memory_model *model,
	const struct bake_memory_wish *wish, struct bake_memory *memory)
{
	if (wish->context)
		return wish->context;
	if (wish->engine == BAKE_ENGINE_OLLAMA && wish->gpu_memory) {
		uint64_t tokens = wish->gpu_memory < 24 * GIB	? 4096
				  : wish->gpu_memory < 48 * GIB ? 32768
								: 262144;

		bake_memory_note(memory,
			"context: Ollama's default for such a GPU (4096 below 24 GiB, 32768 below "
			"48 GiB, 262144 from there on)");
		return memory->context_model ? bake_u64_min(tokens, memory->context_model) : tokens;
	}
	if (memory->context_model && model->arch)
		bake_memory_note(memory, "context: the model's own, as none was asked for");
	return memory->context_model;
}

static void sum_parts(struct bake_memory *memory)
{
	for (size_t i = 0; i < memory->part_count; i++) {
		const struct bake_memory_part *part = &memory->parts[i];

		if (part->host) {
			memory->host_max = bake_u64_add_capped(memory->host_max, part->max);
			continue;
		}
		memory->known = memory->known && part->known;
		memory->min = bake_u64_add_capped(memory->min, part->min);
		memory->max = bake_u64_add_capped(memory->max, part->max);
	}
}

static void choose_types(const struct bake_memory_model *model, const struct bake_memory_wish *wish,
	struct bake_memory *memory)
{
	const struct bake_kv_type *own = wish->engine == BAKE_ENGINE_VLLM
						 ? bake_memory_kv_type(model->arch)
						 : bake_kv_type_find("f16");
	struct bake_kv_types *types = &memory->types;

	types->key = wish->types.key ? wish->types.key : own;
	types->value = wish->types.value ? wish->types.value : types->key;
	if (!wish->types.key && memory->kv.group_count)
		bake_memory_note(memory, "cache of %s: %s", own->name,
			wish->engine == BAKE_ENGINE_VLLM ? "what the model computes with"
							 : "the engine's default");
	if (!bake_kv_types_divide(
		    &memory->kv, *types, bake_arch_u64(model->arch, BAKE_ARCH_HEAD_DIM, 0)))
		bake_memory_note(memory,
			"warning: rows of the cache are no whole blocks of %s: engines refuse "
			"that type for this model",
			types->key->block > 1 ? types->key->name : types->value->name);
}

void bake_memory_estimate(const struct bake_memory_model *model,
	const struct bake_memory_wish *wish, struct bake_memory *out)
{
	memset(out, 0, sizeof(*out));
	out->known = true;
	out->engine = wish->engine;
	out->sequences = wish->sequences ? wish->sequences : 1;
	out->context_model = bake_arch_u64(model->arch, BAKE_ARCH_CONTEXT_LENGTH, 0);
	out->budget = wish->gpu_memory;
	if (wish->engine == BAKE_ENGINE_DIFFUSERS) {
		out->kv.causal = out->kv.known = true;
	} else {
		bake_kv_read(model->arch, &out->kv);
		out->context = context_of(model, wish, out);
		choose_types(model, wish, out);
	}
	engines[wish->engine].estimate(model, wish, out);
	sum_parts(out);
	if (model->weights->absent_bytes)
		bake_memory_note(
			out, "weights that are not here count with the sizes of their files");
	if (!out->known)
		bake_memory_note(out, "the total is at least this: not every part is known");
	if (out->context_model &&
		out->context / (wish->engine == BAKE_ENGINE_LLAMA_CPP ? out->sequences : 1) >
			out->context_model)
		bake_memory_note(out,
			"warning: the model was made for %" PRIu64 " tokens of a sequence",
			out->context_model);
}

enum bake_memory_verdict bake_memory_verdict(const struct bake_memory *memory)
{
	if (memory->min > memory->budget)
		return BAKE_MEMORY_NO_FIT;
	return memory->known && memory->max <= memory->budget ? BAKE_MEMORY_FITS
							      : BAKE_MEMORY_MAY_FIT;
}

const char *bake_memory_verdict_name(enum bake_memory_verdict verdict)
{
	static const char *const names[] = {
		[BAKE_MEMORY_FITS] = "fits",
		[BAKE_MEMORY_MAY_FIT] = "may-fit",
		[BAKE_MEMORY_NO_FIT] = "does-not-fit",
	};

	return names[verdict];
}
