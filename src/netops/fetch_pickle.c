/* SPDX-License-Identifier: Apache-2.0 */
/* A fetch refuses what can execute code: by its name before anything is asked for, by its first
 * bytes when they come, and by its two ends before it is published. */
#include "base/cleanup.h"
#include "fs/dir.h"
#include "netops/fetching.h"

static struct bake_pickle_file pickle_file(const struct bake_fetch_item *item)
{
	return (struct bake_pickle_file){
		.path = item->file->path,
		.sha256 = &item->file->sha256,
		.size = item->file->size,
	};
}

/* The lock may give a file another name than it has at its source: either tells. */
static const char *named(const struct bake_fetch_item *item)
{
	struct bake_pickle_file file = pickle_file(item);
	const char *what = bake_pickle_named(&file);

	file.path = item->file->name;
	return what ? what : bake_pickle_named(&file);
}

enum bake_status bake_fetching_refuse_named(struct bake_fetching *fetching, struct bake_error *err)
{
	for (size_t i = 0; i < fetching->item_count; i++) {
		struct bake_fetch_item *item = &fetching->items[i];
		struct bake_pickle_file file = pickle_file(item);
		struct bake_error error = BAKE_ERROR_INIT;

		if (bake_pickle_refuse(fetching->options->pickles, &file, named(item), &error) ==
			BAKE_OK)
			continue;
		if (!fetching->options->keep_going) {
			*err = error;
			return err->status;
		}
		bake_fetching_fail(fetching, item, &error);
	}
	return BAKE_OK;
}

enum bake_status bake_fetching_vet_head(
	const struct bake_fetch_item *item, struct bake_span head, struct bake_error *err)
{
	struct bake_pickle_file file = pickle_file(item);

	return bake_pickle_refuse(item->pickles, &file, bake_pickle_begins(&file, head), err);
}

enum bake_status bake_fetching_vet(
	const void *context, int fd, uint64_t size, struct bake_error *err)
{
	const struct bake_fetch_item *item = context;
	struct bake_pickle_file file = pickle_file(item);
	const char *what;

	(void)size; /* it is the pinned one */
	if (bake_pickle_is_allowed(item->pickles, file.sha256))
		return BAKE_OK;
	BAKE_TRY(bake_pickle_look(&file, fd, &what, err));
	return bake_pickle_refuse(item->pickles, &file, what, err);
}

enum bake_status bake_fetching_vet_present(
	const struct bake_fetching *fetching, struct bake_fetch_item *item, struct bake_error *err)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	/* --quick takes what is there unread. */
	if (fetching->options->quick || bake_pickle_is_allowed(item->pickles, &item->file->sha256))
		return BAKE_OK;
	BAKE_TRY(bake_open_regular(fetching->root, item->path, &fd, &st, err));
	return bake_fetching_vet(item, fd, item->file->size, err);
}
