/* SPDX-License-Identifier: Apache-2.0 */
#include "format/sniff.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "format/archive.h"

static bool starts(struct bake_span bytes, const char *text)
{
	size_t len = strlen(text);

	return bytes.len >= len && strncasecmp((const char *)bytes.ptr, text, len) == 0;
}

bool bake_sniff_is_lfs_pointer(struct bake_span head)
{
	return starts(head, "version https://git-lfs.github.com/spec/v") ||
	       starts(head, "version https://hawser.github.com/spec/v");
}

bool bake_sniff_is_html(struct bake_span head)
{
	static const char *const beginnings[] = {"<!doctype html", "<html", "<head", "<!-- "};

	if (starts(head, "\xef\xbb\xbf"))
		head = bake_span(head.ptr + 3, head.len - 3);
	while (head.len && isspace(head.ptr[0]))
		head = bake_span(head.ptr + 1, head.len - 1);
	for (size_t i = 0; i < countof(beginnings); i++) {
		if (starts(head, beginnings[i]))
			return true;
	}
	return false;
}

const char *bake_sniff_describe(struct bake_span head, const char **out_hint)
{
	if (bake_sniff_is_lfs_pointer(head)) {
		*out_hint = "the source serves git's stand-in text: fetch it from the Hub, or run "
			    "'git lfs pull' where it comes from";
		return "a Git LFS pointer instead of the file";
	}
	if (bake_sniff_is_html(head)) {
		*out_hint =
			"looks like HTML: is there a login page, a captive portal or a proxy in "
			"between?";
		return "an HTML page instead of the file";
	}
	if (bake_archive_kind(head)) {
		*out_hint = "it looks packed: name the file itself at its source, not an archive "
			    "of it";
		return "an archive instead of the file";
	}
	return NULL;
}
