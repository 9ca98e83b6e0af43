/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an inference server asks: where is the model, is it right, what is it. The baked file when
 * it is right; else the one in the fallback directory; else, where that is allowed, it is fetched
 * there. Never a wrong file, and never another one instead.
 *
 *	struct bake_runtime *runtime;
 *	struct bake_runtime_found *found;
 *	struct bake_error err = BAKE_ERROR_INIT;
 *
 *	if (bake_runtime_open(NULL, &runtime, &err) != BAKE_OK || ...
 *
 * A runtime is a snapshot of one index. Any number of threads may use it at the same time, but for
 * bake_runtime_close, which comes last. The library keeps no state of its own, contains no network
 * code, and changes nothing in the models directory. The environment is read by bake_runtime_open
 * only.
 *
 * Every failure is a status, and what is in *err, which may be NULL when nobody wants to know. Out
 * values are stored only on success. Descriptors are close-on-exec.
 */
#ifndef BAKE_RUNTIME_H
#define BAKE_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#include <bake/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bake_runtime;
struct bake_runtime_found;

/* How a file is looked at before it is right. */
enum bake_runtime_check {
	BAKE_RUNTIME_CHECK_DEFAULT = 0, /* as the runtime's options say; there: quick */
	BAKE_RUNTIME_CHECK_OFF = 1,	/* it is there, and a regular file */
	BAKE_RUNTIME_CHECK_QUICK =
		2,		    /* its size, and that GGUF and safetensors have their headers */
	BAKE_RUNTIME_CHECK_FULL = 3 /* its size and its SHA-256: every byte is read */
};

/* Whether what is not right here may be fetched. */
enum bake_runtime_fallback {
	BAKE_RUNTIME_FALLBACK_DEFAULT = 0, /* $BAKE_FALLBACK: "off" or "fetch"; off when unset */
	BAKE_RUNTIME_FALLBACK_OFF = 1,
	BAKE_RUNTIME_FALLBACK_FETCH = 2
};

/* Where what was found is. */
enum bake_runtime_origin {
	BAKE_RUNTIME_BAKED = 1,
	BAKE_RUNTIME_FALLBACK = 2, /* it was in the fallback directory */
	BAKE_RUNTIME_FETCHED = 3   /* it is there since this call, or one it waited for */
};

/*
 * All zero but for size: the usual. Fields are only ever added at the end; a library that is older
 * than its caller refuses one that it does not know and that is not zero (runtime.abi).
 */
struct bake_runtime_options {
	size_t size;		/* sizeof(struct bake_runtime_options) */
	const char *models_dir; /* NULL: $MODEL_CACHE_DIR, else /app/models */
	const char *index_path; /* NULL: model-info.json in models_dir */
	/* A directory of its own, never the baked one or one above or below it. NULL:
	 * $BAKE_FALLBACK_DIR, else none; "": none. */
	const char *fallback_dir;
	/* What bake-fetch fetches by. NULL: beside models_dir and named after it,
	 * /app/models.lock.json for /app/models, where no volume over the models hides it. */
	const char *lock_path;
	const char *fetch_program;     /* NULL: bake-fetch, by $PATH */
	const char *const *fetch_args; /* further options for it, ended by NULL; NULL: none */
	int32_t check;		       /* enum bake_runtime_check */
	int32_t fallback;	       /* enum bake_runtime_fallback */
	uint32_t offline;	       /* not 0: never fetch, as with $HF_HUB_OFFLINE */
	uint32_t retry_ms; /* after a failed fetch of a model it is tried again only so much later;
			      0: 30,000 */
};

/* A plain file of a model of several variants: one without steps. */
#define BAKE_RUNTIME_PLAIN UINT32_MAX

/* What to choose of a group beyond its rule. NULL and 0: anything. */
struct bake_runtime_wish {
	size_t size; /* sizeof(struct bake_runtime_wish) */
	const char *group;
	const char *precision; /* "int4", "fp4" */
	const char *gpu;       /* "sm_89", "8.9": only what runs there */
	uint32_t rank;
	uint32_t steps; /* BAKE_RUNTIME_PLAIN: the file without */
	/* Not 0: when the first by the rule is not right here, the next one that is; when none is,
	 * the first is fetched. Which one was passed over is in bake_runtime_found_notice. 0: the
	 * first or a failure. */
	uint32_t any_local;
	uint32_t reserved;
};

/* ---- a runtime ---- */

/*
 * Reads the index. options may be NULL. An index that is hidden by a mounted volume is
 * BAKE_ERR_NOINPUT fs.not-found, and the hint says so.
 */
BAKE_API enum bake_status bake_runtime_open(const struct bake_runtime_options *options,
	struct bake_runtime **out, struct bake_error *err);

/* Nobody may be using it. NULL is fine. What was found stays good. */
BAKE_API void bake_runtime_close(struct bake_runtime *runtime);

/* Ends running fetches, whose callers get BAKE_ERR_INTERRUPTED, and begins no more: for a server
 * that is asked to stop. What was brought is kept and resumed by the next one. */
BAKE_API void bake_runtime_cancel(struct bake_runtime *runtime);

/* "0.1.0": of the library that runs, which may be newer than this header. */
BAKE_API const char *bake_runtime_version(void);

/* ---- what the index says; texts live as long as the runtime ---- */

BAKE_API size_t bake_runtime_model_count(const struct bake_runtime *runtime);

/* Ids, sorted. NULL past the last. */
BAKE_API const char *bake_runtime_model_id(const struct bake_runtime *runtime, size_t at);

/* The whole document, with the keys of GET /model-info. out_len may be NULL. */
BAKE_API const char *bake_runtime_info_json(const struct bake_runtime *runtime, size_t *out_len);

/* A model's entry in it. *out_text is the caller's to end with bake_runtime_free. */
BAKE_API enum bake_status bake_runtime_model_json(const struct bake_runtime *runtime,
	const char *model, char **out_text, struct bake_error *err);
BAKE_API void bake_runtime_free(void *memory);

/* ---- finding ---- */

/*
 * The model of that id, checked. An absent one is BAKE_ERR_UNAVAILABLE index.not-local, a wrong one
 * BAKE_ERR_INTEGRITY or, of a broken header, BAKE_ERR_DATA; a failed fetch is runtime.fetch with
 * the status that bake-fetch ended with. One fetch runs for a model however many ask for it.
 */
BAKE_API enum bake_status bake_runtime_resolve(struct bake_runtime *runtime, const char *model,
	enum bake_runtime_check check, struct bake_runtime_found **out, struct bake_error *err);

/* What a group's rule chooses, the same way. What is baked comes before what must be fetched. */
BAKE_API enum bake_status bake_runtime_select(struct bake_runtime *runtime,
	const struct bake_runtime_wish *wish, enum bake_runtime_check check,
	struct bake_runtime_found **out, struct bake_error *err);

/* Whether bake_runtime_resolve would find it without fetching. */
BAKE_API enum bake_status bake_runtime_check(struct bake_runtime *runtime, const char *model,
	enum bake_runtime_check check, struct bake_error *err);

/* ---- what was found: one file, or the directory of several ---- */

BAKE_API void bake_runtime_found_close(struct bake_runtime_found *found);

/*
 * The open file or directory that was checked: between check and use nothing can come in its
 * place. It is closed with found; bake_runtime_found_take_fd gives another one, which the caller
 * closes. The files of a directory are opened with bake_runtime_found_open.
 */
BAKE_API int bake_runtime_found_fd(const struct bake_runtime_found *found);
BAKE_API enum bake_status bake_runtime_found_take_fd(
	const struct bake_runtime_found *found, int *out_fd, struct bake_error *err);

/* "/proc/self/fd/N" for loaders that want a name: of what was checked, in this process, until found
 * is closed. */
BAKE_API const char *bake_runtime_found_fd_path(const struct bake_runtime_found *found);

/* Its name in the file system, for people and for loaders that insist. */
BAKE_API const char *bake_runtime_found_path(const struct bake_runtime_found *found);

BAKE_API const char *bake_runtime_found_model(const struct bake_runtime_found *found);
BAKE_API enum bake_runtime_origin bake_runtime_found_origin(const struct bake_runtime_found *found);
BAKE_API bool bake_runtime_found_is_directory(const struct bake_runtime_found *found);
BAKE_API const char *bake_runtime_found_precision(
	const struct bake_runtime_found *found);				    /* or NULL */
BAKE_API uint32_t bake_runtime_found_rank(const struct bake_runtime_found *found);  /* 0: none */
BAKE_API uint32_t bake_runtime_found_steps(const struct bake_runtime_found *found); /* 0: none */

/* What a log should have: the choice that was passed over and why, or that the baked file is not
 * right. NULL: nothing. */
BAKE_API const char *bake_runtime_found_notice(const struct bake_runtime_found *found);

/* The checked files, as paths below the models directory. NULL past the last. */
BAKE_API size_t bake_runtime_found_file_count(const struct bake_runtime_found *found);
BAKE_API const char *bake_runtime_found_file(const struct bake_runtime_found *found, size_t at);

/*
 * Opens one of them: the very file that was checked, else BAKE_ERR_INTEGRITY integrity.changed.
 * The caller closes *out_fd.
 */
BAKE_API enum bake_status bake_runtime_found_open(
	const struct bake_runtime_found *found, size_t at, int *out_fd, struct bake_error *err);

/* ---- errors for callers that cannot declare a struct bake_error ---- */

/* NULL when memory is short, which is as good as a NULL err. */
BAKE_API struct bake_error *bake_runtime_error_new(void);
BAKE_API void bake_runtime_error_free(struct bake_error *err);
BAKE_API int bake_runtime_error_status(const struct bake_error *err);
BAKE_API const char *bake_runtime_error_id(const struct bake_error *err); /* "" until set */
BAKE_API const char *bake_runtime_error_message(const struct bake_error *err);
BAKE_API const char *bake_runtime_error_hint(const struct bake_error *err); /* "": none */

#ifdef __cplusplus
}
#endif

#endif
