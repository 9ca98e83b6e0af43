/* SPDX-License-Identifier: Apache-2.0 */
/* A look at the structure of files in progress. Inside ops only. */
#ifndef OPS_STRUCTURING_H
#define OPS_STRUCTURING_H

#include "base/buf.h"
#include "ops/model_header.h"
#include "ops/structure.h"

/* Length of the directory part of a name, with its slash; 0 when there is none. */
size_t bake_structuring_dir(const char *name);

/* The file of that name beside another: in the same directory. NULL when there is none. */
struct bake_structure_file *bake_structuring_beside(
	const struct bake_structure *structure, const char *name, const char *beside);

/* Calls with each file whose name begins with the first len bytes of prefix, in order of names,
 * until it returns false. */
void bake_structuring_each(const struct bake_structure *structure, const char *prefix, size_t len,
	bool (*with)(void *context, struct bake_structure_file *file), void *context);

/* Adds a finding: error has been set, for a warning or note with any status. */
void bake_structuring_found(struct bake_structure *structure, enum bake_finding_level level,
	const struct bake_structure_file *file, const struct bake_error *error);

/* A warning or note with that text. */
void bake_structuring_remark(struct bake_structure *structure, enum bake_finding_level level,
	const struct bake_structure_file *file, const char *format, ...) BAKE_PRINTF(4, 5);

/* Marks a file as checked; covered: together with others. */
void bake_structuring_mark(
	struct bake_structure *structure, struct bake_structure_file *file, bool covered);

/* The header of a file of weights. What stands in for the file is told as that. */
enum bake_status bake_structuring_header(struct bake_structure *structure,
	struct bake_structure_file *file, struct bake_model_header *out,
	struct bake_error *err) BAKE_CHECKED;

/* All of a document. */
enum bake_status bake_structuring_read(const struct bake_structure *structure,
	const struct bake_structure_file *file, struct bake_buf *out,
	struct bake_error *err) BAKE_CHECKED;

/* A file of weights by itself. */
void bake_structuring_weights(struct bake_structure *structure, struct bake_structure_file *file);

/* A shard index with its files, which are covered by it. */
void bake_structuring_index(struct bake_structure *structure, struct bake_structure_file *file);

/* A GGUF file that is named as a part, with the other parts. Does nothing unless file is the first of
 * them that is there. */
void bake_structuring_split(struct bake_structure *structure, struct bake_structure_file *file);

/* model_index.json with the components that it names. */
void bake_structuring_pipeline(struct bake_structure *structure, struct bake_structure_file *file);

/* Reads all tensors of the header's file from fd; NaN and infinity are findings. */
enum bake_status bake_structuring_values(struct bake_structure *structure,
	const struct bake_structure_file *file, int fd, const struct bake_model_header *header,
	struct bake_error *err) BAKE_CHECKED;

/* Whether the file can execute code when it is loaded and is not allowed to: a finding. */
bool bake_structuring_pickle(struct bake_structure *structure, struct bake_structure_file *file);

#endif
