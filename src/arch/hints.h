/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime can begin with: context and threads by the device's memory, the memory a model
 * needs, and what its quantization costs. Rules of thumb of the model guide of llamafu, each named
 * where its result is written; nothing here is measured on a machine, so the same files always give
 * the same hints.
 */
#ifndef ARCH_HINTS_H
#define ARCH_HINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "json/writer.h"

/* Devices by their memory: up to 4 GiB, up to 8 GiB, more. */
enum bake_tier {
	BAKE_TIER_BUDGET,
	BAKE_TIER_MID,
	BAKE_TIER_HIGH,
	BAKE_TIERS
};

/* How many of the machine's cores to use: all but reserved ones, in these bounds. */
struct bake_threads_rule {
	uint32_t max;	   /* 0: no limit */
	uint32_t reserved; /* cores left for others */
	uint32_t min;
	const char *text; /* "min(4, cores)" */
};

struct bake_tier_hint {
	const char *name; /* "budget" */
	uint64_t ram_max; /* bytes; 0: no limit */
	bool fits;	  /* a device of this tier can have the memory the model needs */
	uint64_t context_length;
	struct bake_threads_rule threads;
};

/* What a quantization is compared to the same model in FP16, in percent. */
struct bake_tradeoff {
	const char *row; /* of the guide's table: "Q4_K_M" stands for all with 4 bits */
	uint32_t size_percent;
	uint32_t ram_percent;
	uint32_t quality_percent;
	uint32_t speed_percent;
};

struct bake_hints {
	bool is_language_model;		  /* has a context: the tiers are filled */
	bool is_mmproj;			  /* a projector, which is loaded beside a model */
	bool needs_mmproj;		  /* a model of an architecture that sees through one */
	uint64_t context_length;	  /* of the smallest tier that the model fits; 0: none */
	const char *context_source;	  /* "rule:device-tier", or the fact that limits it */
	struct bake_threads_rule threads; /* by the size of the model */
	uint64_t min_ram_bytes;		  /* 0: the weights' bytes are not known */
	const char *ram_source;
	struct bake_tier_hint tiers[BAKE_TIERS];
	const struct bake_tradeoff *tradeoff; /* NULL: no row for this quantization */
};

/* weights_bytes of all files together, 0 when not known; label is the quantization's ("Q4_K_M"),
 * NULL when there is none. Text that out points to is static or the record's. */
void bake_hints_make(const struct bake_arch *arch, uint64_t weights_bytes, const char *label,
	struct bake_hints *out);

/* The row of the guide's table for that quantization; NULL when it has none. */
const struct bake_tradeoff *bake_tradeoff_find(const char *label);

/* At least 1. */
uint32_t bake_threads_of(const struct bake_threads_rule *rule, uint32_t cores);

/* {"context_length", "threads", "min_ram_bytes", "tiers", "quantization_tradeoff", "mmproj",
 * "sources"} as a value. mmproj is the path of the projector that belongs to the model, or NULL. */
void bake_hints_write(
	const struct bake_hints *hints, const char *mmproj, struct bake_json_writer *writer);

#endif
