/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/record.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

enum {
	ARENA_BYTES_MAX = 64 * 1024 * 1024
};

enum bake_status bake_arch_new(struct bake_arch **out, struct bake_error *err)
{
	struct bake_arch *arch = calloc(1, sizeof(*arch));

	if (!arch)
		return bake_error_nomem(err);
	arch->arena.max = ARENA_BYTES_MAX;
	*out = arch;
	return BAKE_OK;
}

void bake_arch_free(struct bake_arch **arch)
{
	if (*arch) {
		for (size_t i = 0; i < (*arch)->component_count; i++)
			bake_arch_free(&(*arch)->components[i].arch);
		bake_arena_release(&(*arch)->arena);
	}
	free(*arch);
	*arch = NULL;
}

bool bake_arch_is_empty(const struct bake_arch *arch)
{
	for (size_t i = 0; i < countof(arch->facts); i++) {
		if (arch->facts[i].known)
			return false;
	}
	for (size_t i = 0; i < countof(arch->vision); i++) {
		if (arch->vision[i].known)
			return false;
	}
	return !arch->quantization.method && !arch->component_count;
}

const struct bake_arch_fact *bake_arch_get(const struct bake_arch *arch, enum bake_arch_field field)
{
	return arch->facts[field].known ? &arch->facts[field] : NULL;
}

uint64_t bake_arch_u64(const struct bake_arch *arch, enum bake_arch_field field, uint64_t missing)
{
	return arch->facts[field].known ? arch->facts[field].u64 : missing;
}

/* Returns the length of what is now in out. What is longer than the room ends in "...". */
static size_t show(struct bake_span text, char out[BAKE_ARCH_TEXT_MAX + 1])
{
	size_t used = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = text.ptr[i];
		bool plain = byte >= 0x20 && byte < 0x7f;

		if (used + (plain ? 1 : 4) > BAKE_ARCH_TEXT_MAX) {
			used = bake_u64_min(used, BAKE_ARCH_TEXT_MAX - 3);
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		if (plain)
			out[used] = (char)byte;
		else
			(void)snprintf(out + used, 5, "\\x%02x", byte);
		used += plain ? 1 : 4;
	}
	out[used] = '\0';
	return used;
}

const char *bake_arch_printable(struct bake_arch *arch, struct bake_span text)
{
	char out[BAKE_ARCH_TEXT_MAX + 1];
	size_t len = show(text, out);

	return bake_arena_copy(&arch->arena, out, len);
}

/* Adds to a list of texts, each once; the last of max places is for saying that there are more.
 * What is not kept takes no memory: a document can give a reason to warn a million times. */
static enum bake_status add_once(struct bake_arch *arch, const char ***list, size_t *count,
	size_t max, const char *text, struct bake_error *err)
{
	char shown[BAKE_ARCH_TEXT_MAX + 1];
	const char *copy = "there are more than are kept";
	size_t len = show(bake_span_text(text), shown);

	for (size_t i = 0; i < *count; i++) {
		if (strcmp((*list)[i], shown) == 0)
			return BAKE_OK;
	}
	if (*count == max)
		return BAKE_OK;
	if (!*list)
		*list = bake_arena_array(&arch->arena, max, sizeof(**list));
	if (*count < max - 1)
		copy = bake_arena_copy(&arch->arena, shown, len);
	if (!copy || !*list)
		return bake_error_nomem(err);
	(*list)[(*count)++] = copy;
	return BAKE_OK;
}

enum bake_status bake_arch_warn(
	struct bake_arch *arch, struct bake_error *err, const char *format, ...)
{
	char text[BAKE_ARCH_TEXT_MAX + 1];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return add_once(
		arch, &arch->warnings, &arch->warning_count, BAKE_ARCH_WARNINGS_MAX, text, err);
}

enum bake_status bake_arch_add_source(
	struct bake_arch *arch, const char *source, struct bake_error *err)
{
	return add_once(
		arch, &arch->sources, &arch->source_count, BAKE_ARCH_SOURCES_MAX, source, err);
}

/* What is being set: the place for it, and its name in warnings. */
struct setting {
	struct bake_arch *arch;
	struct bake_arch_fact *fact;
	const char *name;
	const char *source;
};

static struct setting setting_of(
	struct bake_arch *arch, enum bake_arch_field field, const char *source)
{
	return (struct setting){arch, &arch->facts[field], bake_arch_field_name(field), source};
}

static struct setting vision_setting_of(
	struct bake_arch *arch, enum bake_arch_vision_field field, const char *source)
{
	return (struct setting){
		arch, &arch->vision[field], bake_arch_vision_field_name(field), source};
}

static enum bake_status keep(
	const struct setting *set, struct bake_arch_fact fact, struct bake_error *err)
{
	fact.source = bake_arch_printable(set->arch, bake_span_text(set->source));
	if (!fact.source)
		return bake_error_nomem(err);
	fact.known = true;
	*set->fact = fact;
	return BAKE_OK;
}

static enum bake_status refuse(const struct setting *set, const char *why, struct bake_error *err)
{
	return bake_arch_warn(set->arch, err, "%s of %s %s", set->name, set->source, why);
}

static enum bake_status set_number(
	const struct setting *set, enum bake_arch_kind kind, uint64_t value, struct bake_error *err)
{
	if (set->fact->known)
		return BAKE_OK;
	if (value > BAKE_SIZE_MAX)
		return refuse(set, "is too large", err);
	return keep(set, (struct bake_arch_fact){.kind = kind, .u64 = value}, err);
}

enum bake_status bake_arch_set_u64(struct bake_arch *arch, enum bake_arch_field field,
	uint64_t value, const char *source, struct bake_error *err)
{
	struct setting set = setting_of(arch, field, source);

	if (bake_arch_field_kind(field) == BAKE_ARCH_F64)
		return bake_arch_set_f64(arch, field, (double)value, source, err);
	if (bake_arch_field_kind(field) == BAKE_ARCH_BOOL)
		return bake_arch_set_bool(arch, field, value != 0, source, err);
	return set_number(&set, BAKE_ARCH_U64, value, err);
}

enum bake_status bake_arch_set_bool(struct bake_arch *arch, enum bake_arch_field field, bool value,
	const char *source, struct bake_error *err)
{
	struct setting set = setting_of(arch, field, source);

	return set_number(&set, BAKE_ARCH_BOOL, value ? 1 : 0, err);
}

enum bake_status bake_arch_set_vision_u64(struct bake_arch *arch, enum bake_arch_vision_field field,
	uint64_t value, const char *source, struct bake_error *err)
{
	struct setting set = vision_setting_of(arch, field, source);

	return set_number(&set, BAKE_ARCH_U64, value, err);
}

enum bake_status bake_arch_set_f64(struct bake_arch *arch, enum bake_arch_field field, double value,
	const char *source, struct bake_error *err)
{
	struct setting set = setting_of(arch, field, source);
	struct bake_arch_fact fact = {.kind = BAKE_ARCH_F64, .f64 = value};

	if (set.fact->known)
		return BAKE_OK;
	if (!isfinite(value))
		return refuse(&set, "is not finite", err);
	if (value == 0)
		fact.f64 = 0; /* of the two zeros one */
	if (value >= 0 && value <= (double)BAKE_SIZE_MAX)
		fact.u64 = (uint64_t)value;
	return keep(&set, fact, err);
}

static enum bake_status set_text(
	const struct setting *set, struct bake_span text, struct bake_error *err)
{
	struct bake_arch_fact fact = {.kind = BAKE_ARCH_TEXT};

	if (set->fact->known)
		return BAKE_OK;
	if (!text.len)
		return refuse(set, "is empty", err);
	fact.text = bake_arch_printable(set->arch, text);
	return fact.text ? keep(set, fact, err) : bake_error_nomem(err);
}

enum bake_status bake_arch_set_text(struct bake_arch *arch, enum bake_arch_field field,
	struct bake_span text, const char *source, struct bake_error *err)
{
	struct setting set = setting_of(arch, field, source);

	return set_text(&set, text, err);
}

enum bake_status bake_arch_set_vision_text(struct bake_arch *arch,
	enum bake_arch_vision_field field, struct bake_span text, const char *source,
	struct bake_error *err)
{
	struct setting set = vision_setting_of(arch, field, source);

	return set_text(&set, text, err);
}

/* Deepest nesting of brackets outside strings, of well-formed JSON. */
static size_t depth_of(const char *text)
{
	size_t depth = 0;
	size_t deepest = 0;
	bool quoted = false;

	for (; *text; text++) {
		if (quoted && *text == '\\' && text[1])
			text++;
		else if (*text == '"')
			quoted = !quoted;
		else if (!quoted && strchr("{[", *text))
			deepest = bake_u64_max(deepest, ++depth);
		else if (!quoted && strchr("}]", *text))
			depth--;
	}
	return deepest;
}

/* Why an object of others cannot stand in a record, NULL when it can. */
static const char *json_fault(const char *text)
{
	if (strlen(text) > BAKE_ARCH_JSON_MAX)
		return "is too long";
	for (size_t i = 0, size; text[i]; i += size) {
		size = 1;
		if (!(text[i] >= 0x20 && text[i] < 0x7f) && bake_utf8_hostile(text + i, &size))
			return "has a control or invisible character";
	}
	return depth_of(text) > BAKE_ARCH_JSON_DEPTH_MAX ? "is nested too deep" : NULL;
}

enum bake_status bake_arch_set_json(struct bake_arch *arch, enum bake_arch_field field,
	const char *object, const char *source, struct bake_error *err)
{
	struct setting set = setting_of(arch, field, source);
	struct bake_arch_fact fact = {.kind = BAKE_ARCH_JSON};
	const char *fault = json_fault(object);

	if (set.fact->known)
		return BAKE_OK;
	if (fault)
		return refuse(&set, fault, err);
	fact.text = bake_arena_text(&arch->arena, object);
	return fact.text ? keep(&set, fact, err) : bake_error_nomem(err);
}

enum bake_status bake_arch_set_list(struct bake_arch *arch, enum bake_arch_field field,
	const uint64_t *list, size_t count, const char *source, struct bake_error *err)
{
	struct setting set = setting_of(arch, field, source);
	struct bake_arch_fact fact = {.kind = BAKE_ARCH_LIST, .list_count = count};
	uint64_t *copy;

	if (set.fact->known)
		return BAKE_OK;
	if (!count || count > BAKE_ARCH_LIST_MAX)
		return refuse(&set, count ? "has too many elements" : "is empty", err);
	copy = bake_arena_array(&arch->arena, count, sizeof(*copy));
	if (!copy)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		if (list[i] > BAKE_SIZE_MAX)
			return refuse(&set, "has an element that is too large", err);
		copy[i] = list[i];
	}
	fact.list = copy;
	return keep(&set, fact, err);
}

enum bake_status bake_arch_set_layers(struct bake_arch *arch, enum bake_arch_field field,
	const uint64_t *list, size_t count, const char *source, struct bake_error *err)
{
	bool differ = false;

	for (size_t i = 1; i < count; i++)
		differ = differ || list[i] != list[0];
	if (!differ && (!count || field != BAKE_ARCH_RECURRENT_PER_LAYER || !list[0]))
		return BAKE_OK;
	return bake_arch_set_list(arch, field, list, count, source, err);
}

/* Copies a text that is not known yet. */
static enum bake_status fill_text(
	struct bake_arch *arch, const char **known, const char *text, struct bake_error *err)
{
	if (*known || !text || !text[0])
		return BAKE_OK;
	*known = bake_arch_printable(arch, bake_span_text(text));
	return *known ? BAKE_OK : bake_error_nomem(err);
}

static enum bake_status fill_details(
	struct bake_arch *arch, const char *details, struct bake_error *err)
{
	const char *fault = details ? json_fault(details) : NULL;

	if (arch->quantization.details || !details)
		return BAKE_OK;
	if (fault)
		return bake_arch_warn(arch, err,
			"the settings of the quantization are left out: "
			"what %s says %s",
			arch->quantization.source ? arch->quantization.source : "the file", fault);
	arch->quantization.details = bake_arena_text(&arch->arena, details);
	return arch->quantization.details ? BAKE_OK : bake_error_nomem(err);
}

enum bake_status bake_arch_set_quantization(struct bake_arch *arch,
	const struct bake_arch_quantization *quantization, struct bake_error *err)
{
	struct bake_arch_quantization *known = &arch->quantization;
	const char *method = NULL;

	BAKE_TRY(fill_text(arch, &method, quantization->method, err));
	if (!method || (known->method && strcmp(known->method, method) != 0))
		return BAKE_OK;
	if (quantization->bits > BAKE_SIZE_MAX || quantization->rank > BAKE_SIZE_MAX)
		return bake_arch_warn(
			arch, err, "the quantization of %s is out of range", quantization->source);
	known->method = method;
	BAKE_TRY(fill_text(arch, &known->source, quantization->source, err));
	BAKE_TRY(fill_text(arch, &known->label, quantization->label, err));
	known->bits = known->bits ? known->bits : quantization->bits;
	known->group_size = known->group_size ? known->group_size : quantization->group_size;
	known->rank = known->rank ? known->rank : quantization->rank;
	return fill_details(arch, quantization->details, err);
}
