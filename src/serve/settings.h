/* SPDX-License-Identifier: Apache-2.0 */
/* What POST /model-config changes: kept in memory only, as the service it comes from does. */
#ifndef SERVE_SETTINGS_H
#define SERVE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/span.h"

enum bake_setting {
	BAKE_SETTING_AS_IS,
	BAKE_SETTING_FALSE,
	BAKE_SETTING_TRUE
};

struct bake_settings {
	uint32_t default_steps; /* 0: the index's */
	uint32_t default_rank;
	enum bake_setting enable_cpu_offload;
	enum bake_setting memory_optimization;
};

/* What values may be. */
struct bake_settings_bounds {
	uint32_t steps_max;
	const uint32_t *ranks;
	size_t rank_count;
};

enum {
	BAKE_SETTINGS_NOTE_MAX = 160,
	BAKE_SETTINGS_STEPS_MAX = 50 /* where the index names no limit */
};

/*
 * Reads the body of a request onto settings. Unknown keys are ignored; so are steps and ranks out of
 * bounds, of which note (empty: of none) tells. BAKE_ERR_DATA for what is no JSON object or of the
 * wrong type: settings is as it was then.
 */
enum bake_status bake_settings_read(struct bake_span body,
	const struct bake_settings_bounds *bounds, struct bake_settings *settings,
	char note[BAKE_SETTINGS_NOTE_MAX], struct bake_error *err) BAKE_CHECKED;

/* Takes back what is out of bounds: another index may support less. */
void bake_settings_fit(struct bake_settings *settings, const struct bake_settings_bounds *bounds);

#endif
