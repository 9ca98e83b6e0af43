/* SPDX-License-Identifier: Apache-2.0 */
/* All models beneath a directory that are not of the format asked for, one after the other. */
#ifndef CONVERT_BATCH_H
#define CONVERT_BATCH_H

#include "convert/convert.h"

enum bake_batch_state {
	BAKE_BATCH_CONVERTED,
	BAKE_BATCH_PLANNED, /* with dry_run */
	BAKE_BATCH_EXISTS,  /* its output is there already, and stays */
	BAKE_BATCH_FAILED
};

/* "converted", "planned", "exists", "failed". */
const char *bake_batch_state_name(enum bake_batch_state state);

struct bake_batch_model {
	char *input;
	char *output; /* NULL: it is not known */
	enum bake_batch_state state;
	uint64_t in_bytes;
	uint64_t out_bytes;
	struct bake_digest sha256; /* of the output, when converted */
	struct bake_error error;   /* when failed */
};

struct bake_batch {
	struct bake_batch_model *models; /* by path */
	size_t count;
	size_t room;
	size_t converted;
	size_t existing;
	size_t failed;
	uint64_t in_bytes; /* of those that were converted or planned */
	uint64_t out_bytes;
};

/*
 * request->input is the directory, request->output the one that the results go into under the same
 * relative paths (NULL: beside the sources). options.format must be given. One that fails does not
 * stop the others; the status is then the worst of them. BAKE_ERR_NOINPUT convert.nothing when there
 * is no model. out is the caller's to release whatever happened.
 */
enum bake_status bake_batch_run(const struct bake_convert_request *request, struct bake_batch *out,
	struct bake_error *err) BAKE_CHECKED;
void bake_batch_release(struct bake_batch *batch);

#endif
