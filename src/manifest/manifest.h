/* SPDX-License-Identifier: Apache-2.0 */
/* bake.manifest/1: what to bake, as people write it. */
#ifndef MANIFEST_MANIFEST_H
#define MANIFEST_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/span.h"
#include "digest/digest.h"

#define BAKE_MANIFEST_SCHEMA "bake.manifest/1"

enum {
	BAKE_MANIFEST_BYTES_MAX = 4 * 1024 * 1024,
	BAKE_MODELS_MAX = 4096,
	BAKE_LAYERS = 4, /* image layers a manifest's models are spread over */
};

enum bake_source_kind {
	BAKE_SOURCE_HUB = 1, /* a Hugging Face model repository: location "org/name" */
	BAKE_SOURCE_URL,     /* an http(s) URL; ending in "/": the base of the files' names */
	BAKE_SOURCE_FILE,    /* a file or directory beside the manifest: location is relative */
};

struct bake_source {
	enum bake_source_kind kind;
	const char *location;
	const char *revision; /* hub: branch, tag or commit as asked for; else NULL */
	const char *commit;   /* hub, in a lock: 40 hex digits; else NULL */
};

/* What tells the members of a group apart. Unknown parts are NULL and 0. */
struct bake_variant {
	const char *precision; /* "int4", "fp4", ... */
	uint32_t rank;
	uint32_t steps;
};

/* A file named one by one. */
struct bake_manifest_file {
	const char *name;	   /* at the source */
	const char *save_as;	   /* below the model's path; NULL: as name */
	uint64_t size;		   /* bytes, when has_size */
	struct bake_digest sha256; /* kind NONE when not given */
	bool has_size;
};

/* A file where it goes, with what is known of it. */
struct bake_placed_file {
	const char *path; /* below the models directory */
	uint64_t size;	  /* bytes, when has_size */
	bool has_size;
	struct bake_digest sha256; /* kind NONE when not known */
};

/* A model that is baked as a conversion of what its source has: see convert/convert.h. */
struct bake_conversion {
	const char *type; /* ggml's name of the type, such as "Q4_0" */
	const char
		*input; /* of several, a file or directory at the source; NULL: all is one model */
	const char *architecture; /* NULL: recognised */
	const char *const *keep;  /* patterns of names that are not quantised */
	size_t keep_count;
	bool strict;
};

/* The same with what must come of it. */
struct bake_manifest_output {
	struct bake_conversion how;
	const char *save_as; /* below the model's path; ends in ".gguf" or ".safetensors" */
	uint64_t size;	     /* bytes */
	struct bake_digest sha256;
};

struct bake_model {
	const char *id;
	const char *title;	 /* the id when not given */
	const char *description; /* NULL when not given, as are the others */
	const char *role;
	const char *category;
	const char *group;
	const char *license;
	const char *path;    /* below the models directory */
	const char *support; /* another model, by id or alias, whose configuration fills gaps */
	struct bake_source source;
	struct bake_variant variant;
	const char *const *mirrors;
	size_t mirror_count;
	const char *const *include;
	size_t include_count;
	const char *const *exclude;
	size_t exclude_count;
	const struct bake_manifest_file *files; /* when given, exactly these */
	const struct bake_placed_file *placed;	/* the same, one for one */
	size_t file_count;
	const struct bake_manifest_output *convert; /* NULL: the files are baked as they are */
	const char *const *tags;
	size_t tag_count;
	const char *const *aliases;
	size_t alias_count;
	uint64_t min_ram_bytes; /* 0: not given */
	uint64_t priority;
	bool required; /* true unless said otherwise */
	bool is_default;
	unsigned layer; /* 1 to BAKE_LAYERS, by role when not given */
};

struct bake_profile {
	const char *name;
	const char *const *models; /* ids */
	size_t model_count;
};

/* How one model of a group is chosen, and what the API says of the group. */
struct bake_selection {
	const char *group;
	const char *name;      /* model_name; NULL: the manifest's title */
	const char *version;   /* model_version */
	const uint32_t *ranks; /* allowed; none: all */
	size_t rank_count;
	const struct bake_variant *prefer; /* in this order */
	size_t prefer_count;
	uint32_t max_steps; /* 0: not given */
	const char *config; /* members for model_config as JSON text, without braces; may be "" */
};

struct bake_manifest {
	struct bake_arena arena; /* owns everything below */
	struct bake_digest
		sha256; /* of the document's bytes; kind NONE of one that was only read */
	const char *name;
	const char *title;	   /* the name when not given */
	struct bake_model *models; /* in document order */
	size_t model_count;
	struct bake_profile *profiles;
	size_t profile_count;
	struct bake_selection *selections;
	size_t selection_count;
};

/* Parses text. document names it in messages. BAKE_ERR_DATA with the line and pointer, or
 * BAKE_ERR_CONFIG schema.version for another major version. */
enum bake_status bake_manifest_parse(struct bake_span text, const char *document,
	struct bake_manifest **out, struct bake_error *err) BAKE_CHECKED;

/* The same for those who only show what it offers: sha256 is of kind NONE, nothing can be locked or
 * indexed from it. */
enum bake_status bake_manifest_read(struct bake_span text, const char *document,
	struct bake_manifest **out, struct bake_error *err) BAKE_CHECKED;
void bake_manifest_free(struct bake_manifest **manifest);

/* The model of that id or alias, NULL when there is none. */
const struct bake_model *bake_manifest_find(const struct bake_manifest *manifest, const char *name);

/*
 * Digest of the fields that decide which bytes a model is: source, revision, patterns, files,
 * path. Equal digests: the pins of a lock still answer the manifest.
 */
enum bake_status bake_model_spec_digest(const struct bake_model *model, struct bake_digest *out,
	struct bake_error *err) BAKE_CHECKED;

#endif
