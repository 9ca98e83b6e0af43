/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be fetched, from where, and what of it is there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"
#include "base/units.h"
#include "fs/dir.h"
#include "hub/hub.h"
#include "netops/fetching.h"
#include "netops/local.h"
#include "ops/document.h"

enum {
	URLS_MAX = 40
};

static const char *arena_url(struct bake_fetching *fetching, struct bake_buf *url)
{
	return url->ptr && !url->full ? bake_arena_text(&fetching->report->arena, url->ptr) : NULL;
}

/* Adds base + name, or base itself when it does not end in "/". */
static enum bake_status add_url(struct bake_fetching *fetching, struct bake_fetch_item *item,
	const char *base, const char *name, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf url = BAKE_BUF_INIT(BAKE_NET_URL_MAX);

	if (item->url_count == URLS_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "lock.mirrors",
			"'%s' has more than %d sources", BAKE_SHOW(item->file->path), URLS_MAX);
	bake_buf_text(&url, base);
	if (bake_text_ends(base, "/"))
		bake_url_escape(&url, name, true);
	item->urls[item->url_count] = arena_url(fetching, &url);
	if (!item->urls[item->url_count])
		return bake_error_nomem(err);
	return bake_url_check_secret(item->urls[item->url_count++], err);
}

static enum bake_status add_hub_url(struct bake_fetching *fetching, struct bake_fetch_item *item,
	const char *endpoint, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf url = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	const struct bake_source *source = &item->model->source;

	if (item->url_count == URLS_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "lock.mirrors",
			"'%s' has more than %d sources", BAKE_SHOW(item->file->path), URLS_MAX);
	bake_hub_file_url(&url, endpoint, source->location, source->commit, item->file->name);
	item->urls[item->url_count] = arena_url(fetching, &url);
	return item->urls[item->url_count++] ? BAKE_OK : bake_error_nomem(err);
}

/* The source, then the model's mirrors, then the user's. */
static enum bake_status find_urls(
	struct bake_fetching *fetching, struct bake_fetch_item *item, struct bake_error *err)
{
	const struct bake_lock_model *model = item->model;
	const struct bake_link *link = &fetching->link;

	item->urls = bake_arena_array(&fetching->report->arena, URLS_MAX + 1, sizeof(*item->urls));
	if (!item->urls)
		return bake_error_nomem(err);
	if (model->source.kind == BAKE_SOURCE_FILE || model->convert) {
		item->report->from = model->source.location;
		return BAKE_OK;
	}
	if (model->source.kind == BAKE_SOURCE_HUB)
		BAKE_TRY(add_hub_url(fetching, item, link->endpoint, err));
	else
		BAKE_TRY(add_url(fetching, item, model->source.location, item->file->name, err));
	for (size_t i = 0; i < model->mirror_count; i++)
		BAKE_TRY(add_url(fetching, item, model->mirrors[i], item->file->name, err));
	for (size_t i = 0; model->source.kind == BAKE_SOURCE_HUB && i < link->mirror_count; i++)
		BAKE_TRY(add_hub_url(fetching, item, link->mirrors[i], err));
	item->report->from = item->urls[0];
	return BAKE_OK;
}

static enum bake_status plan_file(struct bake_fetching *fetching,
	const struct bake_lock_model *model, const struct bake_lock_file *file,
	struct bake_error *err)
{
	struct bake_fetch_item *item = &fetching->items[fetching->item_count];

	item->model = model;
	item->file = file;
	item->sink.fd = -1;
	item->pickles = fetching->options->pickles;
	item->report = &fetching->report->files[fetching->item_count];
	*item->report = (struct bake_fetch_file){
		.model = model->id,
		.path = file->path,
		.size = file->size,
		.required = model->required,
	};
	BAKE_TRY(bake_fetching_place(fetching, item, err));
	BAKE_TRY(find_urls(fetching, item, err));
	if (fetching->options->cache_dir)
		BAKE_TRY(bake_cache_path(
			&fetching->report->arena, &file->sha256, &item->cache_path, err));
	fetching->item_count++;
	return BAKE_OK;
}

static int compare_content(const void *a, const void *b)
{
	const struct bake_fetch_item *x = *(struct bake_fetch_item *const *)a;
	const struct bake_fetch_item *y = *(struct bake_fetch_item *const *)b;
	int order = memcmp(x->file->sha256.bytes, y->file->sha256.bytes, 32);

	return order ? order : (x < y ? -1 : x > y);
}

struct bake_fetch_item **bake_fetching_sorted(
	const struct bake_fetching *fetching, int (*compare)(const void *a, const void *b))
{
	size_t count = fetching->item_count;
	struct bake_fetch_item **sorted = calloc(count + 1, sizeof(*sorted));

	for (size_t i = 0; sorted && i < count; i++)
		sorted[i] = &fetching->items[i];
	if (sorted)
		qsort(sorted, count, sizeof(*sorted), compare);
	return sorted;
}

/* Equal content is fetched once. */
static enum bake_status find_twins(struct bake_fetching *fetching, struct bake_error *err)
{
	size_t count = fetching->item_count;
	_cleanup_free_ struct bake_fetch_item **sorted =
		bake_fetching_sorted(fetching, compare_content);
	struct bake_fetch_item *first;

	if (!sorted)
		return bake_error_nomem(err);
	first = sorted[0];
	for (size_t i = 1; i < count; i++) {
		if (bake_digest_equal(&sorted[i]->file->sha256, &first->file->sha256))
			sorted[i]->twin = first;
		else
			first = sorted[i];
	}
	return BAKE_OK;
}

static enum bake_status start_report(
	struct bake_fetching *fetching, const bool *chosen, struct bake_error *err)
{
	struct bake_fetch_report *report = fetching->report;

	for (size_t i = 0; i < fetching->lock->model_count; i++) {
		const struct bake_lock_model *model = &fetching->lock->models[i];

		if (!chosen[i])
			continue;
		report->models++;
		report->file_count += model->file_count;
		for (size_t k = 0; k < model->file_count; k++)
			report->bytes = bake_u64_add_capped(report->bytes, model->files[k].size);
	}
	report->files =
		bake_arena_array(&report->arena, report->file_count, sizeof(*report->files));
	fetching->items =
		bake_arena_array(&report->arena, report->file_count, sizeof(*fetching->items));
	return report->files && fetching->items ? BAKE_OK : bake_error_nomem(err);
}

/* A slice of a layer that has nothing is no mistake: the build has a stage for each layer. */
static enum bake_status check_any(const struct bake_fetching *fetching, struct bake_error *err)
{
	if (fetching->report->models || fetching->lock->slice || fetching->options->select.layer)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_NOINPUT, "fetch.nothing", "nothing of '%s' is selected",
		BAKE_SHOW(fetching->lock->name));
}

enum bake_status bake_fetching_plan(struct bake_fetching *fetching, struct bake_error *err)
{
	const struct bake_fetch_options *options = fetching->options;
	_cleanup_free_ bool *chosen = NULL;

	BAKE_TRY(bake_load_lock(options->lock_path, &fetching->report->lock, err));
	fetching->lock = fetching->report->lock;
	BAKE_TRY(bake_check_fresh_beside(fetching->lock, options->lock_path, err));
	BAKE_TRY(bake_local_dir_of(options->lock_path, &fetching->lock_dir, err));
	chosen = calloc(fetching->lock->model_count + 1, sizeof(*chosen));
	if (!chosen)
		return bake_error_nomem(err);
	BAKE_TRY(bake_select_models(fetching->lock, &options->select, chosen, err));
	BAKE_TRY(start_report(fetching, chosen, err));
	BAKE_TRY(check_any(fetching, err));
	for (size_t i = 0; i < fetching->lock->model_count; i++) {
		const struct bake_lock_model *model = &fetching->lock->models[i];

		for (size_t k = 0; chosen[i] && k < model->file_count; k++)
			BAKE_TRY(plan_file(fetching, model, &model->files[k], err));
	}
	BAKE_TRY(bake_fetching_find_same(fetching, err));
	BAKE_TRY(bake_fetching_check_around(fetching, err));
	return find_twins(fetching, err);
}

static bool stat_item(
	const struct bake_fetching *fetching, const struct bake_fetch_item *item, struct stat *out)
{
	return fetching->root >= 0 &&
	       fstatat(fetching->root, item->path.text, out, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Whether what was found wrong is there still, so that it need not be read again. While we waited
 * for the directory, the process that had it may have brought the right file. */
static bool is_known_wrong(const struct bake_fetching *fetching, const struct bake_fetch_item *item)
{
	const struct stat *before = &item->wrong;
	struct stat now;

	return item->looked_at && stat_item(fetching, item, &now) && now.st_ino == before->st_ino &&
	       now.st_dev == before->st_dev && now.st_size == before->st_size &&
	       now.st_ctim.tv_sec == before->st_ctim.tv_sec &&
	       now.st_ctim.tv_nsec == before->st_ctim.tv_nsec;
}

/* What can execute code is no better for being there already. */
static enum bake_status take_right(
	struct bake_fetching *fetching, struct bake_fetch_item *item, struct bake_error *err)
{
	struct bake_error error = BAKE_ERROR_INIT;

	if (bake_fetching_vet_present(fetching, item, &error) == BAKE_OK) {
		item->report->outcome = BAKE_FETCH_PRESENT;
		return BAKE_OK;
	}
	if (fetching->options->keep_going && error.status == BAKE_ERR_POLICY) {
		bake_fetching_fail(fetching, item, &error);
		return BAKE_OK;
	}
	*err = error;
	return err->status;
}

/* A file of the wrong content is replaced; what is not a file, or cannot be read, stops us. */
static enum bake_status take_state(struct bake_fetching *fetching, struct bake_fetch_item *item,
	const struct bake_file_check *check, struct bake_error *err)
{
	switch (check->state) {
	case BAKE_FILE_RIGHT:
		return take_right(fetching, item, err);
	case BAKE_FILE_WRONG_TYPE:
	case BAKE_FILE_UNREADABLE:
		*err = check->error;
		return err->status;
	case BAKE_FILE_WRONG_SIZE:
	case BAKE_FILE_WRONG_DIGEST:
	case BAKE_FILE_CHANGED:
		item->looked_at = stat_item(fetching, item, &item->wrong);
		bake_emitf(&fetching->events, BAKE_EVENT_NOTICE,
			"%s is there with other content and is fetched anew",
			BAKE_SHOW(item->path.text));
		break;
	case BAKE_FILE_MISSING:
	case BAKE_FILE_UNCHECKED:
	case BAKE_FILE_WRONG_LINK: /* of what surrounds files: not looked at here */
	case BAKE_FILE_REFUSED:	   /* a verification's */
	default:
		break;
	}
	return BAKE_OK;
}

static void count_needed(struct bake_fetching *fetching)
{
	uint64_t needed = 0;

	for (size_t i = 0; i < fetching->item_count; i++) {
		if (bake_fetching_is_open(&fetching->items[i]) && !fetching->items[i].same)
			needed = bake_u64_add_capped(needed, fetching->items[i].file->size);
	}
	fetching->report->needed_bytes = needed;
}

enum bake_status bake_fetching_look(struct bake_fetching *fetching, struct bake_error *err)
{
	struct bake_check_options options = {
		.quick = fetching->options->quick, .events = &fetching->events};
	_cleanup_free_ struct bake_file_check *checks = NULL;
	_cleanup_free_ struct bake_fetch_item **items = NULL;
	size_t count = 0;

	checks = calloc(fetching->item_count + 1, sizeof(*checks));
	items = calloc(fetching->item_count + 1, sizeof(struct bake_fetch_item *));
	if (!checks || !items)
		return bake_error_nomem(err);
	for (size_t i = 0; i < fetching->item_count; i++) {
		if (!bake_fetching_is_open(&fetching->items[i]) || fetching->items[i].same ||
			is_known_wrong(fetching, &fetching->items[i]))
			continue;
		items[count] = &fetching->items[i];
		checks[count].path = fetching->items[i].path;
		checks[count].size = fetching->items[i].file->size;
		checks[count].sha256 = fetching->items[i].file->sha256;
		count++;
	}
	if (fetching->root >= 0)
		BAKE_TRY(bake_store_check(fetching->root, checks, count, &options, err));
	for (size_t i = 0; i < count; i++)
		BAKE_TRY(take_state(fetching, items[i], &checks[i], err));
	bake_fetching_settle_same(fetching);
	count_needed(fetching);
	return BAKE_OK;
}

/* Bytes of an earlier run that need not come again. */
static uint64_t part_bytes(const struct bake_workdir *workdir, const struct bake_fetch_item *item,
	struct bake_relpath path)
{
	char name[BAKE_PART_NAME_MAX];
	struct stat st;

	bake_sink_part_name(&item->file->sha256, path, name);
	if (workdir->fd < 0 || fstatat(workdir->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		!S_ISREG(st.st_mode))
		return 0;
	/* Blocks are reserved ahead: what counts is what the file system has given already. */
	return bake_u64_min(
		bake_u64_max((uint64_t)st.st_blocks * 512, (uint64_t)st.st_size), item->file->size);
}

static enum bake_status check_space(
	int root, const char *what, uint64_t need, struct bake_error *err)
{
	uint64_t free_bytes;

	BAKE_TRY(bake_dir_free(root, &free_bytes, err));
	if (need <= free_bytes)
		return BAKE_OK;
	return bake_error_set(err, BAKE_ERR_NOSPACE, "disk.space",
		"%s needs %" PRIu64 " bytes (%s), %" PRIu64 " (%s) are free", what, need,
		BAKE_BYTES(need), free_bytes, BAKE_BYTES(free_bytes));
}

/* Whether the cache has it: then only the copy needs room. */
static bool cached(const struct bake_fetching *fetching, const struct bake_fetch_item *item)
{
	struct stat st;

	return fetching->cache.root >= 0 &&
	       fstatat(fetching->cache.root, item->cache_path.text, &st, AT_SYMLINK_NOFOLLOW) ==
		       0 &&
	       (uint64_t)st.st_size == item->file->size;
}

/* What the cache still lacks of an item that goes through it. */
static uint64_t cache_need(const struct bake_fetching *fetching, const struct bake_fetch_item *item)
{
	if (!bake_fetching_is_open(item) || !item->url_count || item->twin ||
		cached(fetching, item))
		return 0;
	return item->file->size - part_bytes(&fetching->cache.workdir, item, item->cache_path);
}

/* What the cache has no room for goes past it: a cache that is full stops nobody. */
static void fit_cache(struct bake_fetching *fetching, uint64_t room)
{
	size_t past = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < fetching->item_count; i++) {
		struct bake_fetch_item *item = &fetching->items[i];
		uint64_t need = cache_need(fetching, item);

		if (need <= room) {
			room -= need;
			continue;
		}
		item->past_cache = true;
		bytes = bake_u64_add_capped(bytes, item->file->size);
		past++;
	}
	if (past)
		bake_emitf(&fetching->events, BAKE_EVENT_NOTICE,
			"the cache has no room for %zu of the files (%s): they are fetched without "
			"it",
			past, BAKE_BYTES(bytes));
}

/* What the cache may take: on one file system with the models, what these leave. */
static enum bake_status cache_room(const struct bake_fetching *fetching, uint64_t models,
	uint64_t *out_room, struct bake_error *err)
{
	struct stat models_at;
	struct stat cache_at;

	if (fstat(fetching->root, &models_at) != 0 || fstat(fetching->cache.root, &cache_at) != 0)
		return bake_error_errno(err, errno, "free space");
	BAKE_TRY(bake_dir_free(fetching->cache.root, out_room, err));
	if (models_at.st_dev == cache_at.st_dev)
		*out_room -= bake_u64_min(*out_room, models);
	return BAKE_OK;
}

enum bake_status bake_fetching_space(struct bake_fetching *fetching, struct bake_error *err)
{
	uint64_t models = 0;
	uint64_t room = 0;

	for (size_t i = 0; i < fetching->item_count; i++) {
		const struct bake_fetch_item *item = &fetching->items[i];

		if (bake_fetching_is_open(item) && !item->same)
			models = bake_u64_add_capped(
				models, item->file->size -
						part_bytes(&fetching->workdir, item, item->path));
	}
	BAKE_TRY(check_space(fetching->root, "the models directory", models, err));
	if (!bake_cache_is_writable(&fetching->cache))
		return BAKE_OK;
	BAKE_TRY(cache_room(fetching, models, &room, err));
	fit_cache(fetching, room);
	return BAKE_OK;
}
