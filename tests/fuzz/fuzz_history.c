/* SPDX-License-Identifier: Apache-2.0 */
/* A log of any bytes, read from its end: every line is counted once, as it is parsed alone. */
#include <sys/mman.h>

#include "catalog/history_stats.h"
#include "fuzz/fuzz.h"

static bool see(void *context, const struct bake_history_record *record)
{
	CLAIM(record->time && record->outcome <= BAKE_HISTORY_CANCELLED);
	CLAIM(record->model_count <= BAKE_HISTORY_MODELS_MAX);
	for (size_t i = 0; i < record->model_count; i++)
		keep_text(record->models[i]);
	keep(bake_history_rate(record));
	bake_history_count(context, record);
	return true;
}

/* Lines from the beginning: what reading from the end is compared with. */
static void count_lines(const uint8_t *data, size_t size, uint64_t counts[4])
{
	struct bake_error err = BAKE_ERROR_INIT;

	while (size > 0) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t len = end ? (size_t)(end - data) : size;
		struct bake_arena arena = BAKE_ARENA_INIT((size_t)1 << 20);
		enum bake_history_kind kind = BAKE_HISTORY_DAMAGED;
		struct bake_history_record record;

		if (len <= BAKE_HISTORY_RECORD_MAX)
			CLAIM(bake_history_parse(bake_span(data, len), &arena, &record, &kind,
				      &err) == BAKE_OK);
		bake_arena_release(&arena);
		counts[kind]++;
		data += len + (end != NULL);
		size -= len + (end != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ struct bake_history_stats *stats = calloc(1, sizeof(*stats));
	const struct bake_history_reader reader = {see, stats};
	_cleanup_close_ int fd = memfd_create("history", MFD_CLOEXEC);
	struct bake_history_skipped skipped = {0};
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t counts[4] = {0};

	CLAIM(stats && fd >= 0 && write(fd, data, size) == (ssize_t)size);
	CLAIM(bake_history_read(fd, &reader, &skipped, &err) == BAKE_OK);
	count_lines(data, size, counts);
	CLAIM(stats->attempts == counts[BAKE_HISTORY_RECORD]);
	CLAIM(skipped.foreign == counts[BAKE_HISTORY_FOREIGN]);
	CLAIM(skipped.damaged == counts[BAKE_HISTORY_DAMAGED]);
	return 0;
}
