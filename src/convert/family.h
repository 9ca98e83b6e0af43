/* SPDX-License-Identifier: Apache-2.0 */
/* The families of image and video models: by which tensors one is known, and which of its tensors a
 * loader needs in which precision. Pure: names in, answers out. */
#ifndef CONVERT_FAMILY_H
#define CONVERT_FAMILY_H

#include <stdbool.h>
#include <stddef.h>

#include "convert/model.h"

enum {
	BAKE_FAMILY_SETS = 3
};

struct bake_family {
	const char *name;  /* general.architecture */
	const char *title; /* for people */
	const char *const
		*sets[BAKE_FAMILY_SETS + 1]; /* each NULL-ended; all keys of one of them */
	const char *banned;	    /* a key of the diffusers form, which no loader of GGUF has */
	const char *const *keep;    /* parts of names that are not quantised; NULL-ended */
	const char *const *exactly; /* whole names that are not */
	const char *const *wide;    /* parts of names that must be F32 */
	const char *const *drop;    /* parts of names that no loader wants */
	bool reshapes;		    /* rows that are no multiple of 256 are stored as rows of 256 */
};

/* What is in front of the names of a checkpoint's diffusion model. */
struct bake_family_prefix {
	const char *text; /* "" when there is none */
	size_t len;
};

struct bake_family_prefix bake_family_prefix_of(const struct bake_convert_model *model);

/* The name without the prefix; NULL when it has another one, and so belongs to something else. */
const char *bake_family_strip(struct bake_family_prefix prefix, const char *name);

/* By its name, exactly; NULL when there is none. */
const struct bake_family *bake_family_named(const char *name);

/* "flux, sd3, ...": for a message. */
void bake_family_list(char *text, size_t room);

/*
 * The first family whose tensors the model has. Errors are BAKE_ERR_DATA: convert.diffusers (a form
 * of it whose tensors are named and cut otherwise), convert.llm (a language model or text encoder),
 * convert.architecture (nothing known).
 */
enum bake_status bake_family_detect(const struct bake_convert_model *model,
	struct bake_family_prefix prefix, const struct bake_family **out,
	struct bake_error *err) BAKE_CHECKED;

/* Whether name, without prefix, is one of those. */
bool bake_family_keeps(const struct bake_family *family, const char *name);
bool bake_family_widens(const struct bake_family *family, const char *name);
bool bake_family_drops(const struct bake_family *family, const char *name);

#endif
