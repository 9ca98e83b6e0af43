/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model is, from its files alone: the beginnings of its weights files and its small JSON
 * files, brought into one record. For looking and for describing: what is broken is a warning in the
 * record and what it would have said is absent. Whether a model is right is bake-verify's question.
 */
#ifndef OPS_INSPECT_H
#define OPS_INSPECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/arch.h"
#include "arch/weights.h"
#include "base/arena.h"
#include "base/error.h"
#include "ops/model_header.h"

enum {
	BAKE_INSPECT_FILES_MAX = 100000,	   /* of one model */
	BAKE_INSPECT_CONFIG_MAX = 16 * 1024 * 1024 /* bytes of a JSON file that is read */
};

/* A file as it is listed, before it is looked at. */
struct bake_inspect_entry {
	const char *path; /* below the model, as it shall be named in the record */
	uint64_t bytes;
};

/*
 * A model's files, wherever they are. read gives exactly len bytes of entries[at] from offset on,
 * or fails. It is called from one thread, file after file, and never past an entry's bytes.
 */
struct bake_inspect_source {
	const struct bake_inspect_entry *entries;
	size_t count;
	enum bake_status (*read)(void *context, size_t at, uint64_t offset, void *out, size_t len,
		struct bake_error *err);
	void *context;
	bool from_front; /* a stream: what is far behind costs all before it, so do without */
};

struct bake_inspect_options {
	enum bake_gguf_mode mode; /* BAKE_GGUF_TOLERANT to look at what nobody loads */
	/* Another model's files, whose configuration gives what this one's lacks (a checkpoint that
	 * is only weights, and its base repository). NULL: none. */
	const struct bake_inspect_source *support;
	const char *support_id; /* names it in sources: "config:@ID/config.json:KEY" */
	/* Of several alternatives (quantizations, Nunchaku files) only this one; below the model.
	 * NULL: the first by name, with a warning. */
	const char *only;
};

enum bake_inspect_use {
	BAKE_INSPECT_OTHER,	/* read, if at all, for what it says */
	BAKE_INSPECT_WEIGHTS,	/* loaded: counted in weights */
	BAKE_INSPECT_PROJECTOR, /* a GGUF that goes with the model (mmproj): counted in projector */
	BAKE_INSPECT_ADAPTER,	/* a GGUF that changes a model (LoRA): counted in nothing */
	BAKE_INSPECT_SPARE,	/* weights that stand beside those that are loaded */
};

struct bake_inspected_file {
	const char *path;
	uint64_t bytes;
	enum bake_inspect_use use;
	enum bake_weights_format format; /* BAKE_WEIGHTS_NONE: the rest is 0 */
	uint32_t version;		 /* of GGUF */
	bool big_endian;
	uint64_t header_bytes; /* in front of the data */
	uint64_t tensors;
	uint64_t keys;	       /* of metadata */
	uint32_t split_number; /* from 1; 0: the file is not one of several */
	uint32_t split_count;
	/* Of the file that a Git LFS pointer stands for; 0: it is no pointer */
	uint64_t pointer_bytes;
	const char
		*problem_id; /* why its header is not known: the error's id and message; or NULL */
	const char *problem;
};

struct bake_inspection {
	struct bake_arena arena;		/* owns what is pointed to, but arch */
	struct bake_arch *arch;			/* never NULL; finished; also has the warnings */
	struct bake_weights weights;		/* of all that is loaded, components included */
	struct bake_weights projector;		/* of mmproj files beside the model */
	struct bake_weights *component_weights; /* of arch->components[i] */
	const char *format;	  /* "gguf", "safetensors", "diffusers", "transformers"; or NULL */
	const char *quantization; /* a label: "Q4_K_M", "int4", "fp8 e4m3"; NULL: not known */
	bool by_type;		  /* quantization is only the type of most bytes: no file says it */
	uint64_t pointer_bytes;	  /* of files for which there is only a Git LFS pointer */
	bool executable_code;	  /* has a pickle, which runs code when it is loaded */
	struct bake_inspected_file *files; /* those with weights and the pickles; sorted by path */
	size_t file_count;
};

/* Fails when reading does (not the file's content), or memory is short. */
enum bake_status bake_inspect(const struct bake_inspect_source *source,
	const struct bake_inspect_options *options, struct bake_inspection **out,
	struct bake_error *err) BAKE_CHECKED;

/*
 * A file, with the configuration, splits and projector that lie beside it, or all of a directory.
 * Nothing there is BAKE_ERR_NOINPUT; links are followed (a Hub client's cache is made of them), but
 * only to regular files. A file that is named and whose header cannot be read is that error: asked
 * about one file, its problem is the answer.
 */
enum bake_status bake_inspect_path(const char *path, const struct bake_inspect_options *options,
	struct bake_inspection **out, struct bake_error *err) BAKE_CHECKED;

/*
 * The files of a model beneath a models directory, never through a link. paths are below root;
 * below is the part of them that is the model's directory ("" or NULL: none), which is cut off for
 * the record. A file that is not there is left out.
 */
struct bake_inspect_files {
	const int *roots; /* looked into in this order */
	size_t root_count;
	const char *below;
	const char *const *paths;
	size_t count;
	const struct bake_inspect_files *support; /* options->support from files; NULL: none */
};

enum bake_status bake_inspect_files(const struct bake_inspect_files *files,
	const struct bake_inspect_options *options, struct bake_inspection **out,
	struct bake_error *err) BAKE_CHECKED;

/* A file of that name from a pipe, as bake-fetch --peek writes it: the line "bake.peek/1 BYTES" and
 * the file, of which only the beginning is read. */
enum bake_status bake_inspect_stream(int fd, const char *name,
	const struct bake_inspect_options *options, struct bake_inspection **out,
	struct bake_error *err) BAKE_CHECKED;

/* The problem of the file that was asked for, if it has one, as an error: BAKE_ERR_DATA, or
 * BAKE_ERR_INTEGRITY when something else stands in its place. */
enum bake_status bake_inspect_judge(const struct bake_inspection *inspection, const char *name,
	struct bake_error *err) BAKE_CHECKED;

void bake_inspection_free(struct bake_inspection **inspection);

struct bake_json_writer;

/* {"format", "quantization", "executable_code", "files", and what follows}: the members, without
 * the braces around them. */
void bake_inspection_write(
	const struct bake_inspection *inspection, struct bake_json_writer *writer);

/* Only "architecture", "weights", "projector_weights" and "component_weights" by directory; what is
 * not known is absent. */
void bake_inspection_write_facts(
	const struct bake_inspection *inspection, struct bake_json_writer *writer);

#endif
