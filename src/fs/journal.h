/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a part file is there. A journal stands beside its part and is written in place, two
 * records in turn, so that one of them is whole whenever the writer dies.
 *
 * A record names two sets of ranges: those that were written, which a process that was killed
 * leaves in the kernel's care, and those that were synced, which a machine without power leaves on
 * its disk. Which of them counts follows from the boot the record was written in. Nothing here is
 * trusted beyond that: SHA-256 of the whole decides at the end.
 */
#ifndef FS_JOURNAL_H
#define FS_JOURNAL_H

#include <stdint.h>

#include "base/error.h"
#include "base/extents.h"
#include "base/span.h"
#include "digest/digest.h"

enum {
	BAKE_JOURNAL_SLOT = 4096, /* bytes of a record */
	BAKE_JOURNAL_BOOT = 40,
};

struct bake_journal_record {
	uint64_t sequence;
	uint64_t size; /* of the whole file */
	uint64_t inode;
	uint64_t source; /* hash of where the bytes come from, 0: it does not matter */
	struct bake_digest sha256;
	char boot[BAKE_JOURNAL_BOOT]; /* "-" when the system does not say */
	struct bake_extents written;
	struct bake_extents synced;
};

/* One slot's text. Ranges that do not fit are left out, the last ones first. */
void bake_journal_format(const struct bake_journal_record *record, char slot[BAKE_JOURNAL_SLOT]);

/* False for whatever bake_journal_format did not write. */
bool bake_journal_parse(struct bake_span slot, struct bake_journal_record *out);

/* The present boot's id. Returns text. */
const char *bake_journal_boot(char text[BAKE_JOURNAL_BOOT]);

/* The newer whole record of the journal; false when there is none. */
bool bake_journal_read(int fd, struct bake_journal_record *out);

/* Writes record over the older one; its sequence is counted up. */
enum bake_status bake_journal_write(
	int fd, struct bake_journal_record *record, struct bake_error *err) BAKE_CHECKED;

#endif
