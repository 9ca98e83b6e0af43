/* SPDX-License-Identifier: Apache-2.0 */
/* A sink and its journal: what of a part survives its process. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "fs/sink_inner.h"

/* How much of a small part is there without a gap: up to its first hole, where the file system
 * tells. */
static uint64_t contiguous(int fd, uint64_t size)
{
	off_t hole = lseek(fd, 0, SEEK_HOLE);

	return hole < 0 ? size : bake_u64_min(size, (uint64_t)hole);
}

/* Why the record says nothing about this part; NULL when it does. */
static const char *mismatch(const struct bake_journal_record *record, const struct bake_sink *sink,
	const struct bake_sink_target *target, const struct stat *part)
{
	if (!bake_digest_equal(&record->sha256, &sink->sha256))
		return "it was of other content";
	if (record->size != sink->size)
		return "its pinned size changed";
	if (record->source != target->source)
		return "its source changed";
	if (record->inode != part->st_ino)
		return "its journal is of another file";
	return NULL;
}

/* Nothing is there behind the part's end, whatever was written once. */
static void clip(struct bake_extents *ranges, uint64_t end)
{
	while (ranges->count && ranges->list[ranges->count - 1].first >= end)
		ranges->count--;
	if (ranges->count && ranges->list[ranges->count - 1].end > end)
		ranges->list[ranges->count - 1].end = end;
}

static void take_extents(struct bake_sink *sink, const struct bake_extents *ranges)
{
	for (size_t i = 0; i < ranges->count; i++)
		sink->resumed += ranges->list[i].end - ranges->list[i].first;
	sink->inner->ahead = *ranges;
	(void)bake_extents_advance(&sink->inner->ahead, &sink->frontier);
}

static void drop(const struct bake_sink *sink, const struct bake_sink_target *target,
	const char *why, uint64_t bytes)
{
	bake_emitf(target->events, BAKE_EVENT_NOTICE,
		"%s: what an earlier run left (%s) is dropped: %s", BAKE_SHOW(sink->path.text),
		BAKE_BYTES(bytes), why);
}

/* A part of the same place under another digest: the pin changed since. In a cache places are named
 * by their content, so there are none. */
void bake_sink_drop_former(const struct bake_sink *sink, const struct bake_sink_target *target)
{
	const char *own = PART(sink);
	size_t hex = strlen(BAKE_HEX(&sink->sha256));
	size_t stem = strlen(own) - strlen(".part"); /* digest, dash and hash of the place */
	int copy = fcntl(sink->workdir->fd, F_DUPFD_CLOEXEC, 0);
	DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	struct stat st;

	if (list)
		rewinddir(list);
	else
		cleanup_close(&copy);
	while (list && (entry = readdir(list))) {
		const char *name = entry->d_name;

		if (strlen(name) <= stem || memcmp(name + hex, own + hex, stem - hex) != 0 ||
			memcmp(name, own, hex) == 0)
			continue;
		if (bake_text_ends(name, ".part") &&
			fstatat(sink->workdir->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			drop(sink, target, "its pin changed", (uint64_t)st.st_size);
		(void)unlinkat(sink->workdir->fd, name, 0);
	}
	if (list)
		(void)closedir(list);
}

/* A record of this boot speaks for what was written; an older one only for what was synced. */
static const struct bake_extents *trusted(const struct bake_journal_record *record)
{
	char boot[BAKE_JOURNAL_BOOT];

	(void)bake_journal_boot(boot);
	return strcmp(boot, "-") != 0 && strcmp(boot, record->boot) == 0 ? &record->written
									 : &record->synced;
}

/* What every record of this run says. */
static void begin_record(struct bake_sink_inner *inner, const struct bake_sink_target *target,
	const struct stat *part)
{
	inner->record.size = target->size;
	inner->record.sha256 = target->sha256;
	inner->record.source = target->source;
	inner->record.inode = part->st_ino;
	(void)bake_journal_boot(inner->record.boot);
}

static enum bake_status recall_large(struct bake_sink *sink, const struct bake_sink_target *target,
	const struct stat *part, struct bake_error *err)
{
	struct bake_journal_record *record = &sink->inner->record;
	uint64_t there = (uint64_t)part->st_size;
	const char *why = "it has no journal";

	sink->inner->journal =
		openat(sink->workdir->fd, JOURNAL(sink), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (sink->inner->journal >= 0 && bake_journal_read(sink->inner->journal, record)) {
		why = mismatch(record, sink, target, part);
		clip(&record->written, there);
		clip(&record->synced, there);
		if (!why)
			take_extents(sink, trusted(record));
	}
	begin_record(sink->inner, target, part);
	if (!why)
		return BAKE_OK;
	record->synced.count = 0;
	if (there == 0)
		return BAKE_OK;
	drop(sink, target, why, there);
	return bake_sink_restart(sink, err);
}

enum bake_status bake_sink_recall(
	struct bake_sink *sink, const struct bake_sink_target *target, struct bake_error *err)
{
	struct stat part;

	if (fstat(sink->fd, &part) != 0)
		return bake_error_errno(err, errno, "part of '%s'", BAKE_SHOW(sink->path.text));
	if (!S_ISREG(part.st_mode))
		return bake_error_set(err, BAKE_ERR_CANTCREATE, "path.type",
			"the part of '%s' is not a regular file", BAKE_SHOW(sink->path.text));
	if (sink->size >= BAKE_SINK_SMALL)
		return recall_large(sink, target, &part, err);
	if ((uint64_t)part.st_size > sink->size)
		return bake_sink_restart(sink, err);
	sink->frontier = contiguous(sink->fd, (uint64_t)part.st_size);
	sink->resumed = sink->frontier;
	return BAKE_OK;
}

/* A journal that cannot be written would say too much of a later state. */
static void forget(struct bake_sink *sink)
{
	(void)unlinkat(sink->workdir->fd, JOURNAL(sink), 0);
	sink->inner->mute = true;
}

/* The journal's room is taken when it is made: a full disk must not keep it from being true. */
static int make_journal(const struct bake_sink *sink)
{
	int fd = openat(sink->workdir->fd, JOURNAL(sink),
		O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0)
		best_effort(fallocate(fd, 0, 0, (off_t)2 * BAKE_JOURNAL_SLOT));
	return fd;
}

void bake_sink_have(const struct bake_sink *sink, struct bake_extents *out)
{
	const struct bake_extents *ahead = &sink->inner->ahead;
	size_t count = 0;

	if (sink->frontier)
		out->list[count++] = (struct bake_extent){0, sink->frontier};
	for (size_t i = 0; i < ahead->count && count < BAKE_EXTENTS_MAX; i++)
		out->list[count++] = ahead->list[i];
	out->count = count;
}

void bake_sink_record(struct bake_sink *sink)
{
	struct bake_sink_inner *inner = sink->inner;
	struct bake_error ignored = BAKE_ERROR_INIT;

	if (sink->size < BAKE_SINK_SMALL || inner->mute)
		return;
	if (inner->journal < 0)
		inner->journal = make_journal(sink);
	if (inner->journal < 0)
		return;
	bake_sink_have(sink, &inner->record.written);
	if (bake_journal_write(inner->journal, &inner->record, &ignored) != BAKE_OK)
		forget(sink);
}
