/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "arch/memory.h"
#include "arch/memory_parts.h"
#include "base/num.h"

/* A question with one number open. */
struct question {
	const struct bake_memory_model *model;
	struct bake_memory_wish wish;
	bool sequences; /* else context */
	uint64_t each;	/* tokens of a sequence */
	struct bake_memory memory;
};

static void ask(struct question *question, uint64_t value)
{
	struct bake_memory_wish *wish = &question->wish;

	if (!question->sequences) {
		wish->context = value;
	} else {
		wish->sequences = value;
		wish->context = wish->engine == BAKE_ENGINE_LLAMA_CPP
					? bake_u64_mul_capped(question->each, value)
					: question->each;
	}
	bake_memory_estimate(question->model, wish, &question->memory);
}

static bool fits(struct question *question, uint64_t value, bool most)
{
	const struct bake_memory *memory = &question->memory;

	ask(question, value);
	return (most ? memory->max : memory->min) <= memory->budget;
}

/* Needs never shrink with the value, so that halving finds the last one that fits. */
static uint64_t largest(struct question *question, uint64_t limit, bool most)
{
	uint64_t low = 0; /* fits, or is nothing */
	uint64_t high = limit;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2 + (high - low) % 2;

		if (fits(question, middle, most))
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static struct bake_memory_solution solve(struct question *question, uint64_t limit)
{
	struct bake_memory_solution solution = {.limit = limit};

	solution.sure = largest(question, limit, true);
	solution.perhaps = largest(question, limit, false);
	return solution;
}

struct bake_memory_solution bake_memory_solve_context(
	const struct bake_memory_model *model, const struct bake_memory_wish *wish, uint64_t limit)
{
	struct question question = {.model = model, .wish = *wish};

	return solve(&question, limit);
}

/* vLLM's sequences share pages, and take what they have: how many whole contexts that is. */
static struct bake_memory_solution solve_pages(
	const struct bake_memory_model *model, const struct bake_memory_wish *wish, uint64_t limit)
{
	struct bake_memory_solution solution = {.limit = limit};
	struct bake_memory memory;
	const struct bake_memory_part *cache = NULL;
	uint64_t others;
	uint64_t room;

	bake_memory_estimate(model, wish, &memory);
	for (size_t i = 0; i < memory.part_count; i++) {
		if (memory.parts[i].known && strcmp(memory.parts[i].name, "kv cache") == 0)
			cache = &memory.parts[i];
	}
	if (!cache || memory.max == UINT64_MAX)
		return solution;
	others = memory.max - cache->max;
	room = memory.budget > others ? memory.budget - others : 0;
	solution.sure = cache->max ? bake_u64_min(room / cache->max, limit) : limit;
	others = memory.min - cache->min;
	room = memory.budget > others ? memory.budget - others : 0;
	solution.perhaps = cache->min ? bake_u64_min(room / cache->min, limit) : limit;
	return solution;
}

struct bake_memory_solution bake_memory_solve_sequences(
	const struct bake_memory_model *model, const struct bake_memory_wish *wish, uint64_t limit)
{
	struct question question = {.model = model, .wish = *wish, .sequences = true};

	if (wish->engine == BAKE_ENGINE_VLLM)
		return solve_pages(model, wish, limit);
	question.each = wish->context;
	if (!question.each)
		question.each = bake_arch_u64(model->arch, BAKE_ARCH_CONTEXT_LENGTH, 0);
	return solve(&question, limit);
}
