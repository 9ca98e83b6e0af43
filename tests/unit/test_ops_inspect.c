/* SPDX-License-Identifier: Apache-2.0 */
/* Which of a model's files are loaded together: by names, with the least files that readers accept. */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "ops/inspect.h"

enum {
	FILES_MAX = 8,
	CONTENT_BYTES = 512
};

struct content {
	char bytes[CONTENT_BYTES];
	size_t len;
};

static void put(struct content *out, const void *bytes, size_t len)
{
	assert_true(out->len + len <= sizeof(out->bytes));
	memcpy(out->bytes + out->len, bytes, len);
	out->len += len;
}

static void put_number(struct content *out, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++) {
		char byte = (char)(value >> (8 * i));

		put(out, &byte, 1);
	}
}

static void put_string(struct content *out, const char *text)
{
	put_number(out, strlen(text), 8);
	put(out, text, strlen(text));
}

/* One key, general.architecture, and one tensor of 32 numbers in F32. */
static void make_gguf(const char *architecture, struct content *out)
{
	static const char zeros[160];

	put(out, "GGUF", 4);
	put_number(out, 3, 4);
	put_number(out, 1, 8);
	put_number(out, 1, 8);
	put_string(out, "general.architecture");
	put_number(out, 8, 4);
	put_string(out, architecture);
	put_string(out, "w");
	put_number(out, 1, 4);
	put_number(out, 32, 8);
	put_number(out, 0, 4);
	put_number(out, 0, 8);
	put(out, zeros, (32 - out->len % 32) % 32);
	put(out, zeros, 128);
}

static void make_safetensors(struct content *out)
{
	static const char header[] =
		"{\"w\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}";

	put_number(out, strlen(header), 8);
	put(out, header, strlen(header));
	put(out, "12345678", 8);
}

static void make(const char *name, struct content *out)
{
	const char *dot = strrchr(name, '.');

	out->len = 0;
	if (strstr(name, "mmproj"))
		make_gguf("clip", out);
	else if (dot && strcmp(dot, ".gguf") == 0)
		make_gguf("llama", out);
	else if (dot && strcmp(dot, ".safetensors") == 0)
		make_safetensors(out);
	else
		put(out, "{}", 2);
}

static struct content contents[FILES_MAX];

static enum bake_status read_content(
	void *context, size_t at, uint64_t offset, void *out, size_t len, struct bake_error *err)
{
	(void)context;
	(void)err;
	assert_true(offset <= contents[at].len && len <= contents[at].len - offset);
	memcpy(out, contents[at].bytes + offset, len);
	return BAKE_OK;
}

/* Each file as "PATH USE", in that order. */
static const struct use_row {
	const char *name;
	const char *only;
	const char *files[FILES_MAX];
	const char *want;
	const char *format;
} uses[] = {
	{"one GGUF file", NULL, {"a.gguf"}, "a.gguf weights", "gguf"},
	{"two models: the first by name", NULL, {"b.gguf", "a.gguf"},
		"a.gguf weights\nb.gguf spare", "gguf"},
	{"the one that is asked for", "b.gguf", {"a.gguf", "b.gguf"}, "b.gguf weights", "gguf"},
	{"splits", "m-00001-of-00002.gguf",
		{"m-00001-of-00002.gguf", "m-00002-of-00002.gguf", "m-00001-of-00003.gguf"},
		"m-00001-of-00002.gguf weights\nm-00002-of-00002.gguf weights", "gguf"},
	{"splits in a directory", NULL, {"q/m-00001-of-00002.gguf", "q/m-00002-of-00002.gguf"},
		"q/m-00001-of-00002.gguf weights\nq/m-00002-of-00002.gguf weights", "gguf"},
	{"a projector of no name", NULL, {"llama-3.gguf", "mmproj-F16.gguf"},
		"llama-3.gguf weights\nmmproj-F16.gguf projector", "gguf"},
	{"a projector at the end of its name", NULL, {"llama-3.gguf", "llama-3-mmproj.gguf"},
		"llama-3-mmproj.gguf projector\nllama-3.gguf weights", "gguf"},
	{"two precisions of a projector", NULL,
		{"llama-3.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf"},
		"llama-3.gguf weights\nmmproj-BF16.gguf projector\nmmproj-F16.gguf spare", "gguf"},
	{"a projector of another model", NULL, {"llama-3.gguf", "mmproj-gemma.gguf"},
		"llama-3.gguf weights\nmmproj-gemma.gguf spare", "gguf"},
	{"a projector alone", NULL, {"mmproj-gemma.gguf"}, "mmproj-gemma.gguf weights", "gguf"},
	{"a safetensors file", NULL, {"x.safetensors"}, "x.safetensors weights", "safetensors"},
	{"two parts of something", NULL, {"clip.safetensors", "t5.safetensors"},
		"clip.safetensors weights\nt5.safetensors weights", "safetensors"},
	{"the usual name", NULL, {"config.json", "model.safetensors", "consolidated.safetensors"},
		"model.safetensors weights", "transformers"},
	{"shards", NULL,
		{"model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
			"other.safetensors"},
		"model-00001-of-00002.safetensors weights\n"
		"model-00002-of-00002.safetensors weights",
		"safetensors"},
	{"files of Nunchaku instead of each other", NULL,
		{"svdq-int4_r128-a-8steps.safetensors", "svdq-int4_r32-a-8steps.safetensors"},
		"svdq-int4_r128-a-8steps.safetensors weights", "safetensors"},
	{"that one of Nunchaku's", "svdq-int4_r32-a-8steps.safetensors",
		{"svdq-int4_r128-a-8steps.safetensors", "svdq-int4_r32-a-8steps.safetensors"},
		"svdq-int4_r32-a-8steps.safetensors weights", "safetensors"},
	{"GGUF beside safetensors", NULL, {"a.gguf", "model.safetensors"}, "a.gguf weights",
		"gguf"},
	{"weights in another directory are another's", NULL, {"config.json", "sub/x.safetensors"},
		"", "transformers"},
	{"a pickle", NULL, {"config.json", "pytorch_model.bin"}, "pytorch_model.bin other",
		"transformers"},
	{"nothing", NULL, {NULL}, "", NULL},
};

static void try_uses(void **state)
{
	static const char *const names[] = {"other", "weights", "projector", "adapter", "spare"};
	const struct use_row *row = *state;
	struct bake_inspect_entry entries[FILES_MAX];
	struct bake_inspect_source source = {.entries = entries, .read = read_content};
	struct bake_inspect_options options = {.only = row->only};
	struct bake_inspection *inspection = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_buf got = BAKE_BUF_INIT(4096);

	for (; source.count < FILES_MAX && row->files[source.count]; source.count++) {
		make(row->files[source.count], &contents[source.count]);
		entries[source.count] = (struct bake_inspect_entry){
			row->files[source.count], contents[source.count].len};
	}
	check_status(bake_inspect(&source, &options, &inspection, &err), &err, BAKE_OK, NULL);
	for (size_t i = 0; i < inspection->file_count; i++)
		bake_buf_addf(&got, "%s%s %s", i ? "\n" : "", inspection->files[i].path,
			names[inspection->files[i].use]);
	assert_string_equal(got.ptr ? got.ptr : "", row->want);
	if (row->format)
		assert_string_equal(inspection->format, row->format);
	else
		assert_null(inspection->format);
	bake_buf_release(&got);
	bake_inspection_free(&inspection);
}

/* What comes through a pipe. */
static const struct stream_row {
	const char *name;
	const char *line;
	bool gguf; /* follows */
	enum bake_status want;
	const char *id;
} streams[] = {
	{"a file", "bake.peek/1 256\n", true, BAKE_OK, NULL},
	{"a file that is longer than what came", "bake.peek/1 100000\n", true, BAKE_ERR_TEMPORARY,
		"inspect.short"},
	{"nothing", "", false, BAKE_ERR_TEMPORARY, "inspect.short"},
	{"half a line", "bake.peek/1 2", false, BAKE_ERR_TEMPORARY, "inspect.short"},
	{"another protocol", "bake.peek/2 224\n", true, BAKE_ERR_PROTOCOL, "inspect.stream"},
	{"no number", "bake.peek/1 many\n", true, BAKE_ERR_PROTOCOL, "inspect.stream"},
	{"a number past 2^64", "bake.peek/1 99999999999999999999\n", true, BAKE_ERR_PROTOCOL,
		"inspect.stream"},
	{"a line without an end",
		"bake.peek/1 "
		"0000000000000000000000000000000000000000000000000000000000000000000000000000",
		false, BAKE_ERR_PROTOCOL, "inspect.stream"},
};

static void try_stream(void **state)
{
	const struct stream_row *row = *state;
	const struct bake_inspect_options options = {.mode = BAKE_GGUF_STRICT};
	struct bake_inspection *inspection = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct content gguf = {.len = 0};
	int ends[2];

	make_gguf("llama", &gguf);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], row->line, strlen(row->line)), (ssize_t)strlen(row->line));
	if (row->gguf)
		assert_int_equal(write(ends[1], gguf.bytes, gguf.len), (ssize_t)gguf.len);
	assert_int_equal(close(ends[1]), 0);
	check_status(bake_inspect_stream(ends[0], "m.gguf", &options, &inspection, &err), &err,
		row->want, row->id);
	assert_int_equal(close(ends[0]), 0);
	if (row->want == BAKE_OK)
		assert_int_equal(inspection->weights.bytes, 128);
	bake_inspection_free(&inspection);
}

int main(void)
{
	const struct rows tables[] = {
		ROWS(uses, try_uses),
		ROWS(streams, try_stream),
	};

	return run_rows("ops/inspect", tables, countof(tables));
}
