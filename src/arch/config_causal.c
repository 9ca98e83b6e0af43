/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a model keeps keys and values of what came before: only those that generate do. */
#include <string.h>

#include "arch/config.h"
#include "base/cleanup.h"
#include "base/text.h"

static bool names_any(const char *name, const char *const *parts, size_t count)
{
	for (size_t i = 0; name && i < count; i++) {
		if (strstr(name, parts[i]))
			return true;
	}
	return false;
}

/* By what the class is for, then by the kind of model; else it stays unknown. */
enum bake_status bake_arch_config_causal(
	const struct bake_arch_config *config, struct bake_error *err)
{
	static const char *const generating[] = {"CausalLM", "ConditionalGeneration", "LMHeadModel",
		"Vision2Seq", "SpeechSeq2Seq", "ChatGLM", "ChatModel"};
	static const char *const encoding[] = {"MaskedLM", "EncoderModel", "SequenceClassification",
		"TokenClassification", "QuestionAnswering", "ImageClassification", "ForCTC", "CLIP",
		"Siglip", "VisionModel", "Bert", "MPNet"};
	static const char *const encoders[] = {"albert", "bert", "camembert", "clip",
		"clip_text_model", "clip_vision_model", "deberta", "deberta-v2", "dinov2",
		"distilbert", "electra", "esm", "hubert", "modernbert", "mpnet", "nomic_bert",
		"roberta", "siglip", "siglip_vision_model", "vit", "wav2vec2", "xlm-roberta"};
	const struct bake_arch_fact *facts = config->arch->facts;
	const struct bake_arch_fact *name = &facts[BAKE_ARCH_ARCHITECTURE];
	const struct bake_arch_fact *type = &facts[BAKE_ARCH_MODEL_TYPE];
	struct bake_arch_value value;

	if (bake_arch_config_flag(config, "is_decoder", true) &&
		bake_arch_config_text_value(config, "is_decoder", &value))
		return bake_arch_set_bool(config->arch, BAKE_ARCH_CAUSAL, true, value.source, err);
	if (names_any(name->text, generating, countof(generating)))
		return bake_arch_set_bool(config->arch, BAKE_ARCH_CAUSAL, true, name->source, err);
	if (names_any(name->text, encoding, countof(encoding)))
		return bake_arch_set_bool(config->arch, BAKE_ARCH_CAUSAL, false, name->source, err);
	for (size_t i = 0; i < countof(encoders); i++) {
		if (bake_text_equal(type->text, encoders[i]))
			return bake_arch_set_bool(
				config->arch, BAKE_ARCH_CAUSAL, false, type->source, err);
	}
	return BAKE_OK;
}
