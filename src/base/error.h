/* SPDX-License-Identifier: Apache-2.0 */
/* Making and enriching struct bake_error. Every function returns the error's status, so that
 * `return bake_error_set(err, ...)` is one line. err is never NULL. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <bake/error.h>

#define BAKE_CHECKED	       __attribute__((warn_unused_result))
#define BAKE_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))

/* Pass a failure on as it is. */
#define BAKE_TRY(call)                                                                             \
	do {                                                                                       \
		enum bake_status bake_try_status_ = (call);                                        \
		if (bake_try_status_ != BAKE_OK)                                                   \
			return bake_try_status_;                                                   \
	} while (0)

/* id is a string literal of the form "area.what" and is part of the interface. */
enum bake_status bake_error_set(struct bake_error *err, enum bake_status status, const char *id,
	const char *format, ...) BAKE_PRINTF(4, 5);

/* The same, marked as worth another attempt. */
enum bake_status bake_error_transient(struct bake_error *err, enum bake_status status,
	const char *id, const char *format, ...) BAKE_PRINTF(4, 5);

/* A failed system call: status and id follow from sys_errno, its text is appended. */
enum bake_status bake_error_errno(struct bake_error *err, int sys_errno, const char *format, ...)
	BAKE_PRINTF(3, 4);

/*
 * What a failed system call means depends on what the path was for. Of one that is read, whatever
 * is in its way means that it is not there (BAKE_ERR_NOINPUT fs.not-found); of one that is made,
 * what is missing means that it cannot be (BAKE_ERR_CANTCREATE fs.no-directory). Other failures
 * stay as they are.
 */
enum bake_status bake_error_of_input(struct bake_error *err);
enum bake_status bake_error_of_output(struct bake_error *err);

enum bake_status bake_error_nomem(struct bake_error *err);

/* Prepends "context: " to the message. Status, id and hint stay. */
enum bake_status bake_error_wrap(struct bake_error *err, const char *format, ...) BAKE_PRINTF(2, 3);

/* Says what to do about it. The first hint given stays: it knew most. */
enum bake_status bake_error_hint(struct bake_error *err, const char *format, ...) BAKE_PRINTF(2, 3);

/*
 * The static analyzer sees one file at a time and would think that a failure may return BAKE_OK.
 */
#if defined(__clang_analyzer__) && !defined(BASE_ERROR_IMPLEMENTATION)
#define bake_error_set(err, code, ...)                                                             \
	((void)(bake_error_set)((err), (code), __VA_ARGS__), (err)->status = (code))
#define bake_error_transient(err, code, ...)                                                       \
	((void)(bake_error_transient)((err), (code), __VA_ARGS__), (err)->status = (code))
#define bake_error_errno(err, ...)                                                                 \
	((void)(bake_error_errno)((err), __VA_ARGS__), (err)->status = BAKE_ERR_IO)
#define bake_error_of_input(err)  ((void)(bake_error_of_input)(err), (err)->status = BAKE_ERR_IO)
#define bake_error_of_output(err) ((void)(bake_error_of_output)(err), (err)->status = BAKE_ERR_IO)
#define bake_error_nomem(err)	  ((err)->status = BAKE_ERR_RESOURCES)
#define bake_error_wrap(err, ...)                                                                  \
	((void)(bake_error_wrap)((err), __VA_ARGS__), (err)->status = BAKE_ERR_INTERNAL)
#define bake_error_hint(err, ...)                                                                  \
	((void)(bake_error_hint)((err), __VA_ARGS__), (err)->status = BAKE_ERR_INTERNAL)
#endif

/* Of two statuses of one run, the one that decides the exit code. */
enum bake_status bake_status_worse(enum bake_status a, enum bake_status b);

#endif
