/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/recommend_need.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "arch/hints.h"
#include "arch/kv.h"
#include "base/cleanup.h"
#include "base/num.h"
#include "base/units.h"

#define GIB ((uint64_t)1 << 30)

/* Devices of the guide: what they have, and what it advises for them. */
static const struct bake_recommend_tier tiers[] = {
	{"budget", 4 * GIB, 2048, "4 bits or less"},
	{"mid", 8 * GIB, 4096, "4 bits (Q4_K_M)"},
	{"high", 0, 8192, "4 bits of a larger model, or Q8_0"},
};

const struct bake_recommend_tier *bake_recommend_tier_of(uint64_t ram)
{
	size_t at = 0;

	while (tiers[at].ram != 0 && ram > tiers[at].ram)
		at++;
	return &tiers[at];
}

const struct bake_recommend_tier *bake_recommend_tier_named(const char *name)
{
	for (size_t i = 0; i < countof(tiers); i++) {
		if (strcasecmp(tiers[i].name, name) == 0)
			return &tiers[i];
	}
	return NULL;
}

struct need {
	uint64_t ram;	  /* 0: not known */
	uint64_t cache;	  /* of the context; 0: not asked for, or not known */
	uint64_t longest; /* tokens it was made for; 0: not known */
	bool said;	  /* the manifest says how much memory, else it follows from the size */
};

/* Only what is in an index has its architecture known. */
static void read_context(const struct bake_catalog_entry *entry, uint64_t tokens, struct need *need)
{
	_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;
	const struct bake_kv_type *f16 = bake_kv_type_find("f16");
	const struct bake_kv_types types = {.key = f16, .value = f16};
	struct bake_error ignored = BAKE_ERROR_INIT;
	const struct bake_arch_fact *longest;
	struct bake_kv kv;

	if (!entry->indexed || tokens == 0 ||
		bake_index_read_arch(entry->indexed, &arch, &ignored) != BAKE_OK || !arch)
		return;
	longest = bake_arch_get(arch, BAKE_ARCH_CONTEXT_LENGTH);
	need->longest = longest ? longest->u64 : 0;
	bake_kv_read(arch, &kv);
	if (kv.known && kv.causal)
		need->cache = bake_kv_bytes(&kv, types, tokens, NULL, NULL);
}

/* The guide compares file and memory of each quantization with those of FP16: memory is the file by
 * the ratio of the two. */
static uint64_t memory_by_size(const struct bake_catalog_entry *entry)
{
	const struct bake_tradeoff *row = bake_tradeoff_find(entry->quantization);

	return row ? bake_u64_scale(entry->bytes, row->ram_percent, row->size_percent)
		   : entry->bytes;
}

static void reckon(const struct bake_catalog_entry *entry, uint64_t tokens, struct need *need)
{
	*need = (struct need){.ram = entry->min_ram_bytes, .said = entry->min_ram_bytes > 0};
	if (!need->said && entry->size_known)
		need->ram = memory_by_size(entry);
	read_context(entry, tokens, need);
	if (need->ram > 0)
		need->ram = bake_u64_add_capped(need->ram, need->cache);
}

/* What the same model would take in fewer bits, by the guide's table; "" when that is no help. */
static void suggest(const struct bake_catalog_entry *entry, uint64_t needed, uint64_t limit,
	char *out, size_t room)
{
	static const char *const fewer[] = {"Q8_0", "Q4_K_M", "Q2_K"};
	const struct bake_tradeoff *own = bake_tradeoff_find(entry->quantization);

	out[0] = '\0';
	for (size_t i = 0; own && i < countof(fewer); i++) {
		const struct bake_tradeoff *row = bake_tradeoff_find(fewer[i]);
		uint64_t takes = bake_u64_scale(needed, row->ram_percent, own->ram_percent);

		if (row->ram_percent >= own->ram_percent || takes > limit)
			continue;
		(void)snprintf(out, room, "; as %s about %s, at %u%% of the quality", fewer[i],
			BAKE_BYTES(takes), row->quality_percent);
		return;
	}
}

static bool refuse_memory(struct bake_recommend_item *item, const struct need *need, uint64_t limit)
{
	char more[BAKE_RECOMMEND_TEXT / 2];

	suggest(item->entry, need->ram, limit, more, sizeof(more));
	item->verdict = BAKE_RECOMMEND_RAM;
	(void)snprintf(item->why, sizeof(item->why), "needs %s%s of memory, there is %s%s",
		need->said ? "" : "about ", BAKE_BYTES(need->ram), BAKE_BYTES(limit), more);
	return false;
}

static bool refuse_gpu(struct bake_recommend_item *item, uint64_t needed, uint64_t limit)
{
	char more[BAKE_RECOMMEND_TEXT / 2];

	suggest(item->entry, needed, limit, more, sizeof(more));
	item->verdict = BAKE_RECOMMEND_VRAM;
	(void)snprintf(item->why, sizeof(item->why), "its weights alone take %s, the GPU has %s%s",
		BAKE_BYTES(needed), BAKE_BYTES(limit), more);
	return false;
}

bool bake_need_check(struct bake_recommend_item *item, const struct bake_recommend_wish *wish)
{
	const struct bake_catalog_entry *entry = item->entry;
	uint64_t on_gpu;
	struct need need;

	reckon(entry, wish->context, &need);
	item->memory = need.ram;
	item->memory_said = need.said;
	if (need.longest > 0 && need.longest < wish->context) {
		item->verdict = BAKE_RECOMMEND_CONTEXT;
		(void)snprintf(item->why, sizeof(item->why),
			"made for a context of %" PRIu64 " tokens, not %" PRIu64, need.longest,
			wish->context);
		return false;
	}
	if (wish->ram > 0 && need.ram > wish->ram)
		return refuse_memory(item, &need, wish->ram);
	on_gpu = entry->size_known ? bake_u64_add_capped(entry->bytes, need.cache) : 0;
	if (wish->vram > 0 && on_gpu > wish->vram)
		return refuse_gpu(item, on_gpu, wish->vram);
	return true;
}
