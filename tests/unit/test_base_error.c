/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses, exit codes and the story of a failure. */
#include "unit/rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The table as users know it. A row that changes breaks somebody's script. */
static const struct code_row {
	const char *name;
	enum bake_status status;
	int code;
} codes[] = {
	{"success", BAKE_OK, 0},
	{"integrity", BAKE_ERR_INTEGRITY, 20},
	{"signature", BAKE_ERR_SIGNATURE, 21},
	{"policy", BAKE_ERR_POLICY, 22},
	{"no space", BAKE_ERR_NOSPACE, 23},
	{"partial", BAKE_ERR_PARTIAL, 24},
	{"usage", BAKE_ERR_USAGE, 64},
	{"data", BAKE_ERR_DATA, 65},
	{"no input", BAKE_ERR_NOINPUT, 66},
	{"unavailable", BAKE_ERR_UNAVAILABLE, 69},
	{"internal", BAKE_ERR_INTERNAL, 70},
	{"resources", BAKE_ERR_RESOURCES, 71},
	{"cannot create", BAKE_ERR_CANTCREATE, 73},
	{"input/output", BAKE_ERR_IO, 74},
	{"temporary", BAKE_ERR_TEMPORARY, 75},
	{"protocol", BAKE_ERR_PROTOCOL, 76},
	{"permission", BAKE_ERR_PERMISSION, 77},
	{"configuration", BAKE_ERR_CONFIG, 78},
	{"interrupted", BAKE_ERR_INTERRUPTED, 130},
};

static void try_code(void **state)
{
	const struct code_row *row = *state;
	unsigned count;
	const struct bake_status_info *table = bake_status_table(&count);
	unsigned found = 0;

	assert_int_equal(bake_exit_code(row->status), row->code);
	for (unsigned i = 0; i < count; i++) {
		if (table[i].status != row->status)
			continue;
		found++;
		assert_string_equal(table[i].name, row->name);
		assert_true(table[i].text[0] != '\0');
		assert_true(table[i].retry[0] != '\0');
	}
	assert_int_equal(found, 1);
}

static void table_is_complete(void)
{
	unsigned count;
	const struct bake_status_info *table = bake_status_table(&count);

	assert_int_equal(count, countof(codes));
	for (unsigned i = 1; i < count; i++)
		assert_true(bake_exit_code(table[i - 1].status) < bake_exit_code(table[i].status));
}

/* Whichever of two failures comes first, the one that stands first here gives the exit code. */
static const int by_severity[] = {
	130, 70, 21, 20, 22, 65, 78, 73, 77, 74, 23, 76, 71, 69, 75, 66, 64, 24, 0};

static void severity_orders_all(void)
{
	assert_int_equal(countof(by_severity), countof(codes));
	for (size_t i = 0; i < countof(by_severity); i++) {
		for (size_t k = i; k < countof(by_severity); k++) {
			enum bake_status worse = (enum bake_status) - by_severity[i];
			enum bake_status other = (enum bake_status) - by_severity[k];

			assert_int_equal(bake_status_worse(worse, other), worse);
			assert_int_equal(bake_status_worse(other, worse), worse);
		}
	}
}

static const struct errno_row {
	const char *name;
	int sys_errno;
	enum bake_status status;
	const char *id;
} errnos[] = {
	{"disk full", ENOSPC, BAKE_ERR_NOSPACE, "disk.full"},
	{"quota", EDQUOT, BAKE_ERR_NOSPACE, "disk.quota"},
	{"file size limit", EFBIG, BAKE_ERR_NOSPACE, "disk.file-too-big"},
	{"access denied", EACCES, BAKE_ERR_PERMISSION, "fs.permission"},
	{"not permitted", EPERM, BAKE_ERR_PERMISSION, "fs.permission"},
	{"read-only file system", EROFS, BAKE_ERR_CANTCREATE, "fs.read-only"},
	{"not found", ENOENT, BAKE_ERR_NOINPUT, "fs.not-found"},
	{"symbolic link", ELOOP, BAKE_ERR_CANTCREATE, "path.symlink"},
	{"another file system", EXDEV, BAKE_ERR_IO, "fs.io"},
	{"not a directory", ENOTDIR, BAKE_ERR_CANTCREATE, "path.type"},
	{"is a directory", EISDIR, BAKE_ERR_CANTCREATE, "path.type"},
	{"is there already", EEXIST, BAKE_ERR_CANTCREATE, "path.type"},
	{"name too long", ENAMETOOLONG, BAKE_ERR_CANTCREATE, "path.too-long"},
	{"no memory", ENOMEM, BAKE_ERR_RESOURCES, "sys.memory"},
	{"descriptors of the process", EMFILE, BAKE_ERR_RESOURCES, "sys.descriptors"},
	{"descriptors of the system", ENFILE, BAKE_ERR_RESOURCES, "sys.descriptors"},
	{"input/output error", EIO, BAKE_ERR_IO, "fs.io"},
	{"anything else", EXFULL, BAKE_ERR_IO, "fs.io"},
	{"no errno at all", 99999, BAKE_ERR_IO, "fs.io"},
};

static void try_errno(void **state)
{
	const struct errno_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_error_errno(&err, row->sys_errno, "open '%s'", "x"), &err, row->status,
		row->id);
	assert_int_equal(err.sys_errno, row->sys_errno);
	assert_false(err.transient);
	assert_int_equal(strncmp(err.message, "open 'x': ", 10), 0);
	assert_true(err.message[10] != '\0');
}

static const struct purpose_row {
	const char *name;
	int sys_errno;
	enum bake_status input;
	enum bake_status output;
} purposes[] = {
	{"not found", ENOENT, BAKE_ERR_NOINPUT, BAKE_ERR_CANTCREATE},
	{"not a directory", ENOTDIR, BAKE_ERR_NOINPUT, BAKE_ERR_CANTCREATE},
	{"name too long", ENAMETOOLONG, BAKE_ERR_NOINPUT, BAKE_ERR_CANTCREATE},
	{"a loop of links", ELOOP, BAKE_ERR_NOINPUT, BAKE_ERR_CANTCREATE},
	{"access denied", EACCES, BAKE_ERR_PERMISSION, BAKE_ERR_PERMISSION},
	{"input/output error", EIO, BAKE_ERR_IO, BAKE_ERR_IO},
};

static void try_purpose(void **state)
{
	const struct purpose_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;

	bake_error_errno(&err, row->sys_errno, "x");
	assert_int_equal(bake_error_of_input(&err), row->input);
	bake_error_errno(&err, row->sys_errno, "x");
	assert_int_equal(bake_error_of_output(&err), row->output);
	/* What no system call said stays what it is. */
	bake_error_set(&err, BAKE_ERR_CANTCREATE, "path.type", "x");
	assert_int_equal(bake_error_of_input(&err), BAKE_ERR_CANTCREATE);
	bake_error_set(&err, BAKE_ERR_NOINPUT, "verify.nothing", "x");
	assert_int_equal(bake_error_of_output(&err), BAKE_ERR_NOINPUT);
}

static void set_forgets_the_former(void)
{
	struct bake_error err = BAKE_ERROR_INIT;

	bake_error_errno(&err, ENOSPC, "write");
	bake_error_hint(&err, "free some");
	check_status(bake_error_set(&err, BAKE_ERR_DATA, "a.b", "%d apples", 3), &err,
		BAKE_ERR_DATA, "a.b");
	assert_string_equal(err.message, "3 apples");
	assert_string_equal(err.hint, "");
	assert_int_equal(err.sys_errno, 0);
	assert_int_equal(err.detail, 0);
	assert_false(err.transient);
}

static void transient_says_so(void)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_error_transient(&err, BAKE_ERR_TEMPORARY, "net.short", "cut"), &err,
		BAKE_ERR_TEMPORARY, "net.short");
	assert_true(err.transient);
	assert_int_equal(bake_error_wrap(&err, "file %s", "f"), BAKE_ERR_TEMPORARY);
	assert_true(err.transient);
}

static void nomem_is_resources(void)
{
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_error_nomem(&err), &err, BAKE_ERR_RESOURCES, "sys.memory");
}

static void wrap_puts_context_in_front(void)
{
	struct bake_error err = BAKE_ERROR_INIT;

	bake_error_set(&err, BAKE_ERR_IO, "fs.io", "broken");
	bake_error_hint(&err, "mend it");
	check_status(bake_error_wrap(&err, "part %d", 1), &err, BAKE_ERR_IO, "fs.io");
	check_status(bake_error_wrap(&err, "whole"), &err, BAKE_ERR_IO, "fs.io");
	assert_string_equal(err.message, "whole: part 1: broken");
	assert_string_equal(err.hint, "mend it");
}

static void the_first_hint_stays(void)
{
	struct bake_error err = BAKE_ERROR_INIT;

	bake_error_set(&err, BAKE_ERR_IO, "fs.io", "broken");
	assert_int_equal(bake_error_hint(&err, "first %d", 1), BAKE_ERR_IO);
	assert_int_equal(bake_error_hint(&err, "second"), BAKE_ERR_IO);
	assert_string_equal(err.hint, "first 1");
}

/* Reporting a failure cannot fail: what does not fit is cut. */
static void everything_is_bounded(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	char longer[2000];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	bake_error_set(&err, BAKE_ERR_IO, "fs.io", "%s", longer);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	bake_error_wrap(&err, "%s", longer);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	bake_error_hint(&err, "%s", longer);
	assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
	bake_error_errno(&err, EIO, "%s", longer);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	bake_error_set(&err, BAKE_ERR_IO, "fs.io", "the cause");
	bake_error_wrap(&err, "%.*s", 630, longer);
	assert_int_equal(strlen(err.message), sizeof(err.message) - 1);
	assert_string_equal(err.message + 630, ": the cau");
}

static const struct scenario stories[] = {
	{"the table is complete, ordered and without doubles", table_is_complete},
	{"of two statuses the worse one decides", severity_orders_all},
	{"setting forgets the former error", set_forgets_the_former},
	{"a transient error stays one", transient_says_so},
	{"memory is a resource", nomem_is_resources},
	{"context goes in front", wrap_puts_context_in_front},
	{"the first hint stays", the_first_hint_stays},
	{"everything is bounded", everything_is_bounded},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(codes, try_code),
		ROWS(errnos, try_errno),
		ROWS(purposes, try_purpose),
		ROWS(stories, play_scenario),
	};

	return run_rows("base/error", tables, countof(tables));
}
