/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Setting what a record knows: for the readers of this module. As with bake_arch_set_u64, what is
 * known stays, everything is copied, and a failure is only of memory. A value that a record cannot
 * hold (empty, too large, not finite, too deep) is a warning and leaves the field absent.
 */
#ifndef ARCH_RECORD_H
#define ARCH_RECORD_H

#include "arch/arch.h"
#include "base/span.h"

enum {
	BAKE_ARCH_TEXT_MAX = 1024,	/* bytes of a text, a source, a warning */
	BAKE_ARCH_JSON_MAX = 64 * 1024, /* bytes of an object on one line */
	BAKE_ARCH_JSON_DEPTH_MAX = 8,	/* the record itself stands deep in other documents */
	BAKE_ARCH_LIST_MAX = 4096,	/* elements: more layers than any model has */
	BAKE_ARCH_WARNINGS_MAX = 64,
	BAKE_ARCH_SOURCES_MAX = 256,
	BAKE_ARCH_COMPONENTS_MAX = 256
};

enum bake_arch_kind bake_arch_field_kind(enum bake_arch_field field);
enum bake_arch_kind bake_arch_vision_field_kind(enum bake_arch_vision_field field);

enum bake_status bake_arch_set_f64(struct bake_arch *arch, enum bake_arch_field field, double value,
	const char *source, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_set_bool(struct bake_arch *arch, enum bake_arch_field field, bool value,
	const char *source, struct bake_error *err) BAKE_CHECKED;

/* Bytes from anywhere: stored as printable ASCII, as BAKE_SHOW would show them. */
enum bake_status bake_arch_set_text(struct bake_arch *arch, enum bake_arch_field field,
	struct bake_span text, const char *source, struct bake_error *err) BAKE_CHECKED;

/* object: written by a bake_json_writer of BAKE_JSON_LINE_WRITER_INIT. */
enum bake_status bake_arch_set_json(struct bake_arch *arch, enum bake_arch_field field,
	const char *object, const char *source, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_set_list(struct bake_arch *arch, enum bake_arch_field field,
	const uint64_t *list, size_t count, const char *source,
	struct bake_error *err) BAKE_CHECKED;

/* A list with an element for each layer: nothing is set when all are equal, because then the scalar
 * says it; but layers that are all recurrent are said here. */
enum bake_status bake_arch_set_layers(struct bake_arch *arch, enum bake_arch_field field,
	const uint64_t *list, size_t count, const char *source,
	struct bake_error *err) BAKE_CHECKED;

enum bake_status bake_arch_set_vision_u64(struct bake_arch *arch, enum bake_arch_vision_field field,
	uint64_t value, const char *source, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_arch_set_vision_text(struct bake_arch *arch,
	enum bake_arch_vision_field field, struct bake_span text, const char *source,
	struct bake_error *err) BAKE_CHECKED;

/* All of it is copied, texts as printable ASCII. A second description with the same method adds
 * what the first did not say; one with another method is left. */
enum bake_status bake_arch_set_quantization(struct bake_arch *arch,
	const struct bake_arch_quantization *quantization, struct bake_error *err) BAKE_CHECKED;

/* "config:config.json": once, however often it is added. */
enum bake_status bake_arch_add_source(
	struct bake_arch *arch, const char *source, struct bake_error *err) BAKE_CHECKED;

/* The text as printable ASCII in the record's arena; NULL when memory is short. */
const char *bake_arch_printable(struct bake_arch *arch, struct bake_span text);

#endif
