/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static bool json_wanted;
static bool json_printed;

bool cli_asks_json(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			return true;
	}
	return false;
}

void cli_expect_json(bool wanted)
{
	json_wanted = wanted;
}

void cli_json_printed(void)
{
	json_printed = true;
}

void cli_print_json(const struct bake_buf *text)
{
	if (text->len)
		(void)fwrite(text->ptr, 1, text->len, stdout);
	cli_json_printed();
}

void cli_put_outcome(struct bake_json_writer *writer, const struct bake_error *err)
{
	bake_json_put_bool(writer, "ok", err->status == BAKE_OK);
	if (err->status == BAKE_OK)
		return;
	bake_json_put_text(writer, "error", err->id ? err->id : "internal");
	bake_json_put_text(writer, "message", err->message);
	if (err->hint[0])
		bake_json_put_text(writer, "hint", err->hint);
	bake_json_put_u64(writer, "exit_code", (uint64_t)bake_exit_code(err->status));
}

void cli_print_outcome(const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(16384);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);

	if (!json_wanted || json_printed)
		return;
	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}
