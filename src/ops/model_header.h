/* SPDX-License-Identifier: Apache-2.0 */
/* The header of a weights file, read from a descriptor or whatever else can be read at an offset. */
#ifndef OPS_MODEL_HEADER_H
#define OPS_MODEL_HEADER_H

#include "base/error.h"
#include "format/gguf.h"
#include "format/safetensors.h"

enum bake_weights_format {
	BAKE_WEIGHTS_NONE, /* neither by its name nor by its magic */
	BAKE_WEIGHTS_GGUF,
	BAKE_WEIGHTS_SAFETENSORS
};

/* What is read from: read gives exactly len bytes from offset on, or fails. */
struct bake_model_bytes {
	enum bake_status (*read)(
		void *context, uint64_t offset, void *out, size_t len, struct bake_error *err);
	void *context;
	uint64_t file_bytes;
};

struct bake_model_header {
	enum bake_weights_format format;
	struct bake_gguf *gguf;		      /* of that format, else NULL */
	struct bake_safetensors *safetensors; /* of that format, else NULL */
	uint8_t *bytes;			      /* what was read; gguf borrows from it */
	size_t byte_count;
};

/* By name (".gguf", ".safetensors"), else by the first bytes. A few hundred bytes are enough. */
enum bake_weights_format bake_weights_format_of(const char *name, struct bake_span head);

/*
 * Reads as much of the beginning as the parser asks for: 4 MiB the second time, then twice as much each time. name decides the
 * format as above and is for messages. BAKE_WEIGHTS_NONE is no failure.
 */
enum bake_status bake_model_header_read(const struct bake_model_bytes *from, const char *name,
	enum bake_gguf_mode mode, struct bake_model_header *out,
	struct bake_error *err) BAKE_CHECKED;

/* The same from a regular file of that size. */
enum bake_status bake_model_header_read_fd(int fd, uint64_t file_bytes, const char *name,
	enum bake_gguf_mode mode, struct bake_model_header *out,
	struct bake_error *err) BAKE_CHECKED;

void bake_model_header_release(struct bake_model_header *header);

#endif
