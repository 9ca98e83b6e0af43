/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration documents of any bytes, for each reader: refused, or a record that can be finished,
 * written, and read back as the same one. */
#include "arch/record.h"
#include "base/num.h"
#include "fuzz/fuzz.h"

static void check_fact(const struct bake_arch_fact *fact)
{
	if (!fact->known)
		return;
	CLAIM(fact->source && fact->source[0]);
	CLAIM(fact->u64 <= BAKE_SIZE_MAX);
	CLAIM((fact->kind != BAKE_ARCH_TEXT && fact->kind != BAKE_ARCH_JSON) ||
		(fact->text && fact->text[0]));
	CLAIM(fact->kind != BAKE_ARCH_LIST ||
		(fact->list_count && fact->list_count <= BAKE_ARCH_LIST_MAX));
}

static void check_layers(const struct bake_arch *arch, enum bake_arch_field field)
{
	const struct bake_arch_fact *fact = bake_arch_get(arch, field);
	uint64_t layers = bake_arch_u64(arch, BAKE_ARCH_NUM_LAYERS, 0);

	CLAIM(!fact || fact->list_count == layers);
}

static void check(const struct bake_arch *arch)
{
	for (size_t i = 0; i < BAKE_ARCH_FIELDS; i++)
		check_fact(&arch->facts[i]);
	for (size_t i = 0; i < BAKE_VISION_FIELDS; i++)
		check_fact(&arch->vision[i]);
	check_layers(arch, BAKE_ARCH_SLIDING_WINDOW_PER_LAYER);
	check_layers(arch, BAKE_ARCH_RECURRENT_PER_LAYER);
	for (size_t i = 0; i < arch->warning_count; i++) {
		for (const char *at = arch->warnings[i]; *at; at++)
			CLAIM(*at >= 0x20 && *at < 0x7f);
	}
}

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
	bake_arch_write(again, &rewriter);
	CLAIM(text.len == second.len && memcmp(text.ptr, second.ptr, text.len) == 0);
}

/* Bytes that happen to be a record. */
static void parse_directly(struct bake_span text)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_json root;

	if (!succeeded(bake_json_open(text, "record", &doc, &err), &err))
		return;
	root = bake_json_root(doc);
	if (succeeded(bake_arch_parse(&root, &arch, &err), &err))
		write_and_read_back(arch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct {
		enum bake_status (*read)(struct bake_arch *arch, struct bake_span text,
			const char *path, struct bake_error *err);
		const char *path;
	} readers[] = {
		{bake_arch_read_config, "config.json"},
		{bake_arch_read_generation, "generation_config.json"},
		{bake_arch_read_preprocessor, "preprocessor_config.json"},
		{bake_arch_read_tokenizer, "tokenizer_config.json"},
		{bake_arch_read_quantize, "quantize_config.json"},
		{bake_arch_read_quantize, "hf_quant_config.json"},
	};
	_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	CLAIM(succeeded(bake_arch_new(&arch, &err), &err));
	for (size_t i = 0; i < countof(readers); i++) {
		if (!succeeded(readers[i].read(arch, bake_span(data, size), readers[i].path, &err),
			    &err))
			return 0;
	}
	check(arch);
	CLAIM(succeeded(bake_arch_finish(arch, &err), &err));
	check(arch);
	write_and_read_back(arch);
	parse_directly(bake_span(data, size));
	return 0;
}
