/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON of a safetensors file. */
#ifndef FORMAT_ST_HEADER_H
#define FORMAT_ST_HEADER_H

#include "base/error.h"
#include "base/span.h"
#include "format/safetensors.h"

/*
 * Reads it into file, whose arena is ready: the tensors in document order, each of as many bytes as
 * its shape takes, and the metadata. No name stands twice. Where the tensors are is not looked at.
 */
enum bake_status bake_st_header_parse(struct bake_span json, const char *name,
	struct bake_safetensors *file, struct bake_error *err) BAKE_CHECKED;

#endif
