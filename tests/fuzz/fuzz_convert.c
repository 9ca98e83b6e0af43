/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole conversion: the first byte chooses the options, the rest is the model. What is converted is
 * the same with one thread and with three and can be read again; what is refused leaves nothing.
 */
#include "convert/convert.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

static char directory[] = "/tmp/fuzz-convert-XXXXXX";
static char input[64];
static char output[64];

static void remove_all(void)
{
	(void)unlink(input);
	(void)unlink(output);
	(void)rmdir(directory);
}

static void prepare(const uint8_t *data, size_t size)
{
	int fd;

	if (!output[0]) {
		CLAIM(mkdtemp(directory));
		(void)snprintf(input, sizeof(input), "%s/in", directory);
		(void)snprintf(output, sizeof(output), "%s/out", directory);
		(void)atexit(remove_all);
	}
	fd = open(input, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CLAIM(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	CLAIM(close(fd) == 0);
}

static struct bake_convert_request request_of(uint8_t choice)
{
	static const char *const types[] = {
		"F32", "F16", "BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"};

	return (struct bake_convert_request){
		.input = input,
		.output = output,
		.options =
			{
				.format = choice & 0x08 ? BAKE_WEIGHTS_GGUF
							: BAKE_WEIGHTS_SAFETENSORS,
				.target = bake_convert_target_named(types[choice & 7]),
				.architecture = NULL,
				.container_only = choice & 0x10,
				.allow_requantize = choice & 0x20,
				.allow_nonfinite = choice & 0x40,
				.strict = choice & 0x80,
			},
	};
}

static void read_again(const struct bake_convert_report *report)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_convert_model *model = NULL;

	CLAIM(succeeded(bake_convert_model_open(output, &model, &err), &err));
	CLAIM(model->tensor_count == report->plan->written);
	CLAIM(model->bytes == report->out_bytes);
	bake_convert_model_close(&model);
}

/* Whether it was converted; then what came of it. */
static bool convert(struct bake_convert_request request, unsigned jobs, struct bake_digest *digest)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_convert_report report;
	struct stat st;
	bool good;

	request.jobs = jobs;
	good = succeeded(bake_convert_run(&request, &report, &err), &err);
	CLAIM(good == (stat(output, &st) == 0) && good == report.written);
	if (good) {
		read_again(&report);
		*digest = report.out_digest;
		CLAIM(unlink(output) == 0);
	}
	bake_convert_report_release(&report);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bake_digest one;
	struct bake_digest three;
	struct bake_convert_request request;
	bool good;

	if (size == 0 || size > 64 * 1024)
		return 0;
	prepare(data + 1, size - 1);
	request = request_of(data[0]);
	good = convert(request, 1, &one);
	CLAIM(convert(request, 3, &three) == good);
	CLAIM(!good || bake_digest_equal(&one, &three));
	return 0;
}
