/* SPDX-License-Identifier: Apache-2.0 */
/* bake.index/1, model-info.json: what a models directory holds, for servers and people. Only facts
 * about the bytes, so that one lock gives one file. */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/span.h"
#include "digest/digest.h"
#include "manifest/lock.h"
#include "manifest/manifest.h"

#define BAKE_INDEX_SCHEMA "bake.index/1"
#define BAKE_INDEX_NAME	  "model-info.json"
#define BAKE_INDEX_RUNTIME_NAME                                                                    \
	"model-info.runtime.json" /* what servers measured; no index is built from it */

enum {
	BAKE_INDEX_BYTES_MAX = 64 * 1024 * 1024,
	BAKE_INDEX_VARIANTS_MAX = 4096
};

struct bake_index_file {
	const char *path; /* below the models directory */
	uint64_t size;
	struct bake_digest sha256;
	bool is_variant; /* of a parsed index: one of the model's variants is this file */
};

/* One of several files of a model that are loaded instead of each other. */
struct bake_index_variant {
	const char *path;
	struct bake_variant is;
};

struct bake_arch;
struct bake_gpu;
struct bake_weights;

/* What the files themselves say; what is NULL is not known. */
struct bake_index_facts {
	const struct bake_arch *arch;
	const struct bake_weights *weights;
	const struct bake_weights *projector;
	const struct bake_weights *component_weights; /* of arch->components[i] */
	const char *projector_path;		      /* below the models directory */
};

/* The same in an index that was read: members whose text is kept and parsed when it is wanted. */
enum bake_index_part {
	BAKE_INDEX_ARCHITECTURE,
	BAKE_INDEX_WEIGHTS,
	BAKE_INDEX_PROJECTOR_WEIGHTS,
	BAKE_INDEX_COMPONENT_WEIGHTS,
	BAKE_INDEX_MEMORY,
	BAKE_INDEX_RUNTIME,
	BAKE_INDEX_PARTS
};

struct bake_index_model {
	const char *id;
	const char *title;
	const char *description; /* NULL when not known, as are the others */
	const char *role;
	const char *category;
	const char *group;
	const char *format;	  /* "safetensors", "gguf", "diffusers", "transformers" */
	const char *quantization; /* "int4", "Q4_K_M", ... as headers say, else names */
	const char *license;
	const char *path; /* the file that is the model, or the directory of several */
	struct bake_variant variant;
	struct bake_index_variant *variants; /* when there are several; none: the model is one */
	size_t variant_count;
	struct bake_source source;
	struct bake_digest aggregate; /* see bake_aggregate_sha256 */
	struct bake_index_file *files;
	size_t file_count;
	const char *const *tags;
	size_t tag_count;
	const struct bake_index_facts *facts;	  /* of an index that is built; NULL: none */
	struct bake_span parts[BAKE_INDEX_PARTS]; /* of one that was read; length 0: absent */
	uint64_t bytes;
	uint64_t min_ram_bytes;
	uint64_t priority;
	bool required;
	bool is_default;
	bool baked; /* else missing */
	bool gated;
	bool executable_code; /* loading one of its files can execute code: somebody allowed it */
};

struct bake_index {
	struct bake_arena arena; /* owns the models of a parsed index, */
	char *text;		 /* and this their parts */
	const char *manifest_name;
	const char *manifest_title;
	struct bake_digest manifest_sha256;
	struct bake_digest lock_sha256;
	int64_t generated_at;		 /* seconds since 1970 */
	struct bake_index_model *models; /* sorted by id */
	size_t model_count;
	struct bake_selection *selections; /* in the manifest's order */
	size_t selection_count;
};

/*
 * Brings manifest and lock together. baked[i] belongs to lock->models[i]; models of the manifest
 * that the lock lacks are missing. The index borrows from both, which must outlive it; release
 * with bake_index_free.
 */
enum bake_status bake_index_build(const struct bake_manifest *manifest,
	const struct bake_lock *lock, const bool *baked, int64_t generated_at,
	struct bake_index **out, struct bake_error *err) BAKE_CHECKED;

/* The canonical document. generator is "bake-index VERSION". */
enum bake_status bake_index_write(const struct bake_index *index, const char *generator,
	struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

/* One model's entry of that document, by itself. */
void bake_index_write_model(const struct bake_index_model *model, struct bake_buf *out);

/* Reads what an index has for verifying, listing and selecting. Unknown keys are ignored; another
 * major schema is BAKE_ERR_CONFIG schema.version. */
enum bake_status bake_index_parse(struct bake_span text, const char *document,
	struct bake_index **out, struct bake_error *err) BAKE_CHECKED;

void bake_index_free(struct bake_index **index);

/* Parses what an index says of a model's architecture. *out NULL: nothing. */
enum bake_status bake_index_read_arch(const struct bake_index_model *model, struct bake_arch **out,
	struct bake_error *err) BAKE_CHECKED;

/* The same of its weights (or its projector's). All zero: nothing. */
enum bake_status bake_index_read_weights(const struct bake_index_model *model,
	enum bake_index_part which, struct bake_weights *out, struct bake_error *err) BAKE_CHECKED;

/* Of the components of arch, which is what bake_index_read_arch gave: out[i] belongs to
 * arch->components[i]. */
enum bake_status bake_index_read_component_weights(const struct bake_index_model *model,
	const struct bake_arch *arch, struct bake_weights *out,
	struct bake_error *err) BAKE_CHECKED;

/* The member's name in the document. */
const char *bake_index_part_name(enum bake_index_part part);

/* The model of that id, NULL when there is none. */
const struct bake_index_model *bake_index_find(const struct bake_index *index, const char *id);

/* How a group's model is chosen; NULL when the manifest does not say. */
const struct bake_selection *bake_index_rule(const struct bake_index *index, const char *group);

/* What can be loaded: a model, or one of its variants. */
struct bake_index_choice {
	const struct bake_index_model *model; /* NULL: there is none */
	const char *path;
	struct bake_variant variant;
};

/* The choices within a model: at least one. */
size_t bake_index_choice_count(const struct bake_index_model *model);
struct bake_index_choice bake_index_choice_at(const struct bake_index_model *model, size_t at);

/* What a user asks for beyond the group's rule. Zero and NULL: anything. */
struct bake_index_wish {
	uint32_t rank;
	bool has_steps;
	uint32_t steps; /* 0: the plain file */
	const char *precision;
	const struct bake_gpu *gpu; /* Nunchaku's files must run there; NULL: anywhere */
	bool also_missing;	    /* also what is not baked: it may be elsewhere */
	/* Whether a choice is there now. NULL: what the index says is believed. */
	bool (*is_local)(void *context, const struct bake_index_choice *choice);
	void *context;
};

/*
 * The user's rule: what is local, of an allowed rank, with the preferred steps, then the plain
 * file. No model when nothing baked of the group fits.
 */
struct bake_index_choice bake_index_select(
	const struct bake_index *index, const char *group, const struct bake_index_wish *wish);

enum bake_index_verdict {
	BAKE_VERDICT_CHOSEN,
	BAKE_VERDICT_NOT_PREFERRED, /* fits, and another one comes before it */
	BAKE_VERDICT_NO_VARIANT,    /* others of the group have one: this is no choice among them */
	BAKE_VERDICT_NOT_BAKED,
	BAKE_VERDICT_RANK,	/* not allowed by the rule */
	BAKE_VERDICT_WISH,	/* not what was asked for */
	BAKE_VERDICT_GPU,	/* does not run on that GPU */
	BAKE_VERDICT_NOT_LOCAL, /* in the index, and not there now */
	BAKE_VERDICTS
};

enum {
	BAKE_REASON_TEXT = 200
};

const char *bake_index_verdict_name(enum bake_index_verdict verdict);

/*
 * Why a choice of a group was or was not what bake_index_select chose with that wish. chosen is
 * what it returned. reason is a sentence in printable ASCII.
 */
enum bake_index_verdict bake_index_explain(const struct bake_index *index,
	const struct bake_index_wish *wish, const struct bake_index_choice *chosen,
	const struct bake_index_choice *choice, char reason[BAKE_REASON_TEXT]);

/* Whether model is one of those a group chooses from: where some have a variant, only those. */
bool bake_index_is_candidate(const struct bake_index *index, const struct bake_index_model *model);

#endif
