/* SPDX-License-Identifier: Apache-2.0 */
/* Archives, told by their bytes, and the names in them. Nothing is unpacked. Pure functions. */
#ifndef FORMAT_ARCHIVE_H
#define FORMAT_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum bake_archive_kind {
	BAKE_ARCHIVE_NONE = 0,
	BAKE_ARCHIVE_ZIP,
	BAKE_ARCHIVE_TAR,
	BAKE_ARCHIVE_GZIP,
	BAKE_ARCHIVE_BZIP2,
	BAKE_ARCHIVE_XZ,
	BAKE_ARCHIVE_ZSTD,
	BAKE_ARCHIVE_7Z,
	BAKE_ARCHIVE_RAR,
};

/* By the beginning of a file; a tar needs its first 512 bytes. */
enum bake_archive_kind bake_archive_kind(struct bake_span head);

/* "a zip archive" and the like, NULL for NONE. */
const char *bake_archive_describe(enum bake_archive_kind kind);

/* What is seen of an archive: its two ends. They may overlap, or each be all of it. */
struct bake_archive_view {
	struct bake_span head;
	struct bake_span tail;
	uint64_t size; /* bytes of the file */
};

enum bake_archive_sight {
	BAKE_ARCHIVE_ABSENT,  /* every name was seen, and it is none of them */
	BAKE_ARCHIVE_PRESENT, /* it is there */
	BAKE_ARCHIVE_UNSEEN,  /* names may stand between the two ends */
};

/*
 * Whether is() holds of a name in a zip file: by the local headers at the beginning, and by the
 * central directory, which readers go by (APPNOTE 6.3, 4.3.12). Flags, sums and methods are not
 * looked at, since readers differ in whether they do. A file that ends in a central directory is
 * a zip file whatever it begins with. ABSENT for what is none.
 */
enum bake_archive_sight bake_archive_zip_find(
	const struct bake_archive_view *view, bool (*is)(const char *name, size_t len));

/* The same for the headers of a tar that are in head. */
enum bake_archive_sight bake_archive_tar_find(
	const struct bake_archive_view *view, bool (*is)(const char *name, size_t len));

#endif
