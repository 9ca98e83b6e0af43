/* SPDX-License-Identifier: Apache-2.0 */
/* What bake-convert prints: for people, and with --json as one document. */
#ifndef CONVERTCLI_PRINT_H
#define CONVERTCLI_PRINT_H

#include "convert/batch.h"
#include "convert/convert.h"
#include "convert/info.h"

void convertcli_print_info(
	const struct bake_convert_model *model, const struct bake_convert_info *info, bool tensors);
void convertcli_print_info_json(
	const struct bake_convert_model *model, const struct bake_convert_info *info);

/* tensors: a line for each. */
void convertcli_print_report(const struct bake_convert_report *report, bool tensors);
void convertcli_print_report_json(
	const struct bake_convert_report *report, bool dry_run, const struct bake_error *err);

void convertcli_print_batch(const struct bake_batch *batch);
void convertcli_print_batch_json(const struct bake_batch *batch, const struct bake_error *err);

#endif
