/* SPDX-License-Identifier: Apache-2.0 */
/* The dry run: what would come from where, and whether it fits. Nothing is made, nobody asked. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "fs/dir.h"
#include "netops/fetching.h"

static const char *const way_names[] = {
	[BAKE_FETCH_BY_NETWORK] = "fetch",
	[BAKE_FETCH_BY_CACHE] = "cache",
	[BAKE_FETCH_BY_COPY] = "copy",
	[BAKE_FETCH_BY_CONVERSION] = "convert",
};

const char *bake_fetch_way_name(enum bake_fetch_way way)
{
	return way_names[way];
}

/* Cuts the last component off. False when there was none. */
static bool go_up(char *path)
{
	char *slash = strrchr(path, '/');

	if (!path[0] || strcmp(path, ".") == 0 || strcmp(path, "/") == 0)
		return false;
	if (slash)
		slash[slash == path ? 1 : 0] = '\0';
	else
		memcpy(path, ".", 2);
	return true;
}

/* path, or the nearest directory above it that exists: there it would be made. *out_whole tells
 * whether it is path itself. */
static enum bake_status open_nearest(
	const char *path, int *out_fd, bool *out_whole, struct bake_error *err)
{
	_cleanup_free_ char *copy = strdup(path);
	int fd;

	if (!copy)
		return bake_error_nomem(err);
	*out_whole = true;
	while ((fd = open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0 && errno == ENOENT &&
		go_up(copy))
		*out_whole = false;
	if (fd < 0)
		return bake_error_errno(err, errno, "directory '%s'", BAKE_SHOW(path));
	*out_fd = fd;
	return BAKE_OK;
}

/* What the cache has is told by name and size; reading it all is for the real run. */
static enum bake_fetch_way way_of(struct bake_fetching *fetching, struct bake_fetch_item *item)
{
	if (item->twin || item->model->source.kind == BAKE_SOURCE_FILE)
		return BAKE_FETCH_BY_COPY;
	if (item->model->convert)
		return BAKE_FETCH_BY_CONVERSION;
	if (bake_cache_is_open(&fetching->cache) && bake_fetching_find_cached(fetching, item))
		return BAKE_FETCH_BY_CACHE;
	return BAKE_FETCH_BY_NETWORK;
}

/* What must come over the network for it: of a conversion the sources that the cache lacks. */
static uint64_t network_bytes(
	const struct bake_fetching *fetching, const struct bake_fetch_item *item)
{
	const struct bake_lock_model *model = item->model;
	uint64_t bytes = 0;

	if (item->report->way == BAKE_FETCH_BY_NETWORK)
		return item->file->size;
	if (item->report->way != BAKE_FETCH_BY_CONVERSION)
		return 0;
	for (size_t i = 0; i < model->source_count; i++) {
		if (!bake_fetching_source_cached(fetching, &model->sources[i]))
			bytes = bake_u64_add_capped(bytes, model->sources[i].size);
	}
	return bytes;
}

/* The same question as before the first byte of a real run, asked of what exists so far. */
static enum bake_status check_room(struct bake_fetching *fetching, struct bake_error *err)
{
	uint64_t *free_bytes = &fetching->report->free_bytes;
	bool whole;

	if (fetching->root < 0)
		BAKE_TRY(open_nearest(fetching->options->models_dir, &fetching->root, &whole, err));
	else
		fetching->workdir.fd = openat(fetching->root, BAKE_WORKDIR_NAME,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!*free_bytes)
		BAKE_TRY(bake_dir_free(fetching->root, free_bytes, err));
	return bake_fetching_space(fetching, err);
}

enum bake_status bake_fetching_survey(struct bake_fetching *fetching, struct bake_error *err)
{
	struct bake_fetch_report *report = fetching->report;
	const struct bake_fetch_item *barred = NULL;

	BAKE_TRY(bake_fetching_open_cache(fetching, err));
	for (size_t i = 0; i < fetching->item_count; i++) {
		struct bake_fetch_item *item = &fetching->items[i];
		uint64_t need;

		if (!bake_fetching_is_open(item) || item->same)
			continue;
		item->report->way = way_of(fetching, item);
		need = network_bytes(fetching, item);
		if (!need && item->report->way != BAKE_FETCH_BY_NETWORK)
			continue;
		report->fetch_bytes = bake_u64_add_capped(report->fetch_bytes, need);
		barred = barred ? barred : item;
	}
	BAKE_TRY(check_room(fetching, err));
	if (barred && fetching->link.offline)
		return bake_error_set(err, BAKE_ERR_UNAVAILABLE, "net.offline",
			"'%s' is neither here nor in a cache, and --offline forbids fetching it",
			BAKE_SHOW(barred->path.text));
	return BAKE_OK;
}
