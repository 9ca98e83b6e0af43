/* SPDX-License-Identifier: Apache-2.0 */
/* bake-catalog profiles. */
#include "catalog/profiles.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/write.h"
#include "catalogcli/commands.h"
#include "catalogcli/load.h"
#include "catalogcli/table.h"
#include "cli/columns.h"
#include "cli/report.h"

static struct catalogcli_which which;

static const struct cli_option options[] = {
	CATALOGCLI_OPTIONS(which),
};

static const char *const notes[] = {
	"PROFILE is a name, or MANIFEST/NAME where several manifests have one of that name. "
	"bake-fetch --profile NAME fetches one.",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-catalog profiles",
	.summary = "print the profiles, or what is in one",
	.usage = "[PROFILE]",
	.options = options,
	.option_count = countof(options),
	.args_max = 1,
	.notes = notes,
};

static void put_profile(struct bake_json_writer *writer, const struct bake_catalog_profile *profile)
{
	bake_json_put_text(writer, "key", profile->key);
	bake_json_put_text(writer, "name", profile->name);
	bake_json_put_text(writer, "manifest", profile->source->name);
	bake_json_put_text(writer, "lock_path", profile->source->lock_path);
	bake_json_put_u64(writer, "count", profile->entry_count);
	bake_json_put_u64(writer, "bytes", profile->bytes);
	bake_json_put_u64(writer, "unknown_sizes", profile->unknown);
	bake_json_put_u64(writer, "installed", profile->installed);
	bake_json_put_u64(writer, "partial", profile->partial);
	bake_json_put_u64(writer, "local_bytes", profile->local_bytes);
}

static enum bake_status print_list_json(
	const struct bake_catalog_profiles *profiles, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(CATALOGCLI_TEXT_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	const struct bake_error none = BAKE_ERROR_INIT;

	bake_json_object(&writer);
	cli_put_outcome(&writer, &none);
	bake_json_key(&writer, "profiles");
	bake_json_array(&writer);
	for (size_t i = 0; i < profiles->count; i++) {
		const struct bake_catalog_profile *profile = &profiles->items[i];

		bake_json_object_line(&writer);
		put_profile(&writer, profile);
		bake_json_key(&writer, "models");
		bake_json_array(&writer);
		for (size_t k = 0; k < profile->entry_count; k++)
			bake_json_write_text(&writer, profile->entries[k]->key);
		bake_json_end_array(&writer);
		bake_json_end_object(&writer);
	}
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return catalogcli_print_json(&text, err);
}

static enum bake_status print_one_json(
	const struct bake_catalog_profile *profile, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(CATALOGCLI_TEXT_MAX);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	const struct bake_error none = BAKE_ERROR_INIT;

	bake_json_object(&writer);
	cli_put_outcome(&writer, &none);
	put_profile(&writer, profile);
	bake_json_key(&writer, "models");
	bake_json_array(&writer);
	for (size_t i = 0; i < profile->entry_count; i++) {
		bake_json_object_line(&writer);
		bake_catalog_put_entry(&writer, profile->entries[i]);
		bake_json_end_object(&writer);
	}
	bake_json_end_array(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	return catalogcli_print_json(&text, err);
}

/* "2 of 4 here, 1 in part". */
static void print_presence(const struct bake_catalog_profile *profile)
{
	(void)printf("%zu of %zu here", profile->installed, profile->entry_count);
	if (profile->partial)
		(void)printf(", %zu in part", profile->partial);
}

static void print_list(const struct bake_catalog_profiles *profiles)
{
	char size[CATALOGCLI_SIZE_TEXT];
	unsigned widest = 0;

	for (size_t i = 0; i < profiles->count; i++) {
		unsigned columns = cli_columns(profiles->items[i].key);

		widest = columns > widest ? columns : widest;
	}
	for (size_t i = 0; i < profiles->count; i++) {
		const struct bake_catalog_profile *profile = &profiles->items[i];

		(void)printf("%-*s  ", (int)widest, profile->key);
		print_presence(profile);
		(void)printf("; %s\n", catalogcli_size(profile->bytes, profile->entry_count,
					       profile->unknown, size));
	}
	if (profiles->count == 0)
		cli_note(CATALOGCLI_TOOL, "the manifests have no profiles");
}

static enum bake_status print_one(
	const struct bake_catalog_profile *profile, bool verbose, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf rows = BAKE_BUF_INIT(CATALOGCLI_TEXT_MAX);
	struct catalogcli_table table;
	char size[CATALOGCLI_SIZE_TEXT];
	unsigned widest = 0;

	for (size_t i = 0; i < profile->entry_count; i++)
		widest = catalogcli_key_columns(widest, profile->entries[i]);
	catalogcli_table_begin(&table, verbose, widest);
	catalogcli_table_head(&table, &rows);
	for (size_t i = 0; i < profile->entry_count; i++)
		catalogcli_table_row(&table, profile->entries[i], &rows);
	BAKE_TRY(catalogcli_print(&rows, err));
	(void)printf("\n%s: ", profile->key);
	print_presence(profile);
	(void)printf("; %s\n",
		catalogcli_size(profile->bytes, profile->entry_count, profile->unknown, size));
	if (profile->source->lock_path)
		(void)printf("bake-fetch -l %s --profile %s\n",
			BAKE_SHOW(profile->source->lock_path), profile->name);
	else
		(void)printf("not locked yet: bake-lock %s\n",
			BAKE_SHOW(profile->source->manifest_path));
	return BAKE_OK;
}

static const char *key_at(const void *context, size_t index)
{
	return ((const struct bake_catalog_profiles *)context)->items[index].key;
}

static enum bake_status find(const struct bake_catalog_profiles *profiles, const char *name,
	const struct bake_catalog_profile **out, struct bake_error *err)
{
	size_t others;
	const char *near;

	*out = bake_catalog_find_profile(profiles, name, &others);
	if (!*out) {
		near = bake_text_nearest(name, profiles->count, key_at, profiles);
		bake_error_set(err, BAKE_ERR_UNAVAILABLE, "catalog.not-found",
			"no manifest has a profile '%s'", BAKE_SHOW(name));
		return near ? bake_error_hint(err, "did you mean %s?", near)
			    : bake_error_hint(err, "bake-catalog profiles shows all there are");
	}
	if (others == 0)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_USAGE, "usage.arguments", "%zu manifests have a profile '%s'",
		others + 1, BAKE_SHOW(name));
	return bake_error_hint(err, "name one of them, such as %s", (*out)->key);
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_catalog_close) struct bake_catalog_opened opened = BAKE_CATALOG_OPENED_INIT;
	_cleanup_(bake_catalog_release_profiles) struct bake_catalog_profiles profiles = {
		.items = NULL};
	const struct bake_catalog_profile *profile;

	BAKE_TRY(catalogcli_open(&which, &opened, err));
	bake_catalog_locate_all(opened.catalog, opened.root);
	BAKE_TRY(bake_catalog_make_profiles(opened.catalog, &profiles, err));
	if (args->count == 0 && common->json)
		return print_list_json(&profiles, err);
	if (args->count == 0) {
		print_list(&profiles);
		return BAKE_OK;
	}
	BAKE_TRY(find(&profiles, args->items[0], &profile, err));
	if (common->json)
		return print_one_json(profile, err);
	return print_one(profile, common->verbose > 0, err);
}

static void release(void)
{
	catalogcli_release(&which);
}

const struct catalogcli_command catalogcli_profiles = {&command, run, release};
