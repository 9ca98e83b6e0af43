/* SPDX-License-Identifier: Apache-2.0 */
#include "index/facts.h"

#include <string.h>

#include "arch/arch.h"
#include "arch/hints.h"
#include "arch/memory.h"
#include "arch/weights.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "json/json.h"

static const char *const names[] = {
	[BAKE_INDEX_ARCHITECTURE] = "architecture",
	[BAKE_INDEX_WEIGHTS] = "weights",
	[BAKE_INDEX_PROJECTOR_WEIGHTS] = "projector_weights",
	[BAKE_INDEX_COMPONENT_WEIGHTS] = "component_weights",
	[BAKE_INDEX_MEMORY] = "memory",
	[BAKE_INDEX_RUNTIME] = "runtime",
};

const char *bake_index_part_name(enum bake_index_part part)
{
	return names[part];
}

static bool has_weights(const struct bake_weights *weights)
{
	return weights && weights->tensors;
}

static void put_component_weights(
	struct bake_json_writer *writer, const struct bake_index_facts *facts)
{
	const struct bake_arch *arch = facts->arch;

	bake_json_key(writer, names[BAKE_INDEX_COMPONENT_WEIGHTS]);
	bake_json_object(writer);
	for (size_t i = 0; i < arch->component_count; i++) {
		if (!has_weights(&facts->component_weights[i]))
			continue;
		bake_json_key(writer, arch->components[i].name);
		bake_weights_write(&facts->component_weights[i], writer);
	}
	bake_json_end_object(writer);
}

/* What is reckoned from the rest, for those who would not reckon themselves. */
static void put_derived(struct bake_json_writer *writer, const struct bake_index_model *model)
{
	const struct bake_index_facts *facts = model->facts;
	struct bake_weights none = {.type_count = 0};
	const struct bake_weights *weights = facts->weights ? facts->weights : &none;
	uint64_t bytes = weights->bytes + (facts->projector ? facts->projector->bytes : 0);
	struct bake_hints hints;

	bake_json_key(writer, names[BAKE_INDEX_MEMORY]);
	bake_memory_write_facts(facts->arch, weights, writer);
	bake_hints_make(facts->arch, bytes, model->quantization, &hints);
	bake_json_key(writer, names[BAKE_INDEX_RUNTIME]);
	bake_hints_write(&hints, facts->projector_path, writer);
}

static void put_built(struct bake_json_writer *writer, const struct bake_index_model *model)
{
	const struct bake_index_facts *facts = model->facts;

	if (!facts->arch)
		return;
	bake_json_key(writer, names[BAKE_INDEX_ARCHITECTURE]);
	bake_arch_write(facts->arch, writer);
	if (has_weights(facts->weights)) {
		bake_json_key(writer, names[BAKE_INDEX_WEIGHTS]);
		bake_weights_write(facts->weights, writer);
	}
	if (has_weights(facts->projector)) {
		bake_json_key(writer, names[BAKE_INDEX_PROJECTOR_WEIGHTS]);
		bake_weights_write(facts->projector, writer);
	}
	if (facts->component_weights && has_weights(facts->weights))
		put_component_weights(writer, facts);
	put_derived(writer, model);
}

/* As it was read. What cannot be parsed is left out: an index that is shown is not judged. */
static void put_read(struct bake_json_writer *writer, const struct bake_index_model *model)
{
	for (unsigned i = 0; i < BAKE_INDEX_PARTS; i++) {
		_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
		struct bake_error ignored = BAKE_ERROR_INIT;
		struct bake_json root;

		if (!model->parts[i].len ||
			bake_json_open(model->parts[i], names[i], &doc, &ignored) != BAKE_OK)
			continue;
		root = bake_json_root(doc);
		bake_json_key(writer, names[i]);
		bake_json_write_value(writer, &root);
	}
}

void bake_index_put_facts(struct bake_json_writer *writer, const struct bake_index_model *model)
{
	if (model->facts)
		put_built(writer, model);
	else
		put_read(writer, model);
}

/* Opens the text of a part; *out stays NULL when there is none. */
static enum bake_status open_part(const struct bake_index_model *model, enum bake_index_part part,
	struct bake_json_doc **out, struct bake_error *err)
{
	if (!model->parts[part].len)
		return BAKE_OK;
	if (bake_json_open(model->parts[part], names[part], out, err) == BAKE_OK)
		return BAKE_OK;
	return bake_error_wrap(err, "model '%s'", BAKE_SHOW(model->id));
}

enum bake_status bake_index_read_arch(
	const struct bake_index_model *model, struct bake_arch **out, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;

	*out = NULL;
	BAKE_TRY(open_part(model, BAKE_INDEX_ARCHITECTURE, &doc, err));
	if (!doc)
		return BAKE_OK;
	root = bake_json_root(doc);
	if (bake_arch_parse(&root, out, err) != BAKE_OK)
		return bake_error_wrap(err, "model '%s'", BAKE_SHOW(model->id));
	return BAKE_OK;
}

enum bake_status bake_index_read_weights(const struct bake_index_model *model,
	enum bake_index_part which, struct bake_weights *out, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;

	*out = (struct bake_weights){.type_count = 0};
	BAKE_TRY(open_part(model, which, &doc, err));
	if (!doc)
		return BAKE_OK;
	root = bake_json_root(doc);
	if (bake_weights_parse(&root, out, err) != BAKE_OK)
		return bake_error_wrap(err, "model '%s'", BAKE_SHOW(model->id));
	return BAKE_OK;
}

enum bake_status bake_index_read_component_weights(const struct bake_index_model *model,
	const struct bake_arch *arch, struct bake_weights *out, struct bake_error *err)
{
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_json root;
	struct bake_json value;

	for (size_t i = 0; i < arch->component_count; i++)
		out[i] = (struct bake_weights){.type_count = 0};
	BAKE_TRY(open_part(model, BAKE_INDEX_COMPONENT_WEIGHTS, &doc, err));
	if (!doc)
		return BAKE_OK;
	root = bake_json_root(doc);
	for (size_t i = 0; i < arch->component_count; i++) {
		if (bake_json_find(&root, arch->components[i].name, &value) &&
			bake_weights_parse(&value, &out[i], err) != BAKE_OK)
			return bake_error_wrap(err, "model '%s'", BAKE_SHOW(model->id));
	}
	return BAKE_OK;
}
