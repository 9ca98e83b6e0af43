/* SPDX-License-Identifier: Apache-2.0 */
/* An inspection for people. */
#ifndef INDEXCLI_INSPECT_PRINT_H
#define INDEXCLI_INSPECT_PRINT_H

#include <stdbool.h>

#include "ops/inspect.h"

/* On standard output; all: every fact, with its source. */
void indexcli_print_inspection(const struct bake_inspection *inspection, bool all);

/* Only the architecture and its weights; weights may be NULL. */
void indexcli_print_architecture(
	const struct bake_arch *arch, const struct bake_weights *weights, bool all);

#endif
