/* SPDX-License-Identifier: Apache-2.0 */
/* What is right but can execute code, and was not allowed to. */
#include "base/cleanup.h"
#include "base/parallel.h"
#include "base/stop.h"
#include "fs/dir.h"
#include "ops/pickle.h"
#include "ops/verifying.h"

struct looking {
	const struct bake_pickle_policy *policy;
	int root;
	bool quick;
	struct bake_file_check *files;
};

static enum bake_status look(
	const struct looking *looking, const struct bake_file_check *check, struct bake_error *err)
{
	struct bake_pickle_file file = {
		.path = check->path.text, .sha256 = &check->sha256, .size = check->size};
	const char *what = bake_pickle_named(&file);
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!what && !looking->quick) {
		BAKE_TRY(bake_open_regular(looking->root, check->path, &fd, &st, err));
		BAKE_TRY(bake_pickle_look(&file, fd, &what, err));
	}
	return bake_pickle_refuse(looking->policy, &file, what, err);
}

static void look_at(void *context, size_t index)
{
	const struct looking *looking = context;
	struct bake_file_check *check = &looking->files[index];
	enum bake_status status;

	if (check->state != BAKE_FILE_RIGHT || bake_stop_signal())
		return;
	check->may_execute |= bake_pickle_is_allowed(looking->policy, &check->sha256);
	if (check->may_execute)
		return;
	status = look(looking, check, &check->error);
	if (status != BAKE_OK)
		check->state = status == BAKE_ERR_POLICY ? BAKE_FILE_REFUSED : BAKE_FILE_UNREADABLE;
}

enum bake_status bake_verifying_pickles(const struct bake_verify_options *options, int root,
	struct bake_verify_report *report, struct bake_error *err)
{
	struct looking looking = {
		.policy = options->pickles,
		.root = root,
		.quick = options->quick,
		.files = report->files,
	};

	/* One thread: it is two short reads a file, of what has just been read or not at all. */
	bake_parallel(report->file_count, 1, look_at, &looking);
	return bake_stop_check(err);
}
