/* SPDX-License-Identifier: Apache-2.0 */
#include "netops/token.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fs/file.h"

static const char *const secrets[] = {"/run/secrets/hf_token", "/run/secrets/HF_TOKEN"};

/* No core file and no other process gets to see our memory from here on. */
static void close_windows(void)
{
	struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static void wipe(struct bake_buf *buf)
{
	if (buf->ptr)
		explicit_bzero(buf->ptr, buf->room);
	bake_buf_release(buf);
}

/* The token in text; from names where it came from, never the token. */
static enum bake_status take(
	const char *text, const char *from, struct bake_token *out, struct bake_error *err)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (len >= sizeof(out->text))
		return bake_error_set(err, BAKE_ERR_DATA, "auth.token-format",
			"the token from %s is over %d bytes", BAKE_SHOW(from), BAKE_TOKEN_MAX);
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return bake_error_set(err, BAKE_ERR_DATA, "auth.token-format",
				"the token from %s has a character that no token has",
				BAKE_SHOW(from));
	}
	close_windows();
	memcpy(out->text, text, len);
	out->text[len] = '\0';
	return BAKE_OK;
}

static enum bake_status take_file(const char *path, struct bake_token *out, struct bake_error *err)
{
	_cleanup_(wipe) struct bake_buf text = BAKE_BUF_INIT(BAKE_TOKEN_MAX);

	if (bake_file_read(path, &text, err) != BAKE_OK)
		return bake_error_wrap(err, "token");
	return take(text.ptr ? text.ptr : "", path, out, err);
}

/* Whether text is a token and no name of a file: somebody left out the file. */
static bool looks_like_token(const char *text)
{
	static const char *const prefixes[] = {"hf_", "api_org_", "ghp_", "github_pat_", "glpat-"};

	for (size_t i = 0; i < countof(prefixes); i++) {
		if (bake_text_starts(text, prefixes[i]) && !strpbrk(text, "/."))
			return true;
	}
	return strlen(text) >= 30 && !strpbrk(text, "/.");
}

/* The file that was named. What is no file but a token is shown to nobody. */
static enum bake_status take_named(const char *path, struct bake_token *out, struct bake_error *err)
{
	if (access(path, F_OK) == 0 || !looks_like_token(path))
		return take_file(path, out, err);
	bake_error_set(err, BAKE_ERR_NOINPUT, "auth.token-file",
		"--token-file takes the name of a file, and was given what looks like a token");
	return bake_error_hint(err, "write it to a file that only you can read; an argument is "
				    "seen by everybody on the machine, so revoke this token");
}

/* Whether this process runs in an image build or a container. */
static bool in_container(void)
{
	char host[64] = "";

	(void)gethostname(host, sizeof(host) - 1);
	return strcmp(host, "buildkitsandbox") == 0 || access("/.dockerenv", F_OK) == 0 ||
	       access("/run/.containerenv", F_OK) == 0;
}

enum bake_status bake_token_read(const char *file, const struct bake_events *events,
	struct bake_token *out, struct bake_error *err)
{
	const char *value = getenv("HF_TOKEN");
	const char *path = getenv("HF_TOKEN_PATH");

	out->text[0] = '\0';
	if (file)
		return take_named(file, out, err);
	for (size_t i = 0; i < countof(secrets); i++) {
		if (access(secrets[i], R_OK) == 0)
			return take_file(secrets[i], out, err);
	}
	if (value && value[0]) {
		if (in_container())
			bake_emitf(events, BAKE_EVENT_WARNING,
				"the token comes from $HF_TOKEN, which an image may keep; "
				"use --mount=type=secret,id=hf_token");
		return take(value, "$HF_TOKEN", out, err);
	}
	if (path && path[0] && access(path, R_OK) == 0)
		return take_file(path, out, err);
	return BAKE_OK;
}
