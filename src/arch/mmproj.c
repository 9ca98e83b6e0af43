/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/mmproj.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

enum {
	PROJECTORS_MAX = 256 /* in all directories; more cannot be told apart */
};

/* Architectures of llama.cpp that are the text half of a model that sees. */
static const char *const seeing[] = {"qwen2vl", "qwen3vl", "qwen3vlmoe"};

static const char *type_of(const struct bake_arch *arch)
{
	const struct bake_arch_fact *type = bake_arch_get(arch, BAKE_ARCH_MODEL_TYPE);

	return type && type->text ? type->text : "";
}

/* transformers has a model of that type, too: it has a vocabulary. */
bool bake_mmproj_is(const struct bake_arch *arch)
{
	return strcmp(type_of(arch), "clip") == 0 && !bake_arch_get(arch, BAKE_ARCH_VOCAB_SIZE);
}

bool bake_mmproj_is_needed(const struct bake_arch *arch)
{
	for (size_t i = 0; i < countof(seeing); i++)
		if (strcmp(type_of(arch), seeing[i]) == 0)
			return true;
	return false;
}

/* A model of language in a GGUF file: what a projector is loaded beside. */
static bool speaks(const struct bake_arch *arch)
{
	return arch && !bake_mmproj_is(arch) && arch->quantization.method &&
	       strcmp(arch->quantization.method, "gguf") == 0 &&
	       bake_arch_get(arch, BAKE_ARCH_VOCAB_SIZE);
}

static bool beside(const char *a, const char *b)
{
	const char *slash = strrchr(a, '/');
	size_t len = slash ? (size_t)(slash - a) + 1 : 0;

	return strncmp(a, b, len) == 0 && !strchr(b + len, '/');
}

/* One projector, and the models that it fits. */
struct projector {
	size_t at;	  /* in files */
	const char *type; /* of the models: of those that need one, if there are any */
	bool needed;	  /* one of the models says that it needs it */
	bool mixed;	  /* they are of several types */
};

enum fit {
	FIT_NOT,
	FIT_MAYBE, /* a width is not known */
	FIT_WIDTH
};

static enum fit fit_of(const struct bake_arch *model, const struct bake_arch *projector)
{
	const struct bake_arch_fact *width = &projector->vision[BAKE_VISION_PROJECTION_DIM];
	const struct bake_arch_fact *wanted = bake_arch_get(model, BAKE_ARCH_HIDDEN_SIZE);

	if (!width->known || !wanted)
		return FIT_MAYBE;
	return width->u64 == wanted->u64 ? FIT_WIDTH : FIT_NOT;
}

/* Learns from a model that the projector fits. Who needs a projector outweighs who may not. */
static void note_model(struct projector *projector, const struct bake_arch *model)
{
	const char *type = type_of(model);
	bool needed = bake_mmproj_is_needed(model);

	if (projector->type && projector->needed && !needed)
		return;
	if (!projector->type || (needed && !projector->needed)) {
		projector->type = type;
		projector->needed = needed;
		projector->mixed = false;
	} else if (strcmp(projector->type, type) != 0) {
		projector->mixed = true;
	}
}

/* False when there are too many. */
static bool collect(const struct bake_pair_file *files, size_t count, struct projector *projectors,
	size_t *out_count)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		if (!files[i].arch || !bake_mmproj_is(files[i].arch))
			continue;
		if (found == PROJECTORS_MAX)
			return false;
		projectors[found++] = (struct projector){.at = i};
	}
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < found && speaks(files[i].arch); k++)
			if (beside(files[projectors[k].at].path, files[i].path) &&
				fit_of(files[i].arch, files[projectors[k].at].arch) != FIT_NOT)
				note_model(&projectors[k], files[i].arch);
	*out_count = found;
	return true;
}

/* The pair of one model. */
static struct bake_pair pair_of(const struct bake_pair_file *files,
	const struct bake_pair_file *model, const struct projector *projectors, size_t count)
{
	bool needed = bake_mmproj_is_needed(model->arch);
	const struct projector *best = NULL;
	enum fit best_fit = FIT_NOT;
	size_t as_good = 0;
	bool any = false;

	for (size_t k = 0; k < count; k++) {
		const struct bake_pair_file *projector = &files[projectors[k].at];
		enum fit fit;

		if (!beside(projector->path, model->path))
			continue;
		any = true;
		fit = fit_of(model->arch, projector->arch);
		if (fit == FIT_NOT || (projectors[k].needed && !needed))
			continue;
		as_good = fit > best_fit ? 1 : as_good + (fit == best_fit);
		if (fit > best_fit) {
			best = &projectors[k];
			best_fit = fit;
		}
	}
	if (!best && !needed)
		return (struct bake_pair){BAKE_PAIR_NONE, 0};
	if (!best)
		return (struct bake_pair){any ? BAKE_PAIR_MISFIT : BAKE_PAIR_MISSING, 0};
	if (as_good > 1 || best->mixed)
		return (struct bake_pair){BAKE_PAIR_AMBIGUOUS, 0};
	return (struct bake_pair){BAKE_PAIR_FOUND, best->at};
}

void bake_mmproj_pair(const struct bake_pair_file *files, size_t count, struct bake_pair *out)
{
	struct projector projectors[PROJECTORS_MAX];
	size_t found = 0;
	bool counted = collect(files, count, projectors, &found);

	for (size_t i = 0; i < count; i++) {
		out[i] = (struct bake_pair){BAKE_PAIR_NONE, 0};
		if (!speaks(files[i].arch))
			continue;
		if (counted)
			out[i] = pair_of(files, &files[i], projectors, found);
		else
			out[i].pairing = BAKE_PAIR_AMBIGUOUS;
	}
}

const char *bake_pairing_warning(enum bake_pairing pairing)
{
	static const char *const warnings[] = {
		[BAKE_PAIR_MISSING] =
			"sees through a projector (mmproj), and there is none beside it",
		[BAKE_PAIR_MISFIT] =
			"sees through a projector, and those beside it belong to models of "
			"another embedding length",
		[BAKE_PAIR_AMBIGUOUS] =
			"could be loaded with more than one projector, or the projector "
			"with more than one model: which belong together is not known",
	};

	return (size_t)pairing < countof(warnings) ? warnings[pairing] : NULL;
}
