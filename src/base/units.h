/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and durations as people write and read them. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * "10MB", "10 MiB", "1.5G", "4096". K, M, G, T with or without B are powers of 1000;
 * Ki, Mi, Gi, Ti with or without B are powers of 1024; any case. False when it is none of these
 * or does not fit.
 */
bool bake_bytes_parse(const char *text, uint64_t *out);

enum {
	BAKE_UNITS_TEXT = 32
};

/* "12.65 GB", "443 bytes": decimal units, three or four significant digits. Returns text. */
const char *bake_bytes_format(uint64_t bytes, char text[BAKE_UNITS_TEXT]);
#define BAKE_BYTES(bytes) bake_bytes_format((bytes), (char[BAKE_UNITS_TEXT]){0})

/* "45s", "3m 20s", "1h 02m". Returns text. */
const char *bake_duration_format(uint64_t ms, char text[BAKE_UNITS_TEXT]);
#define BAKE_DURATION(ms) bake_duration_format((ms), (char[BAKE_UNITS_TEXT]){0})

#endif
