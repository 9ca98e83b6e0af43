/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part's journal: what is read keeps its promises, and reads the same when written again. An
 * input is a slot; since no mutation hits the sum, it is also tried with the sum that its text
 * should have.
 */
#include "fs/journal.h"

#include <inttypes.h>

#include "base/text.h"
#include "fuzz/fuzz.h"

static void check_ranges(const struct bake_extents *ranges, uint64_t size)
{
	CLAIM(ranges->count <= BAKE_EXTENTS_MAX);
	for (size_t i = 0; i < ranges->count; i++) {
		CLAIM(ranges->list[i].first < ranges->list[i].end);
		CLAIM(ranges->list[i].end <= size);
		CLAIM(i == 0 || ranges->list[i].first > ranges->list[i - 1].end);
	}
}

/* What fits is there, from the beginning. */
static void check_again(const struct bake_extents *again, const struct bake_extents *ranges)
{
	CLAIM(again->count <= ranges->count);
	CLAIM(memcmp(again->list, ranges->list, again->count * sizeof(again->list[0])) == 0);
}

static void check_slot(const char *text, size_t len)
{
	static struct bake_journal_record record;
	static struct bake_journal_record again;
	static struct bake_journal_record third;
	char slot[BAKE_JOURNAL_SLOT];

	if (!bake_journal_parse(bake_span(text, len), &record))
		return;
	CLAIM(record.sha256.kind == BAKE_DIGEST_SHA256);
	CLAIM(record.boot[0] && memchr(record.boot, 0, sizeof(record.boot)));
	check_ranges(&record.written, record.size);
	check_ranges(&record.synced, record.size);
	bake_journal_format(&record, slot);
	CLAIM(bake_journal_parse(bake_span(slot, sizeof(slot)), &again));
	CLAIM(again.sequence == record.sequence && again.size == record.size);
	CLAIM(again.inode == record.inode && again.source == record.source);
	CLAIM(bake_digest_equal(&again.sha256, &record.sha256));
	CLAIM(strcmp(again.boot, record.boot) == 0);
	check_again(&again.written, &record.written);
	check_again(&again.synced, &record.synced);
	/* Nothing more is lost once it fits. */
	bake_journal_format(&again, slot);
	CLAIM(bake_journal_parse(bake_span(slot, sizeof(slot)), &third));
	CLAIM(third.written.count == again.written.count);
	CLAIM(third.synced.count == again.synced.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *exact = malloc(size + 1);
	char summed[BAKE_JOURNAL_SLOT];
	const char *end = memchr(data, '\n', size);
	size_t len = end ? (size_t)(end - (const char *)data) : size;

	CLAIM(exact);
	memcpy(exact, data, size);
	check_slot(exact, size);
	if (len > sizeof(summed) - 32)
		return 0;
	memcpy(summed, data, len);
	len += (size_t)snprintf(summed + len, sizeof(summed) - len, " sum %016" PRIx64 "\n",
		bake_text_hash(summed, len));
	check_slot(summed, len);
	return 0;
}
