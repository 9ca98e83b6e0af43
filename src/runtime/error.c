/* SPDX-License-Identifier: Apache-2.0 */
/* Errors for callers that cannot declare one, and what calls have in common. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "runtime/inner.h"

struct bake_error *bake_runtime_error_new(void)
{
	return calloc(1, sizeof(struct bake_error));
}

void bake_runtime_error_free(struct bake_error *err)
{
	free(err);
}

int bake_runtime_error_status(const struct bake_error *err)
{
	return (int)err->status;
}

const char *bake_runtime_error_id(const struct bake_error *err)
{
	return err->id ? err->id : "";
}

const char *bake_runtime_error_message(const struct bake_error *err)
{
	return err->message;
}

const char *bake_runtime_error_hint(const struct bake_error *err)
{
	return err->hint;
}

void bake_runtime_free(void *memory)
{
	free(memory);
}

const char *bake_runtime_version(void)
{
	return BAKE_VERSION;
}

enum bake_status bake_runtime_take_struct(const void *given, size_t given_size, void *ours,
	size_t our_size, const char *name, struct bake_error *err)
{
	const unsigned char *bytes = given;

	memset(ours, 0, our_size);
	if (given_size < sizeof(size_t))
		return bake_error_set(err, BAKE_ERR_USAGE, "runtime.abi",
			"%s: size is not set to its sizeof", name);
	for (size_t i = our_size; i < given_size; i++) {
		if (bytes[i])
			return bake_error_set(err, BAKE_ERR_USAGE, "runtime.abi",
				"%s asks for what this version (%s) does not know", name,
				BAKE_VERSION);
	}
	memcpy(ours, given, given_size < our_size ? given_size : our_size);
	return BAKE_OK;
}

enum bake_status bake_runtime_level(const struct bake_runtime *runtime,
	enum bake_runtime_check asked, enum bake_runtime_check *out, struct bake_error *err)
{
	if ((int)asked < BAKE_RUNTIME_CHECK_DEFAULT || (int)asked > BAKE_RUNTIME_CHECK_FULL)
		return bake_error_set(
			err, BAKE_ERR_USAGE, "runtime.option", "there is no check %d", (int)asked);
	*out = asked == BAKE_RUNTIME_CHECK_DEFAULT ? runtime->check : asked;
	return BAKE_OK;
}
