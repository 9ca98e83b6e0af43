/* SPDX-License-Identifier: Apache-2.0 */
/* What bake-catalog storage found, for people and as JSON. */
#ifndef CATALOGCLI_STORAGE_PRINT_H
#define CATALOGCLI_STORAGE_PRINT_H

#include "catalog/prune.h"

struct catalogcli_storage_limits {
	uint64_t quota; /* 0: none */
	uint64_t low;
	uint64_t rows; /* of largest files */
};

struct catalogcli_storage {
	const char *dir;
	const struct bake_storage *storage;
	struct bake_prune *prune;
	const struct catalogcli_storage_limits *limits;
	bool pruning;
	bool leftovers; /* is what is pruned */
	bool twins;
	bool ran;
};

/* Bytes that models may still take: what is free, within the quota. */
uint64_t catalogcli_left(const struct catalogcli_storage *all);

/* Of what is planned, what was asked for. */
size_t catalogcli_prune_count(const struct catalogcli_storage *all);
uint64_t catalogcli_prune_bytes(const struct catalogcli_storage *all);

void catalogcli_print_storage(const struct catalogcli_storage *all);
void catalogcli_print_plan(const struct catalogcli_storage *all);
void catalogcli_print_done(const struct catalogcli_storage *all);

/* Prints the report as JSON; err is how the run ended so far, and receives a failure of this. */
enum bake_status catalogcli_put_storage(
	const struct catalogcli_storage *all, struct bake_error *err) BAKE_CHECKED;

#endif
