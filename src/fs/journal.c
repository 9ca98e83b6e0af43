/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "fs/file.h"

#define MAGIC "bake.journal/1"

enum {
	SUM_BYTES = 22,	  /* " sum " and 16 digits and the line's end */
	RANGE_BYTES = 44, /* the longest " 123-456" */
};

static size_t put_ranges(
	char *slot, size_t at, size_t end, const char *name, const struct bake_extents *ranges)
{
	at += (size_t)snprintf(slot + at, end - at, " %s", name);
	for (size_t i = 0; i < ranges->count && end - at > RANGE_BYTES; i++)
		at += (size_t)snprintf(slot + at, end - at, " %" PRIu64 "-%" PRIu64,
			ranges->list[i].first, ranges->list[i].end);
	return at;
}

void bake_journal_format(const struct bake_journal_record *record, char slot[BAKE_JOURNAL_SLOT])
{
	size_t at;

	memset(slot, '\n', BAKE_JOURNAL_SLOT);
	at = (size_t)snprintf(slot, BAKE_JOURNAL_SLOT / 2,
		MAGIC " seq %" PRIu64 " size %" PRIu64 " inode %" PRIu64 " source %" PRIu64
		      " sha256 %s boot %s",
		record->sequence, record->size, record->inode, record->source,
		BAKE_HEX(&record->sha256), record->boot);
	at = put_ranges(slot, at, (size_t)BAKE_JOURNAL_SLOT / 2, "written", &record->written);
	at = put_ranges(slot, at, (size_t)BAKE_JOURNAL_SLOT - SUM_BYTES, "synced", &record->synced);
	at += (size_t)snprintf(
		slot + at, BAKE_JOURNAL_SLOT - at, " sum %016" PRIx64, bake_text_hash(slot, at));
	slot[at] = '\n'; /* not the terminator */
}

/* A reader's place in a record: words between blanks. */
struct words {
	const char *at;
	const char *end;
};

static struct bake_span next_word(struct words *words)
{
	const char *first = words->at;

	while (words->at < words->end && *words->at != ' ')
		words->at++;
	if (words->at < words->end)
		return bake_span(first, (size_t)(words->at++ - first));
	return bake_span(first, (size_t)(words->at - first));
}

static bool word_is(struct bake_span word, const char *text)
{
	return word.len == strlen(text) && memcmp(word.ptr, text, word.len) == 0;
}

static bool take_number(struct words *words, const char *name, uint64_t *out)
{
	struct bake_span word;

	if (!word_is(next_word(words), name))
		return false;
	word = next_word(words);
	return bake_number_parse((const char *)word.ptr, word.len, out);
}

static bool take_digest(struct words *words, struct bake_digest *out)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	char text[BAKE_DIGEST_HEX_MAX];
	struct bake_span word;

	if (!word_is(next_word(words), "sha256"))
		return false;
	word = next_word(words);
	if (word.len >= sizeof(text))
		return false;
	memcpy(text, word.ptr, word.len);
	text[word.len] = '\0';
	return bake_digest_parse_sha256(text, out, &ignored) == BAKE_OK;
}

static bool is_printable(struct bake_span word)
{
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] <= ' ' || word.ptr[i] > '~')
			return false;
	}
	return true;
}

static bool take_boot(struct words *words, char boot[BAKE_JOURNAL_BOOT])
{
	struct bake_span word;

	if (!word_is(next_word(words), "boot"))
		return false;
	word = next_word(words);
	if (word.len == 0 || word.len >= BAKE_JOURNAL_BOOT || !is_printable(word))
		return false;
	memcpy(boot, word.ptr, word.len);
	boot[word.len] = '\0';
	return true;
}

/* "100-200", not empty, inside the file and behind what came before it. */
static bool take_range(struct bake_span word, uint64_t size, struct bake_extents *out)
{
	const char *dash = memchr(word.ptr, '-', word.len);
	const char *text = (const char *)word.ptr;
	uint64_t first;
	uint64_t end;

	if (!dash || !bake_number_parse(text, (size_t)(dash - text), &first) ||
		!bake_number_parse(dash + 1, (size_t)(text + word.len - dash - 1), &end))
		return false;
	if (first >= end || end > size)
		return false;
	if (out->count && first <= out->list[out->count - 1].end)
		return false;
	return bake_extents_add(out, first, end);
}

static bool take_ranges(
	struct words *words, const char *until, uint64_t size, struct bake_extents *out)
{
	out->count = 0;
	while (words->at < words->end) {
		struct bake_span word = next_word(words);

		if (until && word_is(word, until))
			return true;
		if (!take_range(word, size, out))
			return false;
	}
	return !until;
}

/* The record's text without its sum, when that is right. */
static bool check_sum(struct bake_span slot, struct words *out)
{
	const char *text = (const char *)slot.ptr;
	const char *end = memchr(slot.ptr, '\n', slot.len);
	char want[SUM_BYTES + 1];
	size_t len;

	if (!end || end - text < SUM_BYTES)
		return false;
	len = (size_t)(end - text) - (SUM_BYTES - 1);
	(void)snprintf(want, sizeof(want), " sum %016" PRIx64, bake_text_hash(text, len));
	if (memcmp(text + len, want, SUM_BYTES - 1) != 0)
		return false;
	*out = (struct words){.at = text, .end = text + len};
	return true;
}

bool bake_journal_parse(struct bake_span slot, struct bake_journal_record *out)
{
	struct words words;

	return check_sum(slot, &words) && word_is(next_word(&words), MAGIC) &&
	       take_number(&words, "seq", &out->sequence) &&
	       take_number(&words, "size", &out->size) &&
	       take_number(&words, "inode", &out->inode) &&
	       take_number(&words, "source", &out->source) && take_digest(&words, &out->sha256) &&
	       take_boot(&words, out->boot) && word_is(next_word(&words), "written") &&
	       take_ranges(&words, "synced", out->size, &out->written) &&
	       take_ranges(&words, NULL, out->size, &out->synced);
}

const char *bake_journal_boot(char text[BAKE_JOURNAL_BOOT])
{
	_cleanup_close_ int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, BAKE_JOURNAL_BOOT - 1) : -1;
	size_t len = 0;

	while (got > 0 && len < (size_t)got && text[len] > ' ' && text[len] <= '~')
		len++;
	if (len == 0)
		text[len++] = '-';
	text[len] = '\0';
	return text;
}

/* Sequences begin again at 0 behind the greatest: the newer one is less than half a round ahead. */
static bool is_newer(const struct bake_journal_record *a, const struct bake_journal_record *b)
{
	return a->sequence != b->sequence && a->sequence - b->sequence <= UINT64_MAX / 2;
}

bool bake_journal_read(int fd, struct bake_journal_record *out)
{
	_cleanup_free_ struct bake_journal_record *record = malloc(sizeof(*record));
	uint8_t slot[BAKE_JOURNAL_SLOT];
	bool found = false;

	for (int i = 0; record && i < 2; i++) {
		ssize_t got = pread(fd, slot, sizeof(slot), (off_t)i * BAKE_JOURNAL_SLOT);

		if (got <= 0 || !bake_journal_parse(bake_span(slot, (size_t)got), record))
			continue;
		if (!found || is_newer(record, out))
			*out = *record;
		found = true;
	}
	return found;
}

enum bake_status bake_journal_write(
	int fd, struct bake_journal_record *record, struct bake_error *err)
{
	char slot[BAKE_JOURNAL_SLOT];
	uint64_t at;

	record->sequence++;
	at = record->sequence % 2 * BAKE_JOURNAL_SLOT;
	bake_journal_format(record, slot);
	return bake_file_write_at(fd, at, bake_span(slot, sizeof(slot)), err);
}
