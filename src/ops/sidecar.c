/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/sidecar.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/dir.h"
#include "fs/file.h"
#include "json/json.h"

static const char *const names[] = {"model_id", "display_name", "filename", "size_mb", "min_ram_gb",
	"description", "download_date", "is_default"};

bool bake_sidecar_is_for(const char *path)
{
	static const char *const endings[] = {".gguf", ".safetensors", ".bin", ".onnx", ".pt",
		".pth", ".ckpt", ".npz", ".tflite"};

	for (size_t i = 0; i < countof(endings); i++) {
		size_t len = strlen(path);
		size_t end = strlen(endings[i]);

		if (len > end && strcasecmp(path + len - end, endings[i]) == 0)
			return true;
	}
	return false;
}

void bake_sidecar_write(const struct bake_sidecar *sidecar, struct bake_buf *out)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(out);
	char date[32];

	(void)snprintf(date, sizeof(date), "%" PRId64 ".0", sidecar->time);
	bake_json_object(&writer);
	bake_json_put_text(&writer, "model_id", sidecar->model_id);
	bake_json_put_text(&writer, "display_name", sidecar->display_name);
	bake_json_put_text(&writer, "filename", sidecar->filename);
	/* Readers take a file of at least so many MiB to be whole. */
	bake_json_put_u64(&writer, "size_mb", sidecar->bytes >> 20);
	if (sidecar->min_ram_bytes)
		bake_json_put_u64(&writer, "min_ram_gb",
			sidecar->min_ram_bytes / 1000000000 +
				(sidecar->min_ram_bytes % 1000000000 ? 1 : 0));
	bake_json_put_text(&writer, "description", sidecar->description);
	bake_json_put_text(&writer, "download_date", date);
	bake_json_put_bool(&writer, "is_default", sidecar->is_default);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
}

static enum bake_status read_member(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	(void)out;
	for (size_t i = 0; i < countof(names); i++) {
		if (strcmp(value->key, names[i]) == 0)
			return BAKE_OK;
	}
	return bake_json_error(value, "json.unknown-field", err, "no field of a sidecar");
}

/* Whether the document's members are ours and it names the file, of which path has the ending more. */
static bool describes(struct bake_span text, const char *path)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error ignored = BAKE_ERROR_INIT;
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	struct bake_json root;
	struct bake_json value;
	const char *filename;

	if (bake_json_open(text, path, &doc, &ignored) != BAKE_OK)
		return false;
	root = bake_json_root(doc);
	return bake_json_is_object(&root) &&
	       bake_json_each_member(&root, read_member, NULL, &ignored) == BAKE_OK &&
	       bake_json_find(&root, "model_id", &value) &&
	       bake_json_find(&root, "filename", &value) &&
	       bake_json_string(&value, &filename, &ignored) == BAKE_OK &&
	       strlen(base) == strlen(filename) + strlen(BAKE_SIDECAR_ENDING) &&
	       strncmp(base, filename, strlen(filename)) == 0;
}

bool bake_sidecar_is(int root, const char *path)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_SIDECAR_BYTES_MAX);
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_relpath relative;
	_cleanup_close_ int fd = -1;
	struct stat st;

	return bake_text_ends(path, BAKE_SIDECAR_ENDING) &&
	       bake_relpath_parse(path, &relative, &ignored) == BAKE_OK &&
	       bake_open_regular(root, relative, &fd, &st, &ignored) == BAKE_OK &&
	       st.st_size <= BAKE_SIDECAR_BYTES_MAX &&
	       bake_file_read_fd(fd, path, &text, &ignored) == BAKE_OK && text.len &&
	       describes(bake_buf_span(&text), path);
}
