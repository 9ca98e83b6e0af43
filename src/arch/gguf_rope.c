/* SPDX-License-Identifier: Apache-2.0 */
/* Rotary position embeddings of a GGUF file: the base, and how they are scaled. */
#include "arch/gguf_facts.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "json/writer.h"

static const struct real {
	const char *suffix;
	const char *name;
} reals[] = {
	{"rope.scaling.factor", "factor"},
	{"rope.scaling.alpha", "alpha"},
	{"rope.scaling.attn_factor", "attn_factor"},
	{"rope.scaling.yarn_log_multiplier", "yarn_log_multiplier"},
	{"rope.scaling.yarn_ext_factor", "yarn_ext_factor"},
	{"rope.scaling.yarn_attn_factor", "yarn_attn_factor"},
	{"rope.scaling.yarn_beta_fast", "yarn_beta_fast"},
	{"rope.scaling.yarn_beta_slow", "yarn_beta_slow"},
};

struct scaling {
	struct bake_span type; /* empty: not said */
	double values[countof(reals)];
	bool said[countof(reals)];
	uint64_t original; /* context length; 0: not said */
	bool legacy;	   /* the factor is that of rope.scale_linear */
};

/* Before GGUF had scaling types there was only a linear factor. */
static enum bake_status read_legacy(
	const struct bake_gguf_in *in, struct scaling *out, struct bake_error *err)
{
	if (out->type.len > 0 || out->said[0])
		return BAKE_OK;
	BAKE_TRY(bake_gguf_in_real(in, "rope.scale_linear", &out->values[0], &out->legacy, err));
	if (out->legacy) {
		out->type = bake_span_text("linear");
		out->said[0] = true;
	}
	return BAKE_OK;
}

static enum bake_status read_scaling(
	const struct bake_gguf_in *in, struct scaling *out, struct bake_error *err)
{
	bool said;

	BAKE_TRY(bake_gguf_in_text(in, "rope.scaling.type", &out->type, &said, err));
	for (size_t i = 0; i < countof(reals); i++)
		BAKE_TRY(bake_gguf_in_real(
			in, reals[i].suffix, &out->values[i], &out->said[i], err));
	BAKE_TRY(bake_gguf_in_number(in, "rope.scaling.original_context_length",
		BAKE_GGUF_COUNT_MAX, &out->original, &said, err));
	return read_legacy(in, out, err);
}

/* A type of "none", a factor of 1, and an original length that is the context's are no scaling. */
static bool scales(const struct bake_gguf_in *in, const struct scaling *scaling)
{
	bool factor = scaling->said[0] && scaling->values[0] != 1 && scaling->values[0] != 0;

	if (scaling->type.len == 4 && memcmp(scaling->type.ptr, "none", 4) == 0)
		return false;
	if (factor)
		return true;
	if (scaling->type.len > 0 && !scaling->said[0])
		return true;
	return scaling->original > 0 &&
	       scaling->original != bake_arch_u64(in->arch, BAKE_ARCH_CONTEXT_LENGTH, 0);
}

static enum bake_status write_scaling(const struct bake_gguf_in *in, const struct scaling *scaling,
	struct bake_buf *buf, struct bake_error *err)
{
	struct bake_json_writer writer = BAKE_JSON_LINE_WRITER_INIT(buf);
	const char *type = NULL;

	if (scaling->type.len > 0) {
		type = bake_arch_printable(in->arch, scaling->type);
		if (!type)
			return bake_error_nomem(err);
	}
	bake_json_object_line(&writer);
	bake_json_put_text(&writer, "type", type);
	for (size_t i = 0; i < countof(reals); i++) {
		if (!scaling->said[i])
			continue;
		bake_json_key(&writer, reals[i].name);
		bake_json_write_f64(&writer, scaling->values[i]);
	}
	if (scaling->original > 0)
		bake_json_put_u64(&writer, "original_context_length", scaling->original);
	bake_json_end_object(&writer);
	return bake_buf_status(buf, "rope scaling", err);
}

enum bake_status bake_gguf_read_rope(struct bake_gguf_in *in, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(BAKE_ARCH_JSON_MAX);
	struct scaling scaling = {.original = 0};
	struct bake_gguf_source room;
	const char *suffix = "rope.scaling.original_context_length";
	double theta;
	bool said;

	BAKE_TRY(bake_gguf_in_real(in, "rope.freq_base", &theta, &said, err));
	if (said && theta <= 0)
		BAKE_TRY(bake_gguf_in_complain(in, "rope.freq_base", err, "is not positive"));
	else if (said)
		BAKE_TRY(bake_arch_set_f64(in->arch, BAKE_ARCH_ROPE_THETA, theta,
			bake_gguf_in_source(in, "rope.freq_base", &room), err));
	BAKE_TRY(read_scaling(in, &scaling, err));
	if (!scales(in, &scaling))
		return BAKE_OK;
	BAKE_TRY(write_scaling(in, &scaling, &buf, err));
	if (scaling.legacy)
		suffix = "rope.scale_linear";
	else if (scaling.type.len > 0)
		suffix = "rope.scaling.type";
	else if (scaling.said[0])
		suffix = "rope.scaling.factor";
	return bake_arch_set_json(in->arch, BAKE_ARCH_ROPE_SCALING, buf.ptr,
		bake_gguf_in_source(in, suffix, &room), err);
}
