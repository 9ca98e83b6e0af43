/* SPDX-License-Identifier: Apache-2.0 */
/* What bake-fetch says to people at its end: the plan of a dry run, and how far a failure got. */
#ifndef NETCLI_FETCH_TALK_H
#define NETCLI_FETCH_TALK_H

#include "netops/fetch_report.h"

/* A dry run's answer, on standard output. */
void netcli_print_plan(const struct bake_fetch_run *run);

/* One line after a failure: what is there, what is kept, and whether the same command helps.
 * Nothing before the plan was known: then the error says it all. */
void netcli_print_failure(const char *tool, const struct bake_fetch_run *run);

/* Writes the report and the history of a run that ended with *err, if they are wanted. A report
 * that cannot be written is the error of a run that had none. */
enum bake_status netcli_keep_records(const char *tool, const struct bake_fetch_run *run,
	const char *report_path, bool history, bool verbose, struct bake_error *err);

#endif
