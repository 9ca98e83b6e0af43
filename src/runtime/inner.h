/* SPDX-License-Identifier: Apache-2.0 */
/* What a runtime and what it found are made of. Callers see bake/runtime.h. */
#ifndef RUNTIME_INNER_H
#define RUNTIME_INNER_H

#include <sys/stat.h>

#include <bake/runtime.h>

#include "base/buf.h"
#include "index/index.h"
#include "runtime/flight.h"

struct bake_runtime {
	char *models_dir; /* absolute, as are the others */
	char *index_path;
	char *fallback_dir; /* NULL: none */
	char *lock_path;
	char *fetch_program;
	char **fetch_args; /* ended by NULL */
	enum bake_runtime_check check;
	bool may_fetch;
	bool offline;
	struct bake_buf text; /* the index as it is in its file */
	struct bake_index *index;
	struct bake_flights flights; /* one for each model of the index */
};

/* A file that was checked, and by what it is known again. */
struct bake_found_file {
	char *path;	   /* below the models directory */
	const char *below; /* the part of path below the directory it was opened in */
	bool in_directory; /* which is the model's own, else the models directory */
	uint64_t size;	   /* of its pin */
	struct bake_digest sha256;
	struct stat seen;
};

struct bake_runtime_found {
	char *model;
	char *path;
	char *precision;
	char *notice;
	int root; /* the models (or fallback) directory */
	int fd;	  /* the file or directory */
	bool is_directory;
	enum bake_runtime_origin origin;
	uint32_t rank;
	uint32_t steps;
	struct bake_found_file *files;
	size_t file_count;
	char fd_path[32];
};

/* err for the inside: never NULL. */
#define RUNTIME_ERR(err) ((err) ? (err) : &(struct bake_error){.status = BAKE_OK})

/* The level that a call means. BAKE_ERR_USAGE runtime.option for a number that is none. */
enum bake_status bake_runtime_level(const struct bake_runtime *runtime,
	enum bake_runtime_check asked, enum bake_runtime_check *out,
	struct bake_error *err) BAKE_CHECKED;

/* A caller's struct of given_size bytes into ours, which is zeroed first. */
enum bake_status bake_runtime_take_struct(const void *given, size_t given_size, void *ours,
	size_t our_size, const char *name, struct bake_error *err) BAKE_CHECKED;

/* The model of that id; BAKE_ERR_USAGE usage.unknown-model with the nearest one. */
enum bake_status bake_runtime_find(const struct bake_runtime *runtime, const char *id,
	const struct bake_index_model **out, struct bake_error *err) BAKE_CHECKED;

/* Finds a choice by the policy, whatever was chosen. fetch: where the policy allows it. */
enum bake_status bake_runtime_find_choice(struct bake_runtime *runtime,
	const struct bake_index_choice *choice, enum bake_runtime_check level, bool fetch,
	struct bake_runtime_found **out, struct bake_error *err) BAKE_CHECKED;

#endif
