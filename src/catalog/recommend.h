/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What to fetch into the space and memory there is: essential models first, then recommended ones,
 * each by priority and size, as long as a share of the space lasts; of a model in several
 * quantizations one. Every entry that was considered says why it is in or out.
 */
#ifndef CATALOG_RECOMMEND_H
#define CATALOG_RECOMMEND_H

#include "catalog/catalog.h"

enum {
	BAKE_RECOMMEND_SHARE = 80, /* percent of the space, unless said otherwise */
	BAKE_RECOMMEND_TEXT = 240
};

/* 0 and NULL: not limited, not asked for. */
struct bake_recommend_wish {
	uint64_t space;	  /* bytes that may be used at all */
	unsigned share;	  /* percent of it that is filled; 0: BAKE_RECOMMEND_SHARE */
	uint64_t ram;	  /* bytes of the device's memory */
	uint64_t vram;	  /* bytes of the GPU's */
	uint64_t context; /* tokens */
	const char *use;  /* only models for it, see bake_catalog_is_for; then marked or not */
	bool all;	  /* also what is neither default nor recommended */
};

enum bake_recommend_verdict {
	BAKE_RECOMMEND_IN,
	BAKE_RECOMMEND_HERE,	/* installed already */
	BAKE_RECOMMEND_VARIANT, /* another quantization of it is in, or here */
	BAKE_RECOMMEND_RAM,
	BAKE_RECOMMEND_VRAM,
	BAKE_RECOMMEND_CONTEXT,	     /* it was not made for so many tokens */
	BAKE_RECOMMEND_SIZE_UNKNOWN, /* there is no telling whether it fits */
	BAKE_RECOMMEND_SPACE,
	BAKE_RECOMMEND_NOT_MARKED /* neither default nor recommended */
};

struct bake_recommend_item {
	const struct bake_catalog_entry *entry;
	enum bake_recommend_verdict verdict;
	uint64_t bytes;		       /* still to be fetched */
	uint64_t memory;	       /* bytes it needs, as far as known; 0: not known */
	bool memory_said;	       /* the manifest says so, else by its size */
	char why[BAKE_RECOMMEND_TEXT]; /* a phrase in printable ASCII */
};

struct bake_recommend_plan {
	struct bake_recommend_item *items; /* in the order in which they were considered */
	size_t count;
	size_t chosen;
	uint64_t bytes;	 /* of what is in */
	uint64_t budget; /* bytes that could be filled: the share of the space */
	uint64_t space;
};

/* A class of devices by memory: the model guide of llamafu has three. */
struct bake_recommend_tier {
	const char *name;	  /* "budget" */
	uint64_t ram;		  /* most memory of such a device; 0: no limit */
	uint64_t context;	  /* tokens to begin with */
	const char *quantization; /* what suits it */
};

/* The tier of that much memory; that of the name, NULL when there is none. */
const struct bake_recommend_tier *bake_recommend_tier_of(uint64_t ram);
const struct bake_recommend_tier *bake_recommend_tier_named(const char *name);

/* "in", "here", "variant", "ram", ... */
const char *bake_recommend_verdict_name(enum bake_recommend_verdict verdict);

/* After bake_catalog_locate_all. Release the plan in any case. */
enum bake_status bake_recommend(const struct bake_catalog *catalog,
	const struct bake_recommend_wish *wish, struct bake_recommend_plan *out,
	struct bake_error *err) BAKE_CHECKED;
void bake_recommend_release(struct bake_recommend_plan *plan);

#endif
