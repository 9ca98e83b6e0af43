/* SPDX-License-Identifier: Apache-2.0 */
/* The start of an inference server: which model, is it right, where is it. Ends with bake's exit
 * codes. cc server.c $(pkg-config --cflags --libs bake); ./a.out GROUP [GPU] */
#include <stdio.h>

#include <bake/runtime.h>

static int fail(const struct bake_error *err)
{
	fprintf(stderr, "server: error[%s]: %s\n", err->id, err->message);
	if (err->hint[0])
		fprintf(stderr, "hint: %s\n", err->hint);
	return bake_exit_code(err->status);
}

int main(int argc, char **argv)
{
	struct bake_runtime_wish wish = {.size = sizeof(wish), .any_local = 1};
	struct bake_runtime *runtime;
	struct bake_runtime_found *model;
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_status status;

	wish.group = argc > 1 ? argv[1] : "qwen-image-edit";
	wish.gpu = argc > 2 ? argv[2] : NULL;
	if (bake_runtime_open(NULL, &runtime, &err) != BAKE_OK)
		return fail(&err);
	status = bake_runtime_select(runtime, &wish, BAKE_RUNTIME_CHECK_DEFAULT, &model, &err);
	bake_runtime_close(runtime);
	if (status != BAKE_OK)
		return fail(&err);
	if (bake_runtime_found_notice(model))
		fprintf(stderr, "server: warning: %s\n", bake_runtime_found_notice(model));
	printf("%s: %s, rank %u, %u steps\n", bake_runtime_found_model(model),
		bake_runtime_found_path(model), bake_runtime_found_rank(model),
		bake_runtime_found_steps(model)); /* load bake_runtime_found_fd(model) here */
	bake_runtime_found_close(model);
	return 0;
}
