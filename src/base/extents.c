/* SPDX-License-Identifier: Apache-2.0 */
#include "base/extents.h"

#include <string.h>

#include "base/num.h"

bool bake_extents_add(struct bake_extents *extents, uint64_t first, uint64_t end)
{
	struct bake_extent *list = extents->list;
	size_t from = 0; /* the first range that ends at or after ours begins */
	size_t to;	 /* the first range that begins after ours ends */

	while (from < extents->count && list[from].end < first)
		from++;
	to = from;
	while (to < extents->count && list[to].first <= end)
		to++;
	if (from == to) {
		if (extents->count == BAKE_EXTENTS_MAX)
			return false;
		memmove(list + from + 1, list + from, (extents->count - from) * sizeof(*list));
		list[from] = (struct bake_extent){first, end};
		extents->count++;
		return true;
	}
	list[from].first = bake_u64_min(list[from].first, first);
	list[from].end = bake_u64_max(list[to - 1].end, end);
	memmove(list + from + 1, list + to, (extents->count - to) * sizeof(*list));
	extents->count -= to - from - 1;
	return true;
}

bool bake_extents_advance(struct bake_extents *extents, uint64_t *frontier)
{
	struct bake_extent *list = extents->list;
	uint64_t before = *frontier;
	size_t reached = 0;

	while (reached < extents->count && list[reached].first <= *frontier)
		*frontier = bake_u64_max(*frontier, list[reached++].end);
	extents->count -= reached;
	memmove(list, list + reached, extents->count * sizeof(*list));
	return *frontier > before;
}
