/* SPDX-License-Identifier: Apache-2.0 */
#include "base/event.h"

#include <stdarg.h>
#include <stdio.h>

void bake_emit_plan(const struct bake_events *events, size_t count, uint64_t total)
{
	struct bake_event event = {.kind = BAKE_EVENT_PLAN, .count = count, .total = total};

	bake_emit(events, &event);
}

void bake_emit_bytes(const struct bake_events *events, enum bake_event_kind kind, const char *name,
	uint64_t done, uint64_t total)
{
	struct bake_event event = {.kind = kind, .name = name, .done = done, .total = total};

	bake_emit(events, &event);
}

void bake_emit_done(
	const struct bake_events *events, const char *name, const char *note, uint64_t total)
{
	struct bake_event event = {
		.kind = BAKE_EVENT_DONE, .name = name, .note = note, .done = total, .total = total};

	bake_emit(events, &event);
}

void bake_emit_fail(
	const struct bake_events *events, const char *name, const struct bake_error *error)
{
	struct bake_event event = {.kind = BAKE_EVENT_FAIL, .name = name, .error = error};

	bake_emit(events, &event);
}

void bake_emitf(
	const struct bake_events *events, enum bake_event_kind kind, const char *format, ...)
{
	char note[600];
	struct bake_event event = {.kind = kind, .note = note};
	va_list args;

	va_start(args, format);
	(void)vsnprintf(note, sizeof(note), format, args);
	va_end(args);
	bake_emit(events, &event);
}
