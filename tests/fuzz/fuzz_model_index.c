/* SPDX-License-Identifier: Apache-2.0 */
/* A pipeline's list of parts of any bytes: refused, or parts with names, written and read back. */
#include "arch/record.h"
#include "fuzz/fuzz.h"

static void write_and_read_back(const struct bake_arch *arch)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(1 << 26);
	_cleanup_(bake_buf_release) struct bake_buf second = BAKE_BUF_INIT(1 << 26);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	_cleanup_(bake_arch_free) struct bake_arch *again = NULL;
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&text);
	struct bake_json_writer rewriter = BAKE_JSON_WRITER_INIT(&second);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json root;

	bake_arch_write(arch, &writer);
	CLAIM(succeeded(bake_json_open(bake_buf_span(&text), "record", &doc, &err), &err));
	root = bake_json_root(doc);
	CLAIM(succeeded(bake_arch_parse(&root, &again, &err), &err));
	CLAIM(again->component_count == arch->component_count);
	bake_arch_write(again, &rewriter);
	CLAIM(text.len == second.len && memcmp(text.ptr, second.ptr, text.len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_span text = bake_span(data, size);

	CLAIM(succeeded(bake_arch_new(&arch, &err), &err));
	if (!succeeded(bake_arch_read_model_index(arch, text, "model_index.json", &err), &err))
		return 0;
	CLAIM(arch->component_count <= BAKE_ARCH_COMPONENTS_MAX);
	for (size_t i = 0; i < arch->component_count; i++) {
		struct bake_arch_component *part = &arch->components[i];

		CLAIM(part->name[0] && part->name[0] != '_' && part->class_name[0]);
		if (i < 4) {
			CLAIM(succeeded(bake_arch_new(&part->arch, &err), &err));
			CLAIM(succeeded(
				bake_arch_read_config(part->arch, text, "c.json", &err), &err));
		}
	}
	CLAIM(succeeded(bake_arch_finish(arch, &err), &err));
	write_and_read_back(arch);
	return 0;
}
