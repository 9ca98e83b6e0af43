/* SPDX-License-Identifier: Apache-2.0 */
/* The layout of what is fetched: where items go before there is anything, and the links and texts
 * around them once they are there. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"
#include "netops/fetching.h"
#include "ops/placement.h"
#include "store/arrange.h"

enum bake_status bake_fetching_place(
	struct bake_fetching *fetching, struct bake_fetch_item *item, struct bake_error *err)
{
	enum bake_layout layout = fetching->options->layout;
	struct bake_layout_file file = bake_placement_file(item->model, item->file);
	struct bake_layout_place place;

	BAKE_TRY(bake_layout_place(layout, &file, &fetching->report->arena, &place, err));
	item->path = place.bytes;
	item->report->path = place.shown;
	if (file.repository && !place.known)
		bake_emitf(&fetching->events, BAKE_EVENT_NOTICE,
			"%s is saved under another name than its own: a Hub client does not know "
			"it",
			BAKE_SHOW(place.shown));
	return BAKE_OK;
}

static int compare_place(const void *a, const void *b)
{
	const struct bake_fetch_item *x = *(struct bake_fetch_item *const *)a;
	const struct bake_fetch_item *y = *(struct bake_fetch_item *const *)b;
	int order = strcmp(x->path.text, y->path.text);

	return order ? order : (x < y ? -1 : x > y);
}

enum bake_status bake_fetching_find_same(struct bake_fetching *fetching, struct bake_error *err)
{
	size_t count = fetching->item_count;
	_cleanup_free_ struct bake_fetch_item **sorted =
		bake_fetching_sorted(fetching, compare_place);
	struct bake_fetch_item *first;

	if (!sorted)
		return bake_error_nomem(err);
	first = sorted[0];
	for (size_t i = 1; i < count; i++) {
		struct bake_fetch_item *item = sorted[i];

		if (strcmp(item->path.text, first->path.text) != 0)
			first = item;
		else if (bake_digest_equal(&item->file->sha256, &first->file->sha256))
			item->same = first;
		else
			return bake_error_set(err, BAKE_ERR_CONFIG, "pin.conflict",
				"'%s' is pinned to %s and to %s", BAKE_SHOW(item->path.text),
				BAKE_HEX(&first->file->sha256), BAKE_HEX(&item->file->sha256));
	}
	return BAKE_OK;
}

void bake_fetching_settle_same(struct bake_fetching *fetching)
{
	for (size_t i = 0; i < fetching->item_count; i++) {
		struct bake_fetch_item *item = &fetching->items[i];

		if (!item->same || !bake_fetching_is_open(item) ||
			bake_fetching_is_open(item->same))
			continue;
		if (item->same->report->outcome == BAKE_FETCH_FAILED)
			bake_fetching_fail(fetching, item, &item->same->report->error);
		else if (item->same->report->outcome == BAKE_FETCH_PRESENT)
			item->report->outcome = BAKE_FETCH_PRESENT;
		else
			bake_fetching_done(fetching, item, BAKE_FETCH_COPIED);
	}
}

static bool is_there(const struct bake_fetch_item *item)
{
	return !bake_fetching_is_open(item) && item->report->outcome != BAKE_FETCH_FAILED;
}

/* What surrounds the items: of all, or of those that are there by now. */
static enum bake_status make_plan(const struct bake_fetching *fetching, bool all,
	struct bake_layout_plan *plan, struct bake_error *err)
{
	size_t count = fetching->item_count;
	_cleanup_free_ bool *there = calloc(count + 1, sizeof(*there));
	_cleanup_free_ struct bake_relpath *places = calloc(count + 1, sizeof(*places));

	if (!there || !places)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		there[i] = all || is_there(&fetching->items[i]);
		places[i] = fetching->items[i].path;
	}
	/* The items of a model follow one another. */
	for (size_t i = 0; i < count; i += fetching->items[i].model->file_count)
		BAKE_TRY(bake_placement_add(plan, fetching->items[i].model, &there[i], err));
	return bake_layout_settle(plan, places, count, err);
}

enum bake_status bake_fetching_check_around(
	const struct bake_fetching *fetching, struct bake_error *err)
{
	_cleanup_(bake_layout_plan_release) struct bake_layout_plan plan =
		BAKE_LAYOUT_PLAN_INIT(fetching->options->layout);

	return plan.layout == BAKE_LAYOUT_PLAIN ? BAKE_OK : make_plan(fetching, true, &plan, err);
}

enum bake_status bake_fetching_look_around(
	const struct bake_fetching *fetching, bool *out_right, struct bake_error *err)
{
	_cleanup_(bake_layout_plan_release) struct bake_layout_plan plan =
		BAKE_LAYOUT_PLAN_INIT(fetching->options->layout);

	*out_right = true;
	if (plan.layout == BAKE_LAYOUT_PLAIN || fetching->root < 0)
		return BAKE_OK;
	BAKE_TRY(make_plan(fetching, true, &plan, err));
	for (size_t i = 0; i < plan.count; i++) {
		enum bake_arrange_state state;
		struct bake_error why;

		BAKE_TRY(bake_arrange_look(fetching->root, &plan.entries[i], &state, &why, err));
		if (state == BAKE_ARRANGE_BLOCKED) {
			*err = why;
			return err->status;
		}
		*out_right = *out_right && state == BAKE_ARRANGE_RIGHT;
	}
	return BAKE_OK;
}

enum bake_status bake_fetching_arrange(struct bake_fetching *fetching, struct bake_error *err)
{
	_cleanup_(bake_layout_plan_release) struct bake_layout_plan plan =
		BAKE_LAYOUT_PLAN_INIT(fetching->options->layout);

	if (plan.layout == BAKE_LAYOUT_PLAIN)
		return BAKE_OK;
	BAKE_TRY(make_plan(fetching, false, &plan, err));
	return bake_arrange_apply(
		&fetching->workdir, &plan, fetching->mtime, &fetching->touched, err);
}

enum bake_status bake_fetching_stamp_around(
	const struct bake_fetching *fetching, struct bake_error *err)
{
	_cleanup_(bake_layout_plan_release) struct bake_layout_plan plan =
		BAKE_LAYOUT_PLAN_INIT(fetching->options->layout);
	_cleanup_free_ struct bake_relpath *paths = NULL;

	if (plan.layout == BAKE_LAYOUT_PLAIN)
		return BAKE_OK;
	BAKE_TRY(make_plan(fetching, false, &plan, err));
	paths = calloc(plan.count + 1, sizeof(*paths));
	if (!paths)
		return bake_error_nomem(err);
	for (size_t i = 0; i < plan.count; i++)
		paths[i] = plan.entries[i].path;
	return bake_dir_stamp(fetching->root, paths, plan.count, fetching->mtime, err);
}
