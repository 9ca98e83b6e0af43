/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target without libFuzzer: once for each file named, and for each file in each
 * directory named. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

enum {
	INPUT_MAX = 1024 * 1024
};

static unsigned run;

static bool run_file(int at, const char *name)
{
	_cleanup_close_ int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ uint8_t *bytes = malloc(INPUT_MAX);
	_cleanup_free_ uint8_t *exact = NULL;
	ssize_t got = fd >= 0 && bytes ? read(fd, bytes, INPUT_MAX) : -1;

	if (got < 0) {
		(void)fprintf(stderr, "%s: %s\n", name, strerror(errno));
		return false;
	}
	(void)printf("%s\n", name);
	(void)fflush(stdout);
	exact = malloc((size_t)got + 1);
	if (!exact)
		return false;
	memcpy(exact, bytes, (size_t)got);
	(void)LLVMFuzzerTestOneInput(exact, (size_t)got);
	run++;
	return true;
}

static bool run_directory(DIR *list)
{
	const struct dirent *entry;

	while ((entry = readdir(list))) {
		if (entry->d_name[0] != '.' && !run_file(dirfd(list), entry->d_name))
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		DIR *list = opendir(argv[i]);
		bool good = list ? run_directory(list) : run_file(AT_FDCWD, argv[i]);

		if (list)
			(void)closedir(list);
		if (!good)
			return EXIT_FAILURE;
	}
	(void)printf("%u inputs\n", run);
	return run ? EXIT_SUCCESS : EXIT_FAILURE;
}
