/* SPDX-License-Identifier: Apache-2.0 */
/* bake-catalog import: lists of other programs, as a manifest. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/import.h"
#include "catalogcli/commands.h"
#include "cli/report.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "json/writer.h"
#include "manifest/manifest.h"

static const char *out_path;
static const char *name;
static bool force;
static unsigned format = BAKE_IMPORT_AUTO;

static const struct cli_option options[] = {
	{'o', "output", "FILE", "write the manifest there, not to standard output", CLI_TEXT,
		&out_path, 0, 0, NULL},
	{0, "force", NULL, "replace FILE if it is there", CLI_FLAG, &force, 0, 0, NULL},
	{0, "format", "NAME",
		"read catalog, chroma, comfyui, lumara, models-txt or aria2 (auto: as it looks)",
		CLI_WORD, &format, 0, 0, bake_import_formats},
	{0, "name", "NAME", "call the manifest NAME, not as FILE or the first list is called",
		CLI_TEXT, &name, 0, 0, NULL},
};

static const char *const notes[] = {
	"FILE is a list of models of another program, or a directory of models. What is doubtful "
	"is listed on standard error. Entries that cannot be taken over are left out (24).",
	NULL,
};

static const struct cli_command command = {
	.name = "bake-catalog import",
	.summary = "make a manifest of other programs' lists of models",
	.usage = "FILE...",
	.options = options,
	.option_count = countof(options),
	.args_min = 1,
	.args_max = 1000,
	.notes = notes,
};

/* "dir/models.v2.json" is "models.v2"; without -o the first list is what there is to go by. */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *copy = strdup(slash && slash[1] ? slash + 1 : path);
	char *dot = copy ? strrchr(copy, '.') : NULL;

	if (dot && dot > copy)
		*dot = '\0';
	return copy;
}

/* The manifest's directory: what a source of files is seen from. To be freed. */
static char *manifest_dir(void)
{
	const char *slash = out_path ? strrchr(out_path, '/') : NULL;
	_cleanup_free_ char *dir = !slash ? strdup(".")
				   : slash == out_path
					   ? strdup("/")
					   : strndup(out_path, (size_t)(slash - out_path));

	return dir ? realpath(dir, NULL) : NULL;
}

static enum bake_status import_dir(
	struct bake_import *import, const char *path, struct bake_error *err)
{
	_cleanup_free_ char *dir = realpath(path, NULL);
	_cleanup_free_ char *from = manifest_dir();
	_cleanup_close_ int root = -1;
	size_t len = from ? strlen(from) : 0;

	if (!dir || !from)
		return bake_error_errno(err, errno, "%s", BAKE_SHOW(path));
	if (len == 1) /* the root has its slash already */
		len = 0;
	if (strncmp(dir, from, len) != 0 || (dir[len] != '/' && dir[len] != '\0')) {
		bake_error_set(err, BAKE_ERR_USAGE, "usage.value",
			"'%s' is not below the manifest's directory '%s'", BAKE_SHOW(path),
			BAKE_SHOW(from));
		return bake_error_hint(err, "write the manifest beside it, with -o");
	}
	BAKE_TRY(bake_dir_open(path, &root, err));
	return bake_import_directory(import, root, dir[len] ? dir + len + 1 : "", path, err);
}

static enum bake_status import_one(
	struct bake_import *import, const char *path, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_IMPORT_BYTES_MAX);
	struct stat st;

	if (strcmp(path, "-") != 0 && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return import_dir(import, path, err);
	BAKE_TRY(bake_file_read(path, &text, err));
	return bake_import_read(
		import, bake_buf_span(&text), path, (enum bake_import_format)format, err);
}

/* Before anything is read: hours of hashing for nothing help nobody. */
static enum bake_status check_output(struct bake_error *err)
{
	struct stat st;

	if (!out_path || force || lstat(out_path, &st) != 0)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_CANTCREATE, "import.exists", "'%s' is there already",
		BAKE_SHOW(out_path));
	return bake_error_hint(err, "--force replaces it");
}

static void print_warnings(const struct bake_import *import)
{
	size_t count;
	const struct bake_import_warning *list = bake_import_warnings(import, &count);

	for (size_t i = 0; i < count; i++) {
		char text[1400];

		(void)snprintf(text, sizeof(text), "%s%s%s%s[%s] %s",
			list[i].document ? BAKE_SHOW(list[i].document) : "",
			list[i].document ? ": " : "", list[i].entry ? BAKE_SHOW(list[i].entry) : "",
			list[i].entry ? ": " : "", list[i].id, list[i].message);
		cli_warn(CATALOGCLI_TOOL, text);
	}
}

static void put_report(const struct bake_import *import, const struct bake_buf *manifest,
	const struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT((size_t)1 << 28);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	size_t count;
	const struct bake_import_warning *list = bake_import_warnings(import, &count);

	bake_json_object(&writer);
	cli_put_outcome(&writer, err);
	bake_json_put_text(&writer, "output", out_path);
	bake_json_put_u64(&writer, "models", bake_import_model_count(import));
	bake_json_put_u64(&writer, "left_out", bake_import_left_out(import));
	bake_json_key(&writer, "warnings");
	bake_json_array(&writer);
	for (size_t i = 0; i < count; i++) {
		bake_json_object_line(&writer);
		bake_json_put_text(&writer, "document", list[i].document);
		bake_json_put_text(&writer, "entry", list[i].entry);
		bake_json_put_text(&writer, "id", list[i].id);
		bake_json_put_text(&writer, "message", list[i].message);
		bake_json_end_object(&writer);
	}
	bake_json_end_array(&writer);
	if (!out_path)
		bake_json_put_text(&writer, "manifest", manifest->ptr);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
	cli_print_json(&text);
}

static enum bake_status deliver(const struct cli_common *common, const struct bake_import *import,
	const struct bake_buf *manifest, struct bake_error *err)
{
	if (out_path)
		BAKE_TRY(bake_file_replace_path(out_path, bake_buf_span(manifest), -1, err));
	else if (!common->json)
		(void)fwrite(manifest->ptr, 1, manifest->len, stdout);
	if (bake_import_left_out(import) > 0)
		bake_error_set(err, BAKE_ERR_PARTIAL, "import.left-out",
			"%zu entries are left out of the manifest", bake_import_left_out(import));
	if (common->json)
		put_report(import, manifest, err);
	return err->status;
}

static enum bake_status run(
	const struct cli_common *common, const struct cli_list *args, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf manifest =
		BAKE_BUF_INIT(BAKE_MANIFEST_BYTES_MAX);
	_cleanup_(bake_import_free) struct bake_import *import = NULL;
	_cleanup_free_ char *called = NULL;
	enum bake_status status;

	BAKE_TRY(check_output(err));
	called = name ? strdup(name) : name_of(out_path ? out_path : args->items[0]);
	if (!called)
		return bake_error_nomem(err);
	BAKE_TRY(bake_import_new(&import, err));
	for (size_t i = 0; i < args->count; i++)
		BAKE_TRY(import_one(import, args->items[i], err));
	status = bake_import_write(import, called, &manifest, err);
	if (!common->quiet)
		print_warnings(import);
	return status == BAKE_OK ? deliver(common, import, &manifest, err) : status;
}

const struct catalogcli_command catalogcli_import = {&command, run, NULL};
