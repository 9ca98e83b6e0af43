/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The normalised record of a model's architecture: one name per fact, whatever the file calls it,
 * and for each fact the file and key that it comes from. What is not known is absent, with a
 * warning where somebody would miss it; nothing is guessed and nothing here fails because a model is
 * of an unknown kind.
 */
#ifndef ARCH_ARCH_H
#define ARCH_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "format/gguf.h"
#include "format/safetensors.h"
#include "json/json.h"
#include "json/writer.h"

/* The names in JSON are these in lower case without the prefix: "num_layers". */
enum bake_arch_field {
	BAKE_ARCH_MODEL_TYPE,	/* text: model_type, general.architecture */
	BAKE_ARCH_ARCHITECTURE, /* text: architectures[0], _class_name */
	BAKE_ARCH_NUM_LAYERS,	/* decoder layers; those of multi-token prediction included */
	BAKE_ARCH_NUM_ENCODER_LAYERS,
	BAKE_ARCH_NUM_ATTENTION_HEADS, /* of lists the largest */
	BAKE_ARCH_NUM_KV_HEADS,
	BAKE_ARCH_HIDDEN_SIZE,
	BAKE_ARCH_HEAD_DIM,	  /* of keys; stored, never to be computed again */
	BAKE_ARCH_VALUE_HEAD_DIM, /* when it is another than head_dim */
	BAKE_ARCH_INTERMEDIATE_SIZE,
	BAKE_ARCH_CONTEXT_LENGTH, /* what the model was made for; else max_position_embeddings */
	BAKE_ARCH_MAX_POSITION_EMBEDDINGS,
	BAKE_ARCH_SEQ_LENGTH, /* a smaller limit beside max_position_embeddings */
	BAKE_ARCH_MAX_GENERATION_TOKENS,
	BAKE_ARCH_MAX_LENGTH,
	BAKE_ARCH_ROPE_THETA,	/* number */
	BAKE_ARCH_ROPE_SCALING, /* JSON: {"type", "factor", "original_context_length", ...} */
	BAKE_ARCH_VOCAB_SIZE,
	BAKE_ARCH_PARAMS_BILLION,   /* number */
	BAKE_ARCH_WEIGHT_PRECISION, /* text: "bf16" */
	BAKE_ARCH_KV_PRECISION,	    /* text; absent: the runtime's choice */
	BAKE_ARCH_CAUSAL,	    /* bool; false: an encoder, which keeps no cache */
	BAKE_ARCH_TIE_WORD_EMBEDDINGS,
	BAKE_ARCH_NUM_EXPERTS,
	BAKE_ARCH_NUM_EXPERTS_PER_TOKEN,
	BAKE_ARCH_NUM_SHARED_EXPERTS,
	BAKE_ARCH_KV_LORA_RANK, /* MLA: one latent per token, not keys and values per head */
	BAKE_ARCH_Q_LORA_RANK,
	BAKE_ARCH_QK_ROPE_HEAD_DIM,
	BAKE_ARCH_QK_NOPE_HEAD_DIM,
	BAKE_ARCH_SLIDING_WINDOW,	/* tokens; absent: none */
	BAKE_ARCH_SHARED_KV_LAYERS,	/* the last ones, which use the cache of others */
	BAKE_ARCH_NEXTN_PREDICT_LAYERS, /* the last ones, which are not run in decoding */
	BAKE_ARCH_CONV_KERNEL,		/* of recurrent layers, as the next three */
	BAKE_ARCH_SSM_INNER_SIZE,
	BAKE_ARCH_SSM_STATE_SIZE,
	BAKE_ARCH_SSM_GROUP_COUNT,
	/* Lists with an element for each of num_layers; written only when the layers differ. */
	BAKE_ARCH_KV_HEADS_PER_LAYER,	    /* 0: no attention in this layer */
	BAKE_ARCH_SLIDING_WINDOW_PER_LAYER, /* 0: full attention */
	BAKE_ARCH_RECURRENT_PER_LAYER,	    /* 1: recurrent, 0: attention */
	BAKE_ARCH_INTERMEDIATE_SIZE_PER_LAYER,
	/* Of diffusion transformers, UNets and autoencoders */
	BAKE_ARCH_IN_CHANNELS,
	BAKE_ARCH_OUT_CHANNELS,
	BAKE_ARCH_LATENT_CHANNELS,
	BAKE_ARCH_PATCH_SIZE,
	BAKE_ARCH_JOINT_ATTENTION_DIM,
	BAKE_ARCH_CROSS_ATTENTION_DIM,
	BAKE_ARCH_LAYERS_PER_BLOCK,
	BAKE_ARCH_BLOCK_OUT_CHANNELS, /* a list, not per layer */
	BAKE_ARCH_FIELDS
};

/* "vision": {...}, of models that look at images and of projectors (mmproj). */
enum bake_arch_vision_field {
	BAKE_VISION_IMAGE_SIZE, /* pixels; absent: any size, see the next two */
	BAKE_VISION_MIN_PIXELS,
	BAKE_VISION_MAX_PIXELS,
	BAKE_VISION_PATCH_SIZE,
	BAKE_VISION_HIDDEN_SIZE,
	BAKE_VISION_NUM_LAYERS,
	BAKE_VISION_NUM_HEADS,
	BAKE_VISION_INTERMEDIATE_SIZE,
	BAKE_VISION_PROJECTION_DIM,
	BAKE_VISION_SPATIAL_MERGE_SIZE,
	BAKE_VISION_WINDOW_SIZE,
	BAKE_VISION_PROJECTOR_TYPE, /* text */
	BAKE_VISION_FIELDS
};

enum bake_arch_kind {
	BAKE_ARCH_U64,
	BAKE_ARCH_F64,
	BAKE_ARCH_BOOL,
	BAKE_ARCH_TEXT,
	BAKE_ARCH_JSON, /* text: an object on one line */
	BAKE_ARCH_LIST, /* of u64 */
};

struct bake_arch_fact {
	bool known;
	enum bake_arch_kind kind;
	uint64_t u64; /* also a BOOL's 0 or 1 */
	double f64;
	const char *text;
	const uint64_t *list;
	size_t list_count;
	/* "config:PATH:KEY", "generation_config:PATH:KEY", "gguf:PATH:KEY", "safetensors:PATH:KEY",
	 * "tensors", "derived:HOW", "registry", "runtime-log". PATH is below the model, never absolute */
	const char *source;
};

/* How weights are stored in fewer bits. */
struct bake_arch_quantization {
	const char *method; /* "gguf", "gptq", "awq", "bitsandbytes", "fp8", "compressed-tensors",
			       "modelopt", "svdquant", or what the file says; NULL: none known */
	const char *label;  /* for people: "Q4_K_M", "int4", "fp8 e4m3" */
	uint64_t bits;	    /* 0: not known, as the others */
	int64_t group_size; /* elements that share a scale; -1: a whole column */
	uint64_t rank;	    /* svdquant: of the low-rank branch */
	const char
		*details; /* the other settings as the file has them: a JSON object; NULL: none */
	const char *source;
};

struct bake_arch;

/* A part of a pipeline (diffusers' model_index.json), with a record of its own. */
struct bake_arch_component {
	const char *name;    /* the directory: "text_encoder" */
	const char *library; /* "transformers" */
	const char *class_name;
	struct bake_arch *arch; /* NULL when it has no configuration (tokenizer, scheduler) */
};

struct bake_arch {
	struct bake_arena arena; /* owns all that is pointed to */
	struct bake_arch_fact facts[BAKE_ARCH_FIELDS];
	struct bake_arch_fact vision[BAKE_VISION_FIELDS];
	struct bake_arch_quantization quantization;
	struct bake_arch_component *components;
	size_t component_count;
	const char **sources; /* "config:config.json", in the order read, each once */
	size_t source_count;
	const char **warnings; /* printable ASCII, each once */
	size_t warning_count;
};

enum bake_status bake_arch_new(struct bake_arch **out, struct bake_error *err) BAKE_CHECKED;
void bake_arch_free(struct bake_arch **arch);

/* Whether the record says anything at all. */
bool bake_arch_is_empty(const struct bake_arch *arch);

/* The fact, NULL when it is not known. Names as in JSON; NULL for a field that does not exist. */
const struct bake_arch_fact *bake_arch_get(
	const struct bake_arch *arch, enum bake_arch_field field);
const char *bake_arch_field_name(enum bake_arch_field field);
const char *bake_arch_vision_field_name(enum bake_arch_vision_field field);

/* The number, or missing when it is not known. */
uint64_t bake_arch_u64(const struct bake_arch *arch, enum bake_arch_field field, uint64_t missing);

/* Sets a fact that is not known yet (the first source wins); everything is copied. A failure is
 * only of memory. */
enum bake_status bake_arch_set_u64(struct bake_arch *arch, enum bake_arch_field field,
	uint64_t value, const char *source, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_warn(
	struct bake_arch *arch, struct bake_error *err, const char *format, ...) BAKE_PRINTF(3, 4);

/*
 * Readers. path is the file's below the model and names it in sources. A document that is no JSON
 * or no object is BAKE_ERR_DATA; a value that makes no sense is a warning and leaves the field
 * absent. Later readers add what is not known yet; for text models a nested text_config beats its
 * parent.
 */
enum bake_status bake_arch_read_config(struct bake_arch *arch, struct bake_span text,
	const char *path,
	struct bake_error *err) BAKE_CHECKED; /* transformers, and diffusers parts */
enum bake_status bake_arch_read_generation(struct bake_arch *arch, struct bake_span text,
	const char *path, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_read_preprocessor(struct bake_arch *arch, struct bake_span text,
	const char *path, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_read_tokenizer(struct bake_arch *arch, struct bake_span text,
	const char *path, struct bake_error *err) BAKE_CHECKED; /* tokenizer_config.json */
/* quantize_config.json (gptq), quant_config.json (awq), hf_quant_config.json (modelopt): by name */
enum bake_status bake_arch_read_quantize(struct bake_arch *arch, struct bake_span text,
	const char *path, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_read_model_index(struct bake_arch *arch, struct bake_span text,
	const char *path, struct bake_error *err) BAKE_CHECKED; /* fills components, without arch */
enum bake_status bake_arch_read_gguf(struct bake_arch *arch, const struct bake_gguf *gguf,
	const char *path, struct bake_error *err) BAKE_CHECKED; /* models and projectors */
/* Nunchaku's __metadata__, whose values are JSON in JSON; nothing when there is none. */
enum bake_status bake_arch_read_safetensors(struct bake_arch *arch,
	const struct bake_safetensors *file, const char *path, struct bake_error *err) BAKE_CHECKED;

/* Comes last: what follows from what is known (head_dim, num_kv_heads, context_length,
 * kv_precision), and warnings for what is missed. */
enum bake_status bake_arch_finish(struct bake_arch *arch, struct bake_error *err) BAKE_CHECKED;

/* {..., "field_sources", "sources", "warnings", "vision", "quantization", "components"} as a value.
 * Parsing reads what writing wrote, ignores what it does not know, and is otherwise strict. */
void bake_arch_write(const struct bake_arch *arch, struct bake_json_writer *writer);
enum bake_status bake_arch_parse(
	const struct bake_json *value, struct bake_arch **out, struct bake_error *err) BAKE_CHECKED;

#endif
