/* SPDX-License-Identifier: Apache-2.0 */
#include "format/archive.h"

#include <string.h>

#include "base/cleanup.h"

enum {
	TAR_BLOCK = 512,
	TAR_NAME = 100,
	TAR_SUM_AT = 148,
	TAR_SUM_LEN = 8,
	TAR_SIZE_AT = 124,
	TAR_SIZE_LEN = 12,
	ZIP_LOCAL = 30,	  /* bytes of a local header before the name */
	ZIP_CENTRAL = 46, /* of an entry of the central directory */
	ZIP_END = 22,
};

static uint64_t little(const uint8_t *at, size_t len)
{
	uint64_t value = 0;

	while (len-- > 0)
		value = value << 8 | at[len];
	return value;
}

/* Digits in base 8, as tar writes them, up to the first byte that is none. */
static uint64_t octal(const uint8_t *at, size_t len)
{
	uint64_t value = 0;
	size_t i = 0;

	while (i < len && at[i] == ' ')
		i++;
	for (; i < len && at[i] >= '0' && at[i] <= '7'; i++)
		value = value << 3 | (uint64_t)(at[i] - '0');
	return value;
}

/* The sum of a tar header counts its own field as blanks. All old and new forms have it. */
static bool is_tar_header(const uint8_t *at)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= TAR_SUM_AT && i < TAR_SUM_AT + TAR_SUM_LEN ? ' ' : at[i];
	return at[0] && sum == octal(at + TAR_SUM_AT, TAR_SUM_LEN);
}

enum bake_archive_kind bake_archive_kind(struct bake_span head)
{
	static const struct {
		const char *magic;
		size_t len;
		enum bake_archive_kind kind;
	} magics[] = {
		{"PK\3\4", 4, BAKE_ARCHIVE_ZIP},
		{"PK\5\6", 4, BAKE_ARCHIVE_ZIP},
		{"PK\7\10", 4, BAKE_ARCHIVE_ZIP}, /* of several parts */
		{"\x1f\x8b", 2, BAKE_ARCHIVE_GZIP},
		{"BZh", 3, BAKE_ARCHIVE_BZIP2},
		{"\xfd"
		 "7zXZ\0",
			6, BAKE_ARCHIVE_XZ},
		{"\x28\xb5\x2f\xfd", 4, BAKE_ARCHIVE_ZSTD},
		{"7z\xbc\xaf\x27\x1c", 6, BAKE_ARCHIVE_7Z},
		{"Rar!\x1a\7", 6, BAKE_ARCHIVE_RAR},
	};

	for (size_t i = 0; i < countof(magics); i++) {
		if (head.len >= magics[i].len &&
			memcmp(head.ptr, magics[i].magic, magics[i].len) == 0)
			return magics[i].kind;
	}
	return head.len >= TAR_BLOCK && is_tar_header(head.ptr) ? BAKE_ARCHIVE_TAR
								: BAKE_ARCHIVE_NONE;
}

const char *bake_archive_describe(enum bake_archive_kind kind)
{
	static const char *const names[] = {
		[BAKE_ARCHIVE_NONE] = NULL,
		[BAKE_ARCHIVE_ZIP] = "a zip archive",
		[BAKE_ARCHIVE_TAR] = "a tar archive",
		[BAKE_ARCHIVE_GZIP] = "gzip data",
		[BAKE_ARCHIVE_BZIP2] = "bzip2 data",
		[BAKE_ARCHIVE_XZ] = "xz data",
		[BAKE_ARCHIVE_ZSTD] = "zstd data",
		[BAKE_ARCHIVE_7Z] = "a 7z archive",
		[BAKE_ARCHIVE_RAR] = "a rar archive",
	};

	return names[kind];
}

/* Local headers that follow each other at the beginning. One whose size comes after its bytes ends
 * the walk: the central directory has the rest. */
static bool find_local(struct bake_span head, bool (*is)(const char *name, size_t len))
{
	uint64_t at = 0;

	while (at + ZIP_LOCAL <= head.len && memcmp(head.ptr + at, "PK\3\4", 4) == 0) {
		const uint8_t *header = head.ptr + at;
		uint64_t name = little(header + 26, 2);
		uint64_t bytes = little(header + 18, 4);

		if (name > head.len - at - ZIP_LOCAL)
			return false;
		if (is((const char *)header + ZIP_LOCAL, (size_t)name))
			return true;
		at += ZIP_LOCAL + name + little(header + 28, 2) + bytes;
	}
	return false;
}

/* Where the end record is in the tail: the last one, which readers go by. SIZE_MAX: there is none. */
static size_t find_end(struct bake_span tail)
{
	for (size_t at = tail.len >= ZIP_END ? tail.len - ZIP_END + 1 : 0; at-- > 0;) {
		if (memcmp(tail.ptr + at, "PK\5\6", 4) == 0)
			return at;
	}
	return SIZE_MAX;
}

/*
 * The names of the central directory that are in the tail, wherever they are: where the end record
 * says that it begins is what two readers take differently. The entries are found by their mark.
 */
static enum bake_archive_sight find_central(
	const struct bake_archive_view *view, size_t end, bool (*is)(const char *name, size_t len))
{
	struct bake_span tail = view->tail;
	uint64_t declared = little(tail.ptr + end + 12, 4);

	for (size_t at = 0; at + ZIP_CENTRAL <= end; at++) {
		size_t name;

		if (tail.ptr[at] != 'P' || memcmp(tail.ptr + at, "PK\1\2", 4) != 0)
			continue;
		name = (size_t)little(tail.ptr + at + 28, 2);
		if (name > tail.len - at - ZIP_CENTRAL)
			name = tail.len - at - ZIP_CENTRAL;
		if (is((const char *)tail.ptr + at + ZIP_CENTRAL, name))
			return BAKE_ARCHIVE_PRESENT;
	}
	/* A directory of 2^32-1 bytes is one of ZIP64, which says it elsewhere. */
	if (tail.len < view->size && declared > end)
		return BAKE_ARCHIVE_UNSEEN;
	return BAKE_ARCHIVE_ABSENT;
}

enum bake_archive_sight bake_archive_zip_find(
	const struct bake_archive_view *view, bool (*is)(const char *name, size_t len))
{
	size_t end = find_end(view->tail);

	if (find_local(view->head, is))
		return BAKE_ARCHIVE_PRESENT;
	if (end != SIZE_MAX)
		return find_central(view, end, is);
	/* It begins like one and ends like none: cut, or with a long comment. */
	return bake_archive_kind(view->head) == BAKE_ARCHIVE_ZIP && view->tail.len < view->size
		       ? BAKE_ARCHIVE_UNSEEN
		       : BAKE_ARCHIVE_ABSENT;
}

enum bake_archive_sight bake_archive_tar_find(
	const struct bake_archive_view *view, bool (*is)(const char *name, size_t len))
{
	struct bake_span head = view->head;
	uint64_t at = 0;

	while (at + TAR_BLOCK <= head.len && is_tar_header(head.ptr + at)) {
		const char *name = (const char *)head.ptr + at;
		uint64_t bytes = octal(head.ptr + at + TAR_SIZE_AT, TAR_SIZE_LEN);

		if (is(name, strnlen(name, TAR_NAME)))
			return BAKE_ARCHIVE_PRESENT;
		if (bytes > view->size)
			return BAKE_ARCHIVE_UNSEEN; /* a size in base 256, or nonsense */
		at += TAR_BLOCK + (bytes + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	}
	return at + TAR_BLOCK > head.len && head.len < view->size ? BAKE_ARCHIVE_UNSEEN
								  : BAKE_ARCHIVE_ABSENT;
}
