/* SPDX-License-Identifier: Apache-2.0 */
#include "hub/hub.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "json/json.h"
#include "net/retry.h"

enum {
	REDIRECTS_MAX = 5
};

#define API_REQUEST                                                                                \
	{                                                                                          \
		.accept = "application/json", .no_redirects = true                                 \
	}

bool bake_hub_is_commit(const char *revision)
{
	return strlen(revision) == 40 && strspn(revision, "0123456789abcdef") == 40;
}

void bake_hub_file_url(struct bake_buf *out, const char *endpoint, const char *repository,
	const char *commit, const char *path)
{
	bake_buf_text(out, endpoint);
	bake_buf_text(out, "/");
	bake_url_escape(out, repository, true);
	bake_buf_text(out, "/resolve/");
	bake_url_escape(out, commit, false);
	bake_buf_text(out, "/");
	bake_url_escape(out, path, true);
}

/* X-Error-Code, what it means, and what a person can do. */
static const struct {
	const char *code;
	enum bake_status status;
	const char *id;
	const char *what;
} codes[] = {
	{"RepoNotFound", BAKE_ERR_UNAVAILABLE, "hub.repository-not-found",
		"there is no repository"},
	{"RevisionNotFound", BAKE_ERR_UNAVAILABLE, "hub.revision-not-found",
		"there is no such revision of"},
	{"EntryNotFound", BAKE_ERR_UNAVAILABLE, "hub.entry-not-found", "there is no such file in"},
	{"GatedRepo", BAKE_ERR_PERMISSION, "hub.gated", "access is gated to"},
};

static void hint_of(const char *id, const char *endpoint, const char *repository, bool have_token,
	struct bake_error *err)
{
	if (strcmp(id, "hub.gated") == 0 && have_token)
		bake_error_hint(err, "the token has no access: accept the terms at %s/%s",
			BAKE_SHOW_URL(endpoint), BAKE_SHOW(repository));
	else if (strcmp(id, "hub.gated") == 0)
		bake_error_hint(err,
			"accept the terms at %s/%s, then give a token: --token-file FILE, or in a "
			"build --secret id=hf_token",
			BAKE_SHOW_URL(endpoint), BAKE_SHOW(repository));
	else if (strcmp(id, "hub.repository-not-found") == 0 && !have_token)
		bake_error_hint(err, "if it is private, give a token: --token-file FILE, or in a "
				     "build --secret id=hf_token");
	else if (strcmp(id, "hub.revision-not-found") == 0)
		bake_error_hint(err, "branches, tags and commits are listed at %s/%s/tree/main",
			BAKE_SHOW_URL(endpoint), BAKE_SHOW(repository));
}

static const char *code_of(const struct bake_response *response, bool have_token)
{
	if (response->error_code[0])
		return response->error_code;
	/* Without a token the Hub does not say whether a repository is private or absent. */
	if (response->status == 401 && !have_token)
		return "RepoNotFound";
	return "";
}

void bake_hub_explain(const struct bake_response *response, const char *endpoint,
	const char *repository, const char *revision, bool have_token, struct bake_error *err)
{
	const char *code = code_of(response, have_token);
	uint32_t status = response->status;
	char request[sizeof(response->request_id) + 16] = "";

	if (response->cross_origin)
		return; /* not the Hub's own words */
	if (response->request_id[0])
		(void)snprintf(request, sizeof(request), ", request %s", response->request_id);
	for (size_t i = 0; i < countof(codes); i++) {
		if (strcmp(codes[i].code, code) != 0)
			continue;
		bake_error_set(err, codes[i].status, codes[i].id, "%s '%s' at '%s' (%u from %s%s)",
			codes[i].what, BAKE_SHOW(repository), BAKE_SHOW(revision), status,
			BAKE_SHOW_URL(endpoint), BAKE_SHOW(request));
		err->detail = status;
		hint_of(codes[i].id, endpoint, repository, have_token, err);
		return;
	}
	if (status == 401 || status == 403)
		bake_error_hint(err,
			have_token ? "the token is not accepted for %s"
				   : "%s asks for a token: --token-file FILE, or in a "
				     "build --secret id=hf_token",
			BAKE_SHOW(repository));
}

/* The repository in ".../api/models/{repository}/...", when the reference is of that form. */
static bool repository_in(const char *location, char *out, size_t room)
{
	static const char marker[] = "/api/models/";
	const char *begin = strstr(location, marker);
	const char *end;

	if (!begin)
		return false;
	begin += sizeof(marker) - 1;
	end = strstr(begin, "/revision/");
	if (!end)
		end = strstr(begin, "/tree/");
	if (!end)
		end = begin + strcspn(begin, "?#");
	if (end == begin || (size_t)(end - begin) >= room)
		return false;
	memcpy(out, begin, (size_t)(end - begin));
	out[end - begin] = '\0';
	return true;
}

static enum bake_status renamed(const char *repository, const char *now, struct bake_error *err)
{
	bake_error_set(err, BAKE_ERR_UNAVAILABLE, "hub.renamed", "repository '%s' is now '%s'",
		BAKE_SHOW(repository), BAKE_SHOW(now));
	return bake_error_hint(err, "write \"hub\": \"%s\" in the manifest", BAKE_SHOW(now));
}

/* The request for what the server itself names next, by a redirect or as the next page: never by
 * plain http after https, and without the token once another origin was named. */
static enum bake_status go_on(const struct bake_hub *hub, const char *url,
	struct bake_http_request *request, struct bake_error *err)
{
	struct bake_origin home;
	struct bake_origin there;

	BAKE_TRY(bake_url_origin(hub->endpoint, &home, err));
	BAKE_TRY(bake_url_origin(url, &there, err));
	request->from = hub->endpoint;
	request->no_token = request->no_token || !bake_origin_equal(&home, &there);
	return BAKE_OK;
}

/* One GET, again while it may help. */
static enum bake_status get_url(const struct bake_hub *hub, const char *repository,
	const struct bake_http_request *request, struct bake_buf *out,
	struct bake_response *response, struct bake_error *err)
{
	for (unsigned attempt = 0;; attempt++) {
		enum bake_status status =
			bake_http_get_text(hub->http, request, out, response, err);

		if (status == BAKE_OK || !err->transient || attempt == hub->retries)
			return status;
		BAKE_TRY(bake_retry_wait(hub->events, repository, attempt + 1, response, err));
	}
}

/* GET of an API document. A redirect to another repository's path is a rename, and an error. */
static enum bake_status get(const struct bake_hub *hub, const char *repository,
	const char *revision, const char *first_url, struct bake_http_request *request,
	struct bake_buf *out, struct bake_response *response, struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf url = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	_cleanup_(bake_buf_release) struct bake_buf next = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	char now[512];

	bake_buf_text(&url, first_url);
	BAKE_TRY(bake_buf_status(&url, "URL", err));
	for (unsigned hop = 0; hop <= REDIRECTS_MAX; hop++) {
		request->url = url.ptr;
		if (get_url(hub, repository, request, out, response, err) == BAKE_OK)
			return BAKE_OK;
		if (strcmp(err->id, "net.redirect") != 0) {
			if (response->status >= 400)
				bake_hub_explain(response, hub->endpoint, repository, revision,
					bake_http_has_token(hub->http), err);
			return err->status;
		}
		if (repository_in(response->location, now, sizeof(now)) &&
			strcmp(now, repository) != 0)
			return renamed(repository, now, err);
		BAKE_TRY(bake_url_resolve(url.ptr, response->location, &next, err));
		BAKE_TRY(go_on(hub, next.ptr, request, err));
		bake_buf_clear(&url);
		bake_buf_add(&url, next.ptr, next.len);
	}
	return bake_error_set(err, BAKE_ERR_PROTOCOL, "net.redirects", "%s: more than %d redirects",
		BAKE_SHOW_URL(first_url), REDIRECTS_MAX);
}

static enum bake_status read_commit(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_hub_revision *revision = out;
	const char *text;

	BAKE_TRY(bake_json_string(value, &text, err));
	if (!bake_hub_is_commit(text))
		return bake_json_error(
			value, "hub.reply", err, "'%s' is not a commit", BAKE_SHOW(text));
	memcpy(revision->commit, text, sizeof(revision->commit));
	return BAKE_OK;
}

/* false, or how access is granted: "auto", "manual". */
static enum bake_status read_gated(const struct bake_json *value, void *out, struct bake_error *err)
{
	struct bake_hub_revision *revision = out;

	if (bake_json_is_string(value)) {
		revision->gated = true;
		return BAKE_OK;
	}
	return bake_json_bool(value, &revision->gated, err);
}

enum bake_status bake_hub_resolve(const struct bake_hub *hub, const char *repository,
	const char *revision, struct bake_hub_revision *out, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"sha", read_commit, true},
		{"gated", read_gated, false},
	};
	_cleanup_(bake_buf_release) struct bake_buf url = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_HUB_REPLY_MAX);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_hub_revision found = {{0}, false};
	struct bake_http_request request = API_REQUEST;
	struct bake_response response = {0};
	struct bake_json root;

	bake_buf_text(&url, hub->endpoint);
	bake_buf_text(&url, "/api/models/");
	bake_url_escape(&url, repository, true);
	bake_buf_text(&url, "/revision/");
	bake_url_escape(&url, revision, false);
	BAKE_TRY(bake_buf_status(&url, "URL", err));
	BAKE_TRY(get(hub, repository, revision, url.ptr, &request, &text, &response, err));
	if (bake_json_open(bake_buf_span(&text), BAKE_SHOW_URL(url.ptr), &doc, err) != BAKE_OK)
		return bake_hub_bad_reply(&response, err);
	root = bake_json_root(doc);
	if (bake_json_read_object(&root, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN, &found,
		    err) != BAKE_OK)
		return bake_hub_bad_reply(&response, err);
	*out = found;
	return BAKE_OK;
}

enum bake_status bake_hub_bad_reply(const struct bake_response *response, struct bake_error *err)
{
	err->status = BAKE_ERR_PROTOCOL;
	err->id = "hub.reply";
	if (bake_text_starts(response->content_type, "text/html"))
		bake_error_hint(err, "the answer is an HTML page: is there a proxy or a login "
				     "page in between?");
	return err->status;
}

/* A listing whose pages lead back to one that was read has no end. */
static enum bake_status check_new(uint64_t *seen, unsigned page, const char *url,
	const char *repository, struct bake_error *err)
{
	seen[page] = bake_text_hash(url, strlen(url));
	for (unsigned i = 0; i < page; i++) {
		if (seen[i] == seen[page])
			return bake_error_set(err, BAKE_ERR_PROTOCOL, "hub.reply",
				"the listing of '%s' has page %u twice", BAKE_SHOW(repository),
				i + 1);
	}
	return BAKE_OK;
}

enum bake_status bake_hub_list(const struct bake_hub *hub, const char *repository,
	const char *commit, struct bake_arena *arena, struct bake_hub_tree *out,
	struct bake_error *err)
{
	_cleanup_(bake_buf_release) struct bake_buf url = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	_cleanup_(bake_buf_release) struct bake_buf next = BAKE_BUF_INIT(BAKE_NET_URL_MAX);
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_HUB_REPLY_MAX);
	_cleanup_(bake_hub_tree_release) struct bake_hub_tree tree = BAKE_HUB_TREE_INIT;
	struct bake_http_request request = API_REQUEST;
	struct bake_response response = {0};
	uint64_t seen[BAKE_HUB_PAGES_MAX];

	bake_buf_text(&url, hub->endpoint);
	bake_buf_text(&url, "/api/models/");
	bake_url_escape(&url, repository, true);
	bake_buf_addf(&url, "/tree/%s?recursive=true&expand=false", commit);
	BAKE_TRY(bake_buf_status(&url, "URL", err));
	for (unsigned page = 0; page < BAKE_HUB_PAGES_MAX; page++) {
		BAKE_TRY(check_new(seen, page, url.ptr, repository, err));
		BAKE_TRY(get(hub, repository, commit, url.ptr, &request, &text, &response, err));
		if (bake_hub_parse_page(bake_buf_span(&text), BAKE_SHOW_URL(url.ptr), arena, &tree,
			    err) != BAKE_OK)
			return err->status == BAKE_ERR_DATA && !bake_text_starts(err->id, "path.")
				       ? bake_hub_bad_reply(&response, err)
				       : err->status;
		if (!response.link_next[0]) {
			BAKE_TRY(bake_hub_tree_finish(&tree, err));
			*out = tree;
			tree = (struct bake_hub_tree)BAKE_HUB_TREE_INIT;
			return BAKE_OK;
		}
		BAKE_TRY(bake_url_resolve(url.ptr, response.link_next, &next, err));
		BAKE_TRY(go_on(hub, next.ptr, &request, err));
		bake_buf_clear(&url);
		bake_buf_add(&url, next.ptr, next.len);
	}
	return bake_error_set(err, BAKE_ERR_PROTOCOL, "hub.reply",
		"the listing of '%s' has more than %d pages", BAKE_SHOW(repository),
		BAKE_HUB_PAGES_MAX);
}
