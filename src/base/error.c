/* SPDX-License-Identifier: Apache-2.0 */
#define BASE_ERROR_IMPLEMENTATION
#include "base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

static_assert(sizeof(struct bake_error) <= 1024, "errors live on the stack");

static const struct bake_status_info statuses[] = {
	{BAKE_OK, "success", "everything asked for was done", "-"},
	{BAKE_ERR_INTEGRITY, "integrity", "size, digest, missing, extra or changed file", "no"},
	{BAKE_ERR_SIGNATURE, "signature", "signature missing, bad or by another key", "no"},
	{BAKE_ERR_POLICY, "policy", "refused: http, private address, secret in a URL", "no"},
	{BAKE_ERR_NOSPACE, "no space", "the file system, or the GPU asked about, cannot hold it",
		"after freeing space"},
	{BAKE_ERR_PARTIAL, "partial", "optional parts failed with --keep-going", "maybe"},
	{BAKE_ERR_USAGE, "usage", "unknown option or wrong argument", "no"},
	{BAKE_ERR_DATA, "data", "malformed manifest, lock, index, model or path", "no"},
	{BAKE_ERR_NOINPUT, "no input", "local file absent, or nothing to do the job on", "no"},
	{BAKE_ERR_UNAVAILABLE, "unavailable", "not there: 404, 410, unknown host", "no"},
	{BAKE_ERR_INTERNAL, "internal", "a bug in this program", "report it"},
	{BAKE_ERR_RESOURCES, "resources", "out of memory or file descriptors", "maybe"},
	{BAKE_ERR_CANTCREATE, "cannot create", "the destination is of the wrong kind", "no"},
	{BAKE_ERR_IO, "input/output", "reading, writing or syncing failed", "no"},
	{BAKE_ERR_TEMPORARY, "temporary", "timeout, reset, 429, 5xx, lock held", "yes"},
	{BAKE_ERR_PROTOCOL, "protocol", "TLS, bad range, size lie, redirect loop", "maybe"},
	{BAKE_ERR_PERMISSION, "permission", "401, 403, permission denied", "no"},
	{BAKE_ERR_CONFIG, "configuration", "stale lock, pin conflict, schema version", "no"},
	{BAKE_ERR_INTERRUPTED, "interrupted", "SIGINT (143 for SIGTERM)", "yes"},
};

/* Worst first: which failure of several names the exit code. Others never meet another. */
static const enum bake_status by_severity[] = {
	BAKE_ERR_INTERRUPTED,
	BAKE_ERR_INTERNAL,
	BAKE_ERR_SIGNATURE,
	BAKE_ERR_INTEGRITY,
	BAKE_ERR_POLICY,
	BAKE_ERR_DATA,
	BAKE_ERR_CONFIG,
	BAKE_ERR_CANTCREATE,
	BAKE_ERR_PERMISSION,
	BAKE_ERR_IO,
	BAKE_ERR_NOSPACE,
	BAKE_ERR_PROTOCOL,
	BAKE_ERR_RESOURCES,
	BAKE_ERR_UNAVAILABLE,
	BAKE_ERR_TEMPORARY,
	BAKE_ERR_NOINPUT,
	BAKE_ERR_USAGE,
	BAKE_ERR_PARTIAL,
	BAKE_OK,
};

/* What a failed system call means to the person who ran the tool. */
static const struct {
	int sys_errno;
	enum bake_status status;
	const char *id;
} errnos[] = {
	{ENOSPC, BAKE_ERR_NOSPACE, "disk.full"},
	{EDQUOT, BAKE_ERR_NOSPACE, "disk.quota"},
	{EFBIG, BAKE_ERR_NOSPACE, "disk.file-too-big"},
	{EACCES, BAKE_ERR_PERMISSION, "fs.permission"},
	{EPERM, BAKE_ERR_PERMISSION, "fs.permission"},
	{EROFS, BAKE_ERR_CANTCREATE, "fs.read-only"},
	{ENOENT, BAKE_ERR_NOINPUT, "fs.not-found"},
	{ELOOP, BAKE_ERR_CANTCREATE, "path.symlink"},
	{ENOTDIR, BAKE_ERR_CANTCREATE, "path.type"},
	{EISDIR, BAKE_ERR_CANTCREATE, "path.type"},
	{EEXIST, BAKE_ERR_CANTCREATE, "path.type"},
	{ENAMETOOLONG, BAKE_ERR_CANTCREATE, "path.too-long"},
	{ENOMEM, BAKE_ERR_RESOURCES, "sys.memory"},
	{EMFILE, BAKE_ERR_RESOURCES, "sys.descriptors"},
	{ENFILE, BAKE_ERR_RESOURCES, "sys.descriptors"},
};

const struct bake_status_info *bake_status_table(unsigned *out_count)
{
	*out_count = (unsigned)countof(statuses);
	return statuses;
}

int bake_exit_code(enum bake_status status)
{
	return -(int)status;
}

static size_t severity(enum bake_status status)
{
	size_t rank = 0;

	while (rank < countof(by_severity) && by_severity[rank] != status)
		rank++;
	return rank;
}

enum bake_status bake_status_worse(enum bake_status a, enum bake_status b)
{
	return severity(a) <= severity(b) ? a : b;
}

static void start(struct bake_error *err, enum bake_status status, const char *id)
{
	assert(status != BAKE_OK);
	*err = (struct bake_error){.status = status, .id = id};
}

enum bake_status bake_error_set(
	struct bake_error *err, enum bake_status status, const char *id, const char *format, ...)
{
	va_list args;

	start(err, status, id);
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return status;
}

enum bake_status bake_error_transient(
	struct bake_error *err, enum bake_status status, const char *id, const char *format, ...)
{
	va_list args;

	start(err, status, id);
	err->transient = true;
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return status;
}

enum bake_status bake_error_errno(struct bake_error *err, int sys_errno, const char *format, ...)
{
	enum bake_status status = BAKE_ERR_IO;
	const char *id = "fs.io";
	va_list args;
	size_t used;

	for (size_t i = 0; i < countof(errnos); i++) {
		if (errnos[i].sys_errno == sys_errno) {
			status = errnos[i].status;
			id = errnos[i].id;
		}
	}
	start(err, status, id);
	err->sys_errno = sys_errno;
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof(err->message) - used, ": %s",
		strerrordesc_np(sys_errno) ? strerrordesc_np(sys_errno) : "unknown error");
	return status;
}

enum bake_status bake_error_of_input(struct bake_error *err)
{
	if (err->sys_errno && err->status == BAKE_ERR_CANTCREATE) {
		err->status = BAKE_ERR_NOINPUT;
		err->id = "fs.not-found";
	}
	return err->status;
}

enum bake_status bake_error_of_output(struct bake_error *err)
{
	if (err->sys_errno && err->status == BAKE_ERR_NOINPUT) {
		err->status = BAKE_ERR_CANTCREATE;
		err->id = "fs.no-directory";
	}
	return err->status;
}

enum bake_status bake_error_nomem(struct bake_error *err)
{
	return bake_error_set(err, BAKE_ERR_RESOURCES, "sys.memory", "out of memory");
}

enum bake_status bake_error_wrap(struct bake_error *err, const char *format, ...)
{
	char inner[sizeof(err->message)];
	va_list args;
	size_t used;

	memcpy(inner, err->message, sizeof(inner));
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof(err->message) - used, ": %s", inner);
	return err->status;
}

enum bake_status bake_error_hint(struct bake_error *err, const char *format, ...)
{
	va_list args;

	if (err->hint[0] == '\0') {
		va_start(args, format);
		(void)vsnprintf(err->hint, sizeof(err->hint), format, args);
		va_end(args);
	}
	return err->status;
}
