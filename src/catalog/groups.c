/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/groups.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "catalog/catalog.h"
#include "catalog/words.h"

enum group {
	CHAT,
	CODE,
	VISION,
	AUDIO,
	EMBEDDING,
	CHECKPOINTS, /* from here on to MOTION: what makes pictures */
	VAE,
	TEXT_ENCODERS,
	LORAS,
	CONTROLNET,
	UPSCALERS,
	EMBEDDINGS,
	IPADAPTER,
	CLIP,
	MOTION,
	OTHER,
	GROUPS
};

/* word: of our own manifests and of --category. */
static const struct {
	const char *word;
	const char *title;
} groups[GROUPS] = {
	[CHAT] = {"chat", "chat"},
	[CODE] = {"code", "code"},
	[VISION] = {"vision-language", "vision-language"},
	[AUDIO] = {"audio-language", "audio-language"},
	[EMBEDDING] = {"embedding", "embedding"},
	[CHECKPOINTS] = {"checkpoints", "checkpoints"},
	[VAE] = {"vae", "VAE"},
	[TEXT_ENCODERS] = {"text_encoders", "text encoders"},
	[LORAS] = {"loras", "LoRA"},
	[CONTROLNET] = {"controlnet", "ControlNet"},
	[UPSCALERS] = {"upscalers", "upscalers"},
	[EMBEDDINGS] = {"embeddings", "embeddings"},
	[IPADAPTER] = {"ipadapter", "IP-Adapter"},
	[CLIP] = {"clip", "CLIP"},
	[MOTION] = {"motion", "motion"},
	[OTHER] = {"other", "other"},
};

/* What else categories and roles are called; squashed. */
static const struct {
	const char *name;
	enum group group;
} names[] = {
	{"chat", CHAT},
	{"llm", CHAT},
	{"language", CHAT},
	{"text", CHAT},
	{"code", CODE},
	{"coding", CODE},
	{"visionlanguage", VISION},
	{"vision", VISION},
	{"vlm", VISION},
	{"vl", VISION},
	{"multimodal", VISION},
	{"audiolanguage", AUDIO},
	{"audio", AUDIO},
	{"embedding", EMBEDDING},
	{"checkpoints", CHECKPOINTS},
	{"checkpoint", CHECKPOINTS},
	{"base", CHECKPOINTS},
	{"refiner", CHECKPOINTS},
	{"unet", CHECKPOINTS},
	{"diffusionmodels", CHECKPOINTS},
	{"transformer", CHECKPOINTS},
	{"vae", VAE},
	{"textencoders", TEXT_ENCODERS},
	{"textencoder", TEXT_ENCODERS},
	{"loras", LORAS},
	{"lora", LORAS},
	{"controlnet", CONTROLNET},
	{"controlnets", CONTROLNET},
	{"upscalers", UPSCALERS},
	{"upscaler", UPSCALERS},
	{"upscalemodels", UPSCALERS},
	{"embeddings", EMBEDDINGS},
	{"textualinversion", EMBEDDINGS},
	{"ipadapter", IPADAPTER},
	{"ipadapters", IPADAPTER},
	{"clip", CLIP},
	{"clipvision", CLIP},
	{"motion", MOTION},
	{"animatediff", MOTION},
	{"animatediffmodels", MOTION},
};

/* What people want a model for, where that is another word than what the model is called. */
static const struct {
	const char *use; /* squashed */
	enum group first;
	enum group last;
} uses[] = {
	{"chatbot", CHAT, CHAT},
	{"assistant", CHAT, CHAT},
	{"conversation", CHAT, CHAT},
	{"text", CHAT, CODE},
	{"coding", CODE, CODE},
	{"programming", CODE, CODE},
	{"vision", VISION, VISION},
	{"imageunderstanding", VISION, VISION},
	{"captioning", VISION, VISION},
	{"speech", AUDIO, AUDIO},
	{"transcription", AUDIO, AUDIO},
	{"rag", EMBEDDING, EMBEDDING},
	{"search", EMBEDDING, EMBEDDING},
	{"retrieval", EMBEDDING, EMBEDDING},
	{"semanticsearch", EMBEDDING, EMBEDDING},
	{"image", CHECKPOINTS, MOTION},
	{"images", CHECKPOINTS, MOTION},
	{"imagegeneration", CHECKPOINTS, MOTION},
	{"texttoimage", CHECKPOINTS, MOTION},
	{"diffusion", CHECKPOINTS, MOTION},
	{"comfyui", CHECKPOINTS, MOTION},
	{"upscaling", UPSCALERS, UPSCALERS},
	{"video", MOTION, MOTION},
};

static unsigned group_named(const char *name)
{
	char squashed[BAKE_FOLDED_MAX];

	if (!name)
		return OTHER;
	bake_words_squash(name, squashed, sizeof(squashed));
	for (size_t i = 0; i < countof(names); i++) {
		if (names[i].name[0] == squashed[0] && strcmp(names[i].name, squashed) == 0)
			return names[i].group;
	}
	return OTHER;
}

unsigned bake_groups_of(const char *category, const char *role)
{
	return category ? group_named(category) : group_named(role);
}

bool bake_groups_is_other(unsigned group)
{
	return group >= OTHER;
}

const char *bake_catalog_group_title(const struct bake_catalog_entry *entry)
{
	if (bake_groups_is_other(entry->group) && entry->category)
		return entry->category;
	return groups[entry->group < GROUPS ? entry->group : OTHER].title;
}

const char *bake_catalog_group_word(const struct bake_catalog_entry *entry)
{
	if (bake_groups_is_other(entry->group) && entry->category)
		return entry->category;
	return groups[entry->group < GROUPS ? entry->group : OTHER].word;
}

bool bake_catalog_is_category(const struct bake_catalog_entry *entry, const char *category)
{
	unsigned group = group_named(category);

	if (!bake_groups_is_other(group))
		return entry->group == group;
	return bake_words_equal(entry->category, category) ||
	       bake_words_equal(bake_catalog_group_word(entry), category);
}

bool bake_catalog_is_for(const struct bake_catalog_entry *entry, const char *use)
{
	char squashed[BAKE_FOLDED_MAX];

	bake_words_squash(use, squashed, sizeof(squashed));
	for (size_t i = 0; i < countof(uses); i++) {
		if (bake_text_equal(uses[i].use, squashed))
			return entry->group >= uses[i].first && entry->group <= uses[i].last;
	}
	if (bake_catalog_is_category(entry, use) || bake_words_equal(entry->role, use))
		return true;
	for (size_t i = 0; i < entry->tag_count; i++) {
		if (bake_words_equal(entry->tags[i], use))
			return true;
	}
	return false;
}
