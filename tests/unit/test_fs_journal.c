/* SPDX-License-Identifier: Apache-2.0 */
/* A journal's record is what was written, or it is none: whatever a crash or a stranger left. */
#include "unit/rows.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "fs/journal.h"
#include "unit/scratch.h"

#define SHA  "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
#define HEAD "bake.journal/1 seq 7 size 1000 inode 12 source 34 sha256 " SHA " boot b-1"

enum {
	SLOT = BAKE_JOURNAL_SLOT
};

static void make_record(struct bake_journal_record *record, uint64_t size)
{
	struct bake_error err = BAKE_ERROR_INIT;

	*record = (struct bake_journal_record){
		.sequence = 7, .size = size, .inode = 12, .source = 34, .boot = "b-1"};
	check_status(bake_digest_parse_sha256(SHA, &record->sha256, &err), &err, BAKE_OK, NULL);
}

static bool parse(const char slot[SLOT], struct bake_journal_record *out)
{
	return bake_journal_parse(bake_span(slot, SLOT), out);
}

/* A slot with text, which gets its sum. */
static void make_slot(const char *text, char slot[SLOT])
{
	size_t len = strlen(text);

	assert_in_range(len, 0, SLOT - 32);
	memset(slot, '\n', SLOT);
	len = (size_t)snprintf(slot, SLOT, "%s sum %016" PRIx64, text, bake_text_hash(text, len));
	slot[len] = '\n';
}

static void check_ranges(const struct bake_extents *got, const struct bake_extents *want)
{
	assert_int_equal(got->count, want->count);
	for (size_t i = 0; i < want->count; i++) {
		assert_int_equal(got->list[i].first, want->list[i].first);
		assert_int_equal(got->list[i].end, want->list[i].end);
	}
}

static void check_record(
	const struct bake_journal_record *got, const struct bake_journal_record *want)
{
	assert_int_equal(got->sequence, want->sequence);
	assert_int_equal(got->size, want->size);
	assert_int_equal(got->inode, want->inode);
	assert_int_equal(got->source, want->source);
	assert_true(bake_digest_equal(&got->sha256, &want->sha256));
	assert_string_equal(got->boot, want->boot);
	check_ranges(&got->written, &want->written);
	check_ranges(&got->synced, &want->synced);
}

static const struct trip_row {
	const char *name;
	uint64_t number; /* sequence, inode and source; size is one less */
	struct bake_extents written;
	struct bake_extents synced;
	const char *boot;
} trips[] = {
	{"nothing there", 1001, {.count = 0}, {.count = 0}, "-"},
	{"a frontier", 1001, {{{0, 500}}, 1}, {.count = 0}, "b"},
	{"the whole file", 1001, {{{0, 1000}}, 1}, {{{0, 1000}}, 1}, "b"},
	{"gaps", 1001, {{{0, 1}, {2, 3}, {999, 1000}}, 3}, {{{0, 1}}, 1}, "b"},
	{"synced only", 1001, {.count = 0}, {{{5, 6}, {8, 9}}, 2}, "b"},
	{"a boot id", 1001, {{{1, 2}}, 1}, {.count = 0}, "0f4f9c2b-3b62-4c32-a0b4-2bb5ee3d8d9a"},
	{"the longest boot", 1001, {{{1, 2}}, 1}, {.count = 0},
		"123456789012345678901234567890123456789"},
	{"the greatest numbers", UINT64_MAX, {{{UINT64_MAX - 2, UINT64_MAX - 1}}, 1},
		{{{UINT64_MAX - 2, UINT64_MAX - 1}}, 1}, "b"},
	{"the least numbers", 1, {.count = 0}, {.count = 0}, "b"},
};

static void try_trip(void **state)
{
	const struct trip_row *row = *state;
	struct bake_journal_record want;
	struct bake_journal_record got;
	char slot[SLOT];

	make_record(&want, row->number - 1);
	want.sequence = row->number;
	want.inode = row->number;
	want.source = row->number;
	want.written = row->written;
	want.synced = row->synced;
	(void)snprintf(want.boot, sizeof(want.boot), "%s", row->boot);
	bake_journal_format(&want, slot);
	assert_int_equal(slot[SLOT - 1], '\n');
	assert_null(memchr(slot, '\0', SLOT));
	assert_true(parse(slot, &got));
	check_record(&got, &want);
}

static const struct text_row {
	const char *name;
	const char *text;
	bool good;
} texts[] = {
	{"good", HEAD " written 0-5 7-9 synced 0-5", true},
	{"good and empty", HEAD " written synced", true},
	{"up to the end", HEAD " written 0-1000 synced 0-1000", true},
	{"past the end", HEAD " written 0-1001 synced", false},
	{"synced past the end", HEAD " written synced 0-1001", false},
	{"far past the end", HEAD " written 0-18446744073709551615 synced", false},
	{"too great for a number", HEAD " written 0-18446744073709551616 synced", false},
	{"an empty range", HEAD " written 5-5 synced", false},
	{"a backward range", HEAD " written 6-5 synced", false},
	{"unsorted", HEAD " written 10-20 0-5 synced", false},
	{"overlapping", HEAD " written 0-10 5-20 synced", false},
	{"the same twice", HEAD " written 0-10 0-10 synced", false},
	{"touching", HEAD " written 0-10 10-20 synced", false},
	{"synced unsorted", HEAD " written synced 10-20 0-5", false},
	{"no dash", HEAD " written 10 synced", false},
	{"only a dash", HEAD " written - synced", false},
	{"no end", HEAD " written 10- synced", false},
	{"no begin", HEAD " written -10 synced", false},
	{"two dashes", HEAD " written 1-2-3 synced", false},
	{"a sign", HEAD " written +1-2 synced", false},
	{"two blanks", HEAD " written  0-5 synced", false},
	{"a tab", HEAD " written\t0-5 synced", false},
	{"more behind", HEAD " written 0-5 synced 0-5 more", false},
	{"no synced", HEAD " written 0-5", false},
	{"synced first", HEAD " synced 0-5 written 0-5", false},
	{"no ranges at all", HEAD, false},
	{"nothing", "", false},
	{"only a magic", "bake.journal/1", false},
	{"another magic",
		"bake.journal/2 seq 7 size 9 inode 1 source 3 sha256 " SHA " boot b written synced",
		false},
	{"a word missing",
		"bake.journal/1 seq 7 size 9 source 3 sha256 " SHA " boot b written synced", false},
	{"no number",
		"bake.journal/1 seq x size 9 inode 1 source 3 sha256 " SHA " boot b written synced",
		false},
	{"a negative number",
		"bake.journal/1 seq -7 size 9 inode 1 source 3 sha256 " SHA
		" boot b written synced",
		false},
	{"a digest too short",
		"bake.journal/1 seq 7 size 9 inode 1 source 3 sha256 abcd boot b written synced",
		false},
	{"a digest too long",
		"bake.journal/1 seq 7 size 9 inode 1 source 3 sha256 " SHA SHA
		" boot b written synced",
		false},
	{"no digest's text",
		"bake.journal/1 seq 7 size 9 inode 1 source 3 sha256 "
		"z94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
		" boot b written synced",
		false},
	{"no boot",
		"bake.journal/1 seq 7 size 9 inode 1 source 3 sha256 " SHA " boot  written synced",
		false},
	{"a boot of control characters",
		"bake.journal/1 seq 7 size 9 inode 1 source 3 sha256 " SHA
		" boot \001 written synced",
		false},
	{"a boot too long",
		"bake.journal/1 seq 7 size 9 inode 1 source 3 sha256 " SHA
		" boot 1234567890123456789012345678901234567890 written synced",
		false},
};

static void try_text(void **state)
{
	const struct text_row *row = *state;
	struct bake_journal_record record;
	char slot[SLOT];

	make_slot(row->text, slot);
	assert_int_equal(parse(slot, &record), row->good);
}

/* One bit anywhere in the text, or a cut anywhere, and it is no record. */
static void every_flipped_bit_is_seen(void)
{
	struct bake_journal_record record;
	char slot[SLOT];
	size_t len;

	make_slot(HEAD " written 0-5 synced 0-5", slot);
	len = (size_t)((char *)memchr(slot, '\n', SLOT) - slot);
	for (size_t i = 0; i < len * 8; i++) {
		slot[i / 8] ^= (char)(1 << i % 8);
		assert_false(parse(slot, &record));
		slot[i / 8] ^= (char)(1 << i % 8);
	}
	assert_true(parse(slot, &record));
}

static void every_cut_is_seen(void)
{
	struct bake_journal_record record;
	char slot[SLOT];
	size_t len;

	make_slot(HEAD " written 0-5 synced 0-5", slot);
	len = (size_t)((char *)memchr(slot, '\n', SLOT) - slot);
	for (size_t i = 0; i <= len; i++) {
		_cleanup_free_ char *exact = malloc(i + 1); /* reading on would be seen */

		assert_non_null(exact);
		memcpy(exact, slot, i);
		assert_false(bake_journal_parse(bake_span(exact, i), &record));
	}
	assert_true(bake_journal_parse(bake_span(slot, len + 1), &record));
	memset(slot, 'x', SLOT);
	assert_false(parse(slot, &record));
	memset(slot, 0, SLOT);
	assert_false(parse(slot, &record));
}

/* Ranges of that many digits, as many as a set holds. */
static const struct room_row {
	const char *name;
	uint64_t first;
	size_t written;
	size_t synced;
} rooms[] = {
	{"short written", 0, BAKE_EXTENTS_MAX, 0},
	{"short synced", 0, 0, BAKE_EXTENTS_MAX},
	{"short", 0, BAKE_EXTENTS_MAX, BAKE_EXTENTS_MAX},
	{"the longest", UINT64_MAX - 4 * (uint64_t)BAKE_EXTENTS_MAX, BAKE_EXTENTS_MAX,
		BAKE_EXTENTS_MAX},
	{"long written, few synced", UINT64_MAX - 4 * (uint64_t)BAKE_EXTENTS_MAX, BAKE_EXTENTS_MAX,
		3},
	{"growing", 99000, BAKE_EXTENTS_MAX, BAKE_EXTENTS_MAX},
};

static void fill(struct bake_extents *ranges, uint64_t first, size_t count)
{
	ranges->count = count;
	for (size_t i = 0; i < count; i++)
		ranges->list[i] = (struct bake_extent){first + 3 * i, first + 3 * i + 1};
}

/* The first ones are there as they were; most of a slot is used. */
static void begins_like(const struct bake_extents *got, const struct bake_extents *want)
{
	assert_in_range(got->count, want->count < 40 ? want->count : 40, want->count);
	assert_memory_equal(got->list, want->list, got->count * sizeof(got->list[0]));
}

static void try_room(void **state)
{
	const struct room_row *row = *state;
	struct bake_journal_record want;
	struct bake_journal_record got;
	char slot[SLOT];

	make_record(&want, UINT64_MAX);
	want.sequence = UINT64_MAX;
	want.inode = UINT64_MAX;
	want.source = UINT64_MAX;
	memset(want.boot, 'b', sizeof(want.boot) - 1);
	fill(&want.written, row->first, row->written);
	fill(&want.synced, row->first, row->synced);
	bake_journal_format(&want, slot);
	assert_int_equal(slot[SLOT - 1], '\n');
	assert_true(parse(slot, &got));
	begins_like(&got.written, &want.written);
	begins_like(&got.synced, &want.synced);
	want.written.count = got.written.count;
	want.synced.count = got.synced.count;
	check_record(&got, &want);
}

/* A journal file in a scratch directory. */
static int open_journal(void)
{
	char where[SCRATCH_PATH];
	_cleanup_close_ int dir = scratch_open(where);
	int fd = openat(dir, "journal", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static void write_record(int fd, struct bake_journal_record *record)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_journal_write(fd, record, &err), &err, BAKE_OK, NULL);
}

static void spoil(int fd, off_t at, size_t len)
{
	char text[SLOT];

	memset(text, '#', sizeof(text));
	assert_int_equal(pwrite(fd, text, len, at), len);
}

/* Records go up from this sequence: the newer one counts, also behind the greatest number. */
static const struct turn_row {
	const char *name;
	uint64_t first;
} turns[] = {
	{"from none", 0},
	{"an even one", 42},
	{"an odd one", 43},
	{"the greatest but two", UINT64_MAX - 2},
	{"the greatest but one", UINT64_MAX - 1},
	{"the greatest", UINT64_MAX},
	{"the middle", INT64_MAX},
};

static void try_turn(void **state)
{
	const struct turn_row *row = *state;
	struct bake_journal_record record;
	struct bake_journal_record got;
	_cleanup_close_ int fd = open_journal();

	assert_false(bake_journal_read(fd, &got));
	make_record(&record, 1000);
	record.sequence = row->first;
	for (uint64_t i = 1; i <= 5; i++) {
		record.written.count = 1;
		record.written.list[0] = (struct bake_extent){0, i};
		write_record(fd, &record);
		assert_true(record.sequence == row->first + i);
		assert_true(bake_journal_read(fd, &got));
		check_record(&got, &record);
	}
}

/* What a crash in the middle of a write leaves: the other record counts. */
static const struct tear_row {
	const char *name;
	int slot;      /* which is torn, of the records 8 in slot 0 and 9 in slot 1 */
	size_t len;    /* bytes of it that are garbage */
	off_t at;      /* from where in it */
	uint64_t want; /* the sequence that is read then, 0: none */
} tears[] = {
	{"the older, whole", 0, SLOT, 0, 9},
	{"the newer, whole", 1, SLOT, 0, 8},
	{"the newer, its first byte", 1, 1, 0, 8},
	{"the newer, a byte in the middle", 1, 1, 60, 8},
	{"the older, a byte in the middle", 0, 1, 60, 9},
	{"the newer, behind its text", 1, 100, 3000, 9},
};

static void two_records(int fd)
{
	struct bake_journal_record record;

	make_record(&record, 1000);
	write_record(fd, &record);
	write_record(fd, &record);
	assert_int_equal(record.sequence, 9);
}

static void try_tear(void **state)
{
	const struct tear_row *row = *state;
	struct bake_journal_record got;
	_cleanup_close_ int fd = open_journal();

	two_records(fd);
	spoil(fd, (off_t)row->slot * SLOT + row->at, row->len);
	assert_true(bake_journal_read(fd, &got));
	assert_int_equal(got.sequence, row->want);
}

static const struct cut_row {
	const char *name;
	off_t len;
	uint64_t want;
} cuts[] = {
	{"both whole", 2 * (off_t)SLOT, 9},
	{"the second without its end", SLOT + 1000, 9},
	{"the second within its text", SLOT + 50, 8},
	{"only the first", SLOT, 8},
	{"the first without its end", 1000, 8},
	{"the first within its text", 50, 0},
	{"empty", 0, 0},
};

static void try_cut(void **state)
{
	const struct cut_row *row = *state;
	struct bake_journal_record got = {.sequence = 4711};
	_cleanup_close_ int fd = open_journal();

	two_records(fd);
	assert_int_equal(ftruncate(fd, row->len), 0);
	assert_int_equal(bake_journal_read(fd, &got), row->want > 0);
	assert_int_equal(got.sequence, row->want ? row->want : 4711);
}

static void garbage_in_both_is_no_journal(void)
{
	struct bake_journal_record got = {.sequence = 4711};
	_cleanup_close_ int fd = open_journal();

	two_records(fd);
	spoil(fd, 0, SLOT);
	spoil(fd, SLOT, SLOT);
	assert_false(bake_journal_read(fd, &got));
	assert_int_equal(got.sequence, 4711);
}

/* A torn record is the next one to be written over: the good one stays until that is whole. */
static void the_good_record_is_not_written_over(void)
{
	struct bake_journal_record got;
	_cleanup_close_ int fd = open_journal();

	two_records(fd);
	spoil(fd, SLOT, SLOT);
	assert_true(bake_journal_read(fd, &got));
	assert_int_equal(got.sequence, 8);
	write_record(fd, &got);
	spoil(fd, SLOT, SLOT);
	assert_true(bake_journal_read(fd, &got));
	assert_int_equal(got.sequence, 8);
}

static void a_boot_has_a_name(void)
{
	char first[BAKE_JOURNAL_BOOT];
	char second[BAKE_JOURNAL_BOOT];
	struct bake_journal_record record;
	struct bake_journal_record got;
	char slot[SLOT];

	assert_ptr_equal(bake_journal_boot(first), first);
	assert_in_range(strlen(first), 1, BAKE_JOURNAL_BOOT - 1);
	for (const char *at = first; *at; at++)
		assert_in_range(*at, '!', '~');
	assert_string_equal(bake_journal_boot(second), first);
	make_record(&record, 1000);
	(void)bake_journal_boot(record.boot);
	bake_journal_format(&record, slot);
	assert_true(parse(slot, &got));
	assert_string_equal(got.boot, first);
}

static void what_cannot_be_written_is_an_error(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_journal_record record;
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	make_record(&record, 1000);
	check_status(bake_journal_write(fd, &record, &err), &err, BAKE_ERR_IO, "fs.io");
}

static const struct scenario others[] = {
	{"every flipped bit is seen", every_flipped_bit_is_seen},
	{"every cut is seen", every_cut_is_seen},
	{"garbage in both is no journal", garbage_in_both_is_no_journal},
	{"the good record is not written over", the_good_record_is_not_written_over},
	{"a boot has a name", a_boot_has_a_name},
	{"what cannot be written is an error", what_cannot_be_written_is_an_error},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(trips, try_trip),
		ROWS(texts, try_text),
		ROWS(rooms, try_room),
		ROWS(turns, try_turn),
		ROWS(tears, try_tear),
		ROWS(cuts, try_cut),
		ROWS(others, play_scenario),
	};

	return run_rows("fs/journal", tables, countof(tables));
}
