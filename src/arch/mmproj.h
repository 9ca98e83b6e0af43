/* SPDX-License-Identifier: Apache-2.0 */
/* Projectors (mmproj): the half of a model that sees, in a GGUF file beside the half that speaks. */
#ifndef ARCH_MMPROJ_H
#define ARCH_MMPROJ_H

#include <stdbool.h>
#include <stddef.h>

#include "arch/arch.h"

/* Whether the record is a projector's: its architecture is clip, whatever its name. */
bool bake_mmproj_is(const struct bake_arch *arch);

/* Whether the record is that of a model that sees only through a projector. False also where the
 * architecture does not tell: LLaVA's language model is a plain llama. */
bool bake_mmproj_is_needed(const struct bake_arch *arch);

enum bake_pairing {
	BAKE_PAIR_NONE,	     /* a projector, or a model that needs none and has none beside it */
	BAKE_PAIR_FOUND,     /* other is the projector's place */
	BAKE_PAIR_MISSING,   /* the model needs a projector and there is none beside it */
	BAKE_PAIR_MISFIT,    /* it needs one, and those beside it are as wide as other models */
	BAKE_PAIR_AMBIGUOUS, /* several fit, or one fits models of several kinds */
};

struct bake_pair_file {
	const char *path;	      /* below the models directory */
	const struct bake_arch *arch; /* NULL: not known, and not paired */
};

struct bake_pair {
	enum bake_pairing pairing;
	size_t other; /* BAKE_PAIR_FOUND: the projector's place in files */
};

/*
 * out[i] is for files[i]. A model and its projector are in one directory, and what the projector
 * puts out is as wide as the model's embedding where both are known. One directory may hold several
 * quantizations of a model, which share a projector, but a choice among projectors is not made.
 */
void bake_mmproj_pair(const struct bake_pair_file *files, size_t count, struct bake_pair *out);

/* A clause that goes behind the model's name; NULL when there is nothing to warn of. */
const char *bake_pairing_warning(enum bake_pairing pairing);

#endif
