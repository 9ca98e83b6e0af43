/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogcli/load.h"

#include "catalogcli/commands.h"

enum bake_status catalogcli_open(const struct catalogcli_which *which,
	struct bake_catalog_opened *out, struct bake_error *err)
{
	const struct bake_catalog_where where = {
		.manifests = which->manifests.items,
		.manifest_count = which->manifests.count,
		.locks = which->locks.items,
		.lock_count = which->locks.count,
		.models_dir = cli_models_dir(which->models_dir),
		.index_path = which->index_path,
	};

	BAKE_TRY(bake_catalog_open(&where, out, err));
	if (out->warning.status != BAKE_OK)
		cli_warn(CATALOGCLI_TOOL, out->warning.message);
	return BAKE_OK;
}

void catalogcli_release(struct catalogcli_which *which)
{
	cli_list_release(&which->manifests);
	cli_list_release(&which->locks);
}
