/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of an inspection share: for src/ops/inspect*.c. */
#ifndef OPS_INSPECTING_H
#define OPS_INSPECTING_H

#include "base/buf.h"
#include "ops/inspect.h"

/* A source whose entries can be found by name. */
struct bake_listing {
	const struct bake_inspect_source *source;
	size_t *order;	   /* of entries, by path; freed with bake_listing_release */
	const char *label; /* in front of paths in the record: "" or "@ID/" */
};

enum {
	BAKE_LISTING_NONE = -1
};

enum bake_status bake_listing_make(const struct bake_inspect_source *source, const char *label,
	struct bake_listing *out, struct bake_error *err) BAKE_CHECKED;
void bake_listing_release(struct bake_listing *listing);

/* The entry that is the at-th by path. */
const struct bake_inspect_entry *bake_listing_at(const struct bake_listing *listing, size_t at);

/* Position of dir/name, or BAKE_LISTING_NONE. dir is "" for the root. */
ptrdiff_t bake_listing_find(const struct bake_listing *listing, const char *dir, const char *name);

/* Whether path lies in dir itself; *out_name is then what follows the slash. */
bool bake_path_in(const char *path, const char *dir, const char **out_name);

struct bake_inspecting {
	struct bake_listing files;
	const struct bake_inspect_options *options;
	struct bake_inspection *out;
	struct bake_model_header *headers; /* of out->files, while they are needed */
	size_t room;			   /* of out->files */
	size_t *looked_at; /* by position in files: 1 + the number in out->files, 0 for none */
};

/* inspect_files.c: looks at the file, whose position is at, and adds it to out->files. */
enum bake_status bake_inspecting_add(struct bake_inspecting *inspecting, size_t at,
	struct bake_inspected_file **out, struct bake_error *err) BAKE_CHECKED;
struct bake_model_header *bake_inspecting_header(
	struct bake_inspecting *inspecting, const struct bake_inspected_file *file);

/* Reads all of a small file. BAKE_ERR_DATA when it is larger than a configuration. */
enum bake_status bake_inspecting_text(const struct bake_listing *listing, size_t at,
	struct bake_buf *out, struct bake_error *err) BAKE_CHECKED;

/* inspect_config.c: the JSON files of dir, by their names, into arch. *out_any: there was one. */
enum bake_status bake_inspecting_config(const struct bake_listing *listing, const char *dir,
	struct bake_arch *arch, bool *out_any, struct bake_error *err) BAKE_CHECKED;

/* model_index.json. *out_any: there is one, readable or not. */
enum bake_status bake_inspecting_model_index(const struct bake_listing *listing,
	struct bake_arch *arch, bool *out_any, struct bake_error *err) BAKE_CHECKED;

/* inspect_gguf.c: all GGUF files; *out_any: the model is made of them. */
enum bake_status bake_inspecting_gguf(
	struct bake_inspecting *inspecting, bool *out_any, struct bake_error *err) BAKE_CHECKED;

/* inspect_safetensors.c: the weights in dir. *out_any: there are some, readable or not. */
enum bake_status bake_inspecting_safetensors(struct bake_inspecting *inspecting, const char *dir,
	struct bake_arch *arch, struct bake_weights *weights, bool *out_any,
	struct bake_error *err) BAKE_CHECKED;

/* A file's problem, or whatever else should be known, as a warning of the record. */
enum bake_status bake_inspecting_warn(struct bake_inspecting *inspecting,
	const struct bake_inspected_file *file, struct bake_error *err) BAKE_CHECKED;

/* What the weights say that nothing else did: parameters, precision, layers. */
enum bake_status bake_inspecting_weights(struct bake_arch *arch, const struct bake_weights *weights,
	struct bake_error *err) BAKE_CHECKED;

#endif
