/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The architecture of whatever is a GGUF file: it is read, no list is longer than there are blocks,
 * and what is written of it is read back the same.
 */
#include "arch/arch.h"
#include "arch/hints.h"
#include "fuzz/fuzz.h"

static void free_arch(struct bake_arch **arch)
{
	bake_arch_free(arch);
}

static void write_arch(const struct bake_arch *arch, struct bake_buf *buf)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(buf);

	bake_arch_write(arch, &writer);
	bake_json_finish(&writer);
	CLAIM(!buf->full && !buf->nomem);
}

static void check_written(const struct bake_arch *arch)
{
	_cleanup_(bake_buf_release) struct bake_buf first = BAKE_BUF_INIT(64 << 20);
	_cleanup_(bake_buf_release) struct bake_buf second = BAKE_BUF_INIT(64 << 20);
	_cleanup_(free_arch) struct bake_arch *again = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json_doc *doc = NULL;
	struct bake_json root;

	write_arch(arch, &first);
	CLAIM(succeeded(bake_json_open(bake_buf_span(&first), "arch", &doc, &err), &err));
	root = bake_json_root(doc);
	CLAIM(succeeded(bake_arch_parse(&root, &again, &err), &err));
	bake_json_close(&doc);
	write_arch(again, &second);
	CLAIM(first.len == second.len && memcmp(first.ptr, second.ptr, first.len) == 0);
}

static void check_hints(const struct bake_arch *arch)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(1 << 20);
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&buf);
	struct bake_hints hints;

	bake_hints_make(arch, 1 << 20, arch->quantization.label, &hints);
	bake_hints_write(&hints, NULL, &writer);
	CLAIM(!buf.full && !buf.nomem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(free_arch) struct bake_arch *arch = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_gguf *gguf = NULL;
	uint64_t need = 0;

	if (!succeeded(bake_gguf_parse(bake_span(data, size), size, "m.gguf", BAKE_GGUF_TOLERANT,
			       &need, &gguf, &err),
		    &err) ||
		!gguf)
		return 0;
	CLAIM(succeeded(bake_arch_new(&arch, &err), &err));
	CLAIM(succeeded(bake_arch_read_gguf(arch, gguf, "m.gguf", &err), &err));
	bake_gguf_free(&gguf);
	CLAIM(succeeded(bake_arch_finish(arch, &err), &err));
	for (size_t i = 0; i < arch->warning_count; i++)
		for (const char *at = arch->warnings[i]; *at; at++)
			CLAIM(*at >= 0x20 && *at < 0x7f);
	check_written(arch);
	check_hints(arch);
	return 0;
}
