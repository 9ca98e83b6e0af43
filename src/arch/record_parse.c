/* SPDX-License-Identifier: Apache-2.0 */
/* Reading back what record_write.c wrote. What is not known is of a newer version: ignored. */
#include <stdio.h>

#include "arch/record.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/num.h"

/* Where a value goes, and the source that field_sources gives for it. */
struct target {
	struct bake_arch *arch;
	bool vision;
	unsigned field;
	const char *source;
};

/* An object as one line, which the caller releases. */
static enum bake_status line_of(
	const struct bake_json *value, struct bake_buf *line, struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(line);

	if (!bake_json_is_object(value))
		return bake_json_error(value, "json.type", err, "expected an object");
	bake_json_write_value(&writer, value);
	return bake_buf_status(line, "an object of the record", err);
}

static enum bake_status parse_json(
	const struct bake_json *value, const struct target *to, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf line = BAKE_BUF_INIT(BAKE_ARCH_JSON_MAX);

	BAKE_TRY(line_of(value, &line, err));
	return bake_arch_set_json(to->arch, to->field, line.ptr, to->source, err);
}

struct parsed_list {
	uint64_t numbers[BAKE_ARCH_LIST_MAX];
	size_t count;
};

static enum bake_status parse_element(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct parsed_list *list = out;

	if (list->count == countof(list->numbers))
		return bake_json_error(value->parent, "json.range", err, "more than %zu elements",
			countof(list->numbers));
	BAKE_TRY(bake_json_u64(value, BAKE_SIZE_MAX, &list->numbers[list->count], err));
	list->count++;
	return BAKE_OK;
}

static enum bake_status parse_list(
	const struct bake_json *value, const struct target *to, struct bake_error *err)
{
	struct parsed_list list = {.count = 0};

	BAKE_TRY(bake_json_each_element(value, parse_element, &list, err));
	if (!list.count)
		return bake_json_error(value, "json.range", err, "no elements");
	return bake_arch_set_list(to->arch, to->field, list.numbers, list.count, to->source, err);
}

static enum bake_status parse_f64(
	const struct bake_json *value, const struct target *to, struct bake_error *err)
{
	double number = 0;

	BAKE_TRY(bake_json_f64(value, &number, err));
	return bake_arch_set_f64(to->arch, to->field, number, to->source, err);
}

static enum bake_status parse_bool(
	const struct bake_json *value, const struct target *to, struct bake_error *err)
{
	bool flag = false;

	BAKE_TRY(bake_json_bool(value, &flag, err));
	return bake_arch_set_bool(to->arch, to->field, flag, to->source, err);
}

static enum bake_status parse_u64(
	const struct bake_json *value, const struct target *to, struct bake_error *err)
{
	uint64_t number = 0;

	BAKE_TRY(bake_json_u64(value, BAKE_SIZE_MAX, &number, err));
	if (to->vision)
		return bake_arch_set_vision_u64(to->arch, to->field, number, to->source, err);
	return bake_arch_set_u64(to->arch, to->field, number, to->source, err);
}

static enum bake_status parse_text(
	const struct bake_json *value, const struct target *to, struct bake_error *err)
{
	const char *text = "";

	BAKE_TRY(bake_json_copy(value, BAKE_ARCH_TEXT_MAX, &to->arch->arena, &text, err));
	if (to->vision)
		return bake_arch_set_vision_text(
			to->arch, to->field, bake_span_text(text), to->source, err);
	return bake_arch_set_text(to->arch, to->field, bake_span_text(text), to->source, err);
}

static enum bake_status parse_fact(
	const struct bake_json *value, const struct target *to, struct bake_error *err)
{
	static enum bake_status (*const parsers[])(
		const struct bake_json *value, const struct target *to, struct bake_error *err) = {
		[BAKE_ARCH_U64] = parse_u64,
		[BAKE_ARCH_F64] = parse_f64,
		[BAKE_ARCH_BOOL] = parse_bool,
		[BAKE_ARCH_TEXT] = parse_text,
		[BAKE_ARCH_JSON] = parse_json,
		[BAKE_ARCH_LIST] = parse_list,
	};
	enum bake_arch_kind kind = to->vision ? bake_arch_vision_field_kind(to->field)
					      : bake_arch_field_kind(to->field);

	return parsers[kind](value, to, err);
}

/* The source of a field; every one has its own. */
static enum bake_status source_of(
	const struct bake_json *root, const char *name, const char **out, struct bake_error *err)
{
	struct bake_json sources;
	struct bake_json source;

	if (!bake_json_find(root, "field_sources", &sources))
		return bake_json_error(
			root, "json.missing-field", err, "field \"field_sources\" is missing");
	if (!bake_json_find(&sources, name, &source))
		return bake_json_error(
			&sources, "json.missing-field", err, "field \"%s\" is missing", name);
	return bake_json_string(&source, out, err);
}

static enum bake_status parse_facts(
	const struct bake_json *root, struct bake_arch *arch, struct bake_error *err)
{
	for (unsigned i = 0; i < BAKE_ARCH_FIELDS; i++) {
		struct target to = {.arch = arch, .field = i};
		struct bake_json value;

		if (!bake_json_find(root, bake_arch_field_name(i), &value))
			continue;
		BAKE_TRY(source_of(root, bake_arch_field_name(i), &to.source, err));
		BAKE_TRY(parse_fact(&value, &to, err));
	}
	return BAKE_OK;
}

static enum bake_status parse_vision(
	const struct bake_json *root, struct bake_arch *arch, struct bake_error *err)
{
	struct bake_json vision;

	if (!bake_json_find(root, "vision", &vision))
		return BAKE_OK;
	for (unsigned i = 0; i < BAKE_VISION_FIELDS; i++) {
		struct target to = {.arch = arch, .vision = true, .field = i};
		struct bake_json value;
		char name[64];

		if (!bake_json_find(&vision, bake_arch_vision_field_name(i), &value))
			continue;
		(void)snprintf(name, sizeof(name), "vision.%s", bake_arch_vision_field_name(i));
		BAKE_TRY(source_of(root, name, &to.source, err));
		BAKE_TRY(parse_fact(&value, &to, err));
	}
	return BAKE_OK;
}

/* The quantization while its members are read. */
struct quantization_reading {
	struct bake_arch_quantization said;
	struct bake_buf details;
};

#define QUANTIZATION_TEXT(member)                                                                  \
	static enum bake_status read_##member(                                                     \
		const struct bake_json *value, void *out, struct bake_error *err)                  \
	{                                                                                          \
		return bake_json_string(                                                           \
			value, &((struct quantization_reading *)out)->said.member, err);           \
	}

QUANTIZATION_TEXT(method)
QUANTIZATION_TEXT(label)

static enum bake_status read_bits(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_u64(
		value, BAKE_SIZE_MAX, &((struct quantization_reading *)out)->said.bits, err);
}

static enum bake_status read_rank(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_u64(
		value, BAKE_SIZE_MAX, &((struct quantization_reading *)out)->said.rank, err);
}

static enum bake_status read_group_size(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_i64(value, -1, (int64_t)BAKE_SIZE_MAX,
		&((struct quantization_reading *)out)->said.group_size, err);
}

static enum bake_status read_details(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct quantization_reading *reading = out;

	BAKE_TRY(line_of(value, &reading->details, err));
	reading->said.details = reading->details.ptr;
	return BAKE_OK;
}

static void quantization_reading_release(struct quantization_reading *reading)
{
	bake_buf_release(&reading->details);
}

static enum bake_status parse_quantization(
	const struct bake_json *root, struct bake_arch *arch, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"method", read_method, true},
		{"label", read_label, false},
		{"bits", read_bits, false},
		{"group_size", read_group_size, false},
		{"rank", read_rank, false},
		{"details", read_details, false},
	};
	_cleanup_(quantization_reading_release) struct quantization_reading reading = {
		.details = BAKE_BUF_INIT(BAKE_ARCH_JSON_MAX),
	};
	struct bake_json value;

	if (!bake_json_find(root, "quantization", &value))
		return BAKE_OK;
	BAKE_TRY(source_of(root, "quantization", &reading.said.source, err));
	BAKE_TRY(bake_json_read_object(
		&value, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, &reading, err));
	return bake_arch_set_quantization(arch, &reading.said, err);
}

static enum bake_status read_source(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	const char *text = "";

	BAKE_TRY(bake_json_string(value, &text, err));
	return bake_arch_add_source(out, text, err);
}

static enum bake_status read_warning(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	const char *text = "";

	BAKE_TRY(bake_json_string(value, &text, err));
	return bake_arch_warn(out, err, "%s", text);
}

static enum bake_status parse_texts(const struct bake_json *root, const char *key, size_t max,
	enum bake_status (*read)(const struct bake_json *value, void *out, struct bake_error *err),
	struct bake_arch *arch, struct bake_error *err)
{
	struct bake_json value;

	if (!bake_json_find(root, key, &value))
		return BAKE_OK;
	if (bake_json_count(&value) > max)
		return bake_json_error(&value, "json.range", err, "more than %zu elements", max);
	return bake_json_each_element(&value, read, arch, err);
}

/* Everything but components, which have none of their own. */
static enum bake_status parse_one(
	const struct bake_json *root, struct bake_arch *arch, struct bake_error *err)
{
	if (!bake_json_is_object(root))
		return bake_json_error(root, "json.type", err, "expected an object");
	BAKE_TRY(parse_texts(root, "sources", BAKE_ARCH_SOURCES_MAX, read_source, arch, err));
	BAKE_TRY(parse_texts(root, "warnings", BAKE_ARCH_WARNINGS_MAX, read_warning, arch, err));
	BAKE_TRY(parse_facts(root, arch, err));
	BAKE_TRY(parse_vision(root, arch, err));
	return parse_quantization(root, arch, err);
}

static enum bake_status copy_text(const struct bake_json *component, const char *key,
	struct bake_arch *arch, const char **out, struct bake_error *err)
{
	struct bake_json value;

	if (!bake_json_find(component, key, &value))
		return BAKE_OK;
	return bake_json_copy(&value, BAKE_ARCH_TEXT_MAX, &arch->arena, out, err);
}

static enum bake_status read_component(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_arch *arch = out;
	struct bake_arch_component *component = &arch->components[arch->component_count];
	struct bake_json part;

	if (!bake_json_is_object(value))
		return bake_json_error(value, "json.type", err, "expected an object");
	arch->component_count++;
	BAKE_TRY(copy_text(value, "name", arch, &component->name, err));
	BAKE_TRY(copy_text(value, "library", arch, &component->library, err));
	BAKE_TRY(copy_text(value, "class_name", arch, &component->class_name, err));
	if (!component->name)
		return bake_json_error(
			value, "json.missing-field", err, "field \"name\" is missing");
	if (!bake_json_find(value, "architecture", &part))
		return BAKE_OK;
	BAKE_TRY(bake_arch_new(&component->arch, err));
	return parse_one(&part, component->arch, err);
}

static enum bake_status parse_components(
	const struct bake_json *root, struct bake_arch *arch, struct bake_error *err)
{
	struct bake_json value;
	size_t count;

	if (!bake_json_find(root, "components", &value))
		return BAKE_OK;
	count = bake_json_count(&value);
	if (count > BAKE_ARCH_COMPONENTS_MAX)
		return bake_json_error(&value, "json.range", err, "more than %d components",
			BAKE_ARCH_COMPONENTS_MAX);
	arch->components = bake_arena_array(&arch->arena, count, sizeof(*arch->components));
	if (!arch->components)
		return bake_error_nomem(err);
	return bake_json_each_element(&value, read_component, arch, err);
}

enum bake_status bake_arch_parse(
	const struct bake_json *value, struct bake_arch **out, struct bake_error *err)
{
	_cleanup_(bake_arch_free) struct bake_arch *arch = NULL;

	BAKE_TRY(bake_arch_new(&arch, err));
	BAKE_TRY(parse_one(value, arch, err));
	BAKE_TRY(parse_components(value, arch, err));
	*out = arch;
	arch = NULL;
	return BAKE_OK;
}
