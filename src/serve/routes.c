/* SPDX-License-Identifier: Apache-2.0 */
/* What can be asked for: a fixed table, and the files of the page. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "json/writer.h"
#include "serve/estimate.h"
#include "serve/site.h"
#include "serve/views.h"

#define PAGE_POLICY                                                                                \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "            \
	"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static void reply_view(struct bake_site *site, enum bake_view view, struct bake_http_reply *reply)
{
	struct bake_snapshot *snapshot = bake_site_hold(site);

	reply->entity = bake_snapshot_view(snapshot, view);
	if (!reply->entity) {
		bake_snapshot_drop(snapshot);
		bake_http_complain(reply, 503, "memory.exhausted", "out of memory");
		return;
	}
	reply->release = bake_snapshot_drop;
	reply->owner = snapshot;
}

static void get_info(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)request;
	reply_view(context, BAKE_VIEW_INFO, reply);
}

static void get_openai(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)request;
	reply_view(context, BAKE_VIEW_OPENAI, reply);
}

static void get_tags(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)request;
	reply_view(context, BAKE_VIEW_OLLAMA, reply);
}

static void no_model(struct bake_http_reply *reply)
{
	bake_http_complain(reply, 404, "index.unknown-model", "there is no such model");
}

static void get_model(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_snapshot *snapshot = bake_site_hold(context);
	struct bake_span text = bake_snapshot_model_text(snapshot, request->name);

	if (text.len) {
		bake_buf_add(&reply->body, text.ptr, text.len);
		bake_buf_text(&reply->body, "\n");
	} else {
		no_model(reply);
	}
	bake_snapshot_drop(snapshot);
}

static void get_health(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)request;
	bake_health_reply(context, reply);
}

static void get_status(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)request;
	bake_status_reply(context, reply);
}

static void get_tgi(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_site *site = context;
	struct bake_snapshot *snapshot = bake_site_hold(site);
	const struct bake_index_model *model = bake_view_main(snapshot);

	(void)request;
	if (model)
		bake_view_tgi(snapshot, model, site->options->generator, &reply->body);
	else
		bake_http_complain(reply, 503, "serve.no-model", "no model can be used");
	bake_snapshot_drop(snapshot);
}

static void get_metrics(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)request;
	reply->type = "text/plain; version=0.0.4; charset=utf-8";
	bake_metrics_write(context, &reply->body);
}

static void get_events(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)context;
	(void)request;
	reply->stream = true;
}

static void get_estimate(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_snapshot *snapshot = bake_site_hold(context);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_estimate_query query;

	if (bake_estimate_parse(request->query, &query, &err) != BAKE_OK ||
		bake_estimate_write(snapshot, &query, &reply->body, &err) != BAKE_OK)
		bake_reply_error(reply, &err);
	bake_snapshot_drop(snapshot);
}

static bool put_space(struct bake_json_writer *writer, int dir)
{
	struct statvfs space;

	if (dir < 0 || fstatvfs(dir, &space) != 0)
		return false;
	bake_json_put_u64(writer, "total", (uint64_t)space.f_blocks * space.f_frsize);
	bake_json_put_u64(writer, "free", (uint64_t)space.f_bavail * space.f_frsize);
	return true;
}

/* shared: it is the models directory's file system, counted there already. */
static void put_fallback(struct bake_json_writer *writer, int models, int fallback)
{
	struct stat a;
	struct stat b;
	bool shared = fstat(models, &a) == 0 && fstat(fallback, &b) == 0 && a.st_dev == b.st_dev;

	if (fallback < 0)
		return;
	bake_json_key(writer, "fallback");
	bake_json_object_line(writer);
	if (put_space(writer, fallback))
		bake_json_put_bool(writer, "shared", shared);
	bake_json_end_object(writer);
}

/* Of the file system of the models directory, and of the fallback directory's. */
static void get_storage(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&reply->body);
	struct bake_site *site = context;

	(void)request;
	bake_json_object(&writer);
	(void)put_space(&writer, site->models);
	put_fallback(&writer, site->models, site->fallback);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
}

/* Clients that know only Ollama may add the tag that it supposes. */
static const struct bake_index_model *find_tagged(const struct bake_index *index, const char *id)
{
	static const char tag[] = ":latest";
	size_t len = strlen(id);
	size_t tag_len = sizeof(tag) - 1;
	_cleanup_free_ char *bare = NULL;

	if (len <= tag_len || strcmp(id + len - tag_len, tag) != 0)
		return bake_index_find(index, id);
	bare = strndup(id, len - tag_len);
	return bare ? bake_index_find(index, bare) : NULL;
}

static enum bake_status read_name(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_string(value, out, err);
}

/* {"model": ID}; older clients say "name". */
static void post_show(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	static const struct bake_json_field fields[] = {
		{"model", read_name, false},
		{"name", read_name, false},
	};
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_snapshot *snapshot = bake_site_hold(context);
	struct bake_error err = BAKE_ERROR_INIT;
	const struct bake_index_model *model = NULL;
	const char *id = "";
	struct bake_json root;
	enum bake_status status = bake_json_open_foreign(request->body, "body", &doc, &err);

	if (status == BAKE_OK) {
		root = bake_json_root(doc);
		status = bake_json_read_object(&root, fields, countof(fields),
			BAKE_JSON_IGNORE_UNKNOWN, (void *)&id, &err);
	}
	if (status == BAKE_OK)
		model = find_tagged(snapshot->index, id);
	if (status != BAKE_OK)
		bake_reply_error(reply, &err);
	else if (!model)
		no_model(reply);
	else
		bake_view_show(snapshot, model, &reply->body);
	bake_snapshot_drop(snapshot);
}

struct configuring {
	struct bake_span body;
	char note[BAKE_SETTINGS_NOTE_MAX];
	struct bake_error *err;
};

static bool configure(struct bake_site *site, void *context)
{
	struct configuring *configuring = context;
	const struct bake_settings_bounds bounds = bake_document_bounds(&site->snapshot->document);

	return bake_settings_read(configuring->body, &bounds, &site->settings, configuring->note,
		       configuring->err) == BAKE_OK;
}

/* As the service that people know: what is set is answered, what cannot be set is ignored. */
static void post_config(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_site *site = context;
	struct bake_error err = BAKE_ERROR_INIT;
	struct configuring configuring = {.body = request->body, .err = &err};
	struct bake_snapshot *snapshot;
	struct bake_document_now now;

	if (bake_site_refresh(site, configure, &configuring, &err) != BAKE_OK) {
		bake_reply_error(reply, &err);
		return;
	}
	if (configuring.note[0])
		site->options->say(true, configuring.note);
	snapshot = bake_site_hold(site);
	now = bake_snapshot_now(snapshot);
	if (bake_document_write_config(&snapshot->document, &now, &reply->body, &err) != BAKE_OK)
		bake_reply_error(reply, &err);
	else
		bake_buf_text(&reply->body, "\n");
	bake_snapshot_drop(snapshot);
}

static void get_asset(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_site *site = context;

	for (size_t i = 0; i < site->options->asset_count; i++) {
		if (strcmp(site->options->assets[i].path, request->path) == 0)
			reply->entity = site->assets[i];
	}
}

static const struct bake_http_route fixed[] = {
	{BAKE_HTTP_GET, "/model-info", get_info, false, false},
	{BAKE_HTTP_GET, "/model-info/", get_model, false, false},
	{BAKE_HTTP_GET, "/health", get_health, false, false},
	{BAKE_HTTP_GET, "/ready", get_health, false, false},
	{BAKE_HTTP_GET, "/status", get_status, false, false},
	{BAKE_HTTP_GET, "/v1/models", get_openai, false, false},
	{BAKE_HTTP_GET, "/api/tags", get_tags, false, false},
	{BAKE_HTTP_POST, "/api/show", post_show, false, false},
	{BAKE_HTTP_GET, "/info", get_tgi, false, false},
	{BAKE_HTTP_GET, "/metrics", get_metrics, false, false},
	{BAKE_HTTP_GET, "/events", get_events, false, false},
	{BAKE_HTTP_GET, "/estimate", get_estimate, false, false},
	{BAKE_HTTP_GET, "/storage", get_storage, false, false},
	{BAKE_HTTP_GET, "/verify", bake_action_verification, false, false},
	{BAKE_HTTP_POST, "/model-config", post_config, false, true},
	{BAKE_HTTP_POST, "/verify", bake_action_verify, true, false},
	{BAKE_HTTP_POST, "/reconcile", bake_action_reconcile, true, false},
	{BAKE_HTTP_POST, "/fetch/", bake_action_fetch, true, false},
	{BAKE_HTTP_POST, "/cancel/", bake_action_cancel, true, false},
	{BAKE_HTTP_POST, "/apply/", bake_action_apply, true, true},
};

static bool make_asset(const struct bake_asset *asset, struct bake_http_entity **out)
{
	struct bake_error ignored = BAKE_ERROR_INIT;
	const struct bake_http_entity_is is = {
		.bytes = bake_span(asset->bytes, asset->len),
		.type = asset->type,
		.digest = asset->sha256,
		.policy = PAGE_POLICY,
		.compress = true,
	};

	return bake_http_entity_new(&is, out, &ignored) == BAKE_OK;
}

bool bake_routes_make(struct bake_site *site)
{
	const struct bake_serve_options *options = site->options;

	site->routes = calloc(countof(fixed) + options->asset_count, sizeof(*site->routes));
	site->assets = calloc(options->asset_count + 1, sizeof(struct bake_http_entity *));
	if (!site->routes || !site->assets)
		return false;
	memcpy(site->routes, fixed, sizeof(fixed));
	site->route_count = countof(fixed);
	for (size_t i = 0; i < options->asset_count; i++) {
		if (!make_asset(&options->assets[i], &site->assets[i]))
			return false;
		site->routes[site->route_count++] = (struct bake_http_route){
			.method = BAKE_HTTP_GET,
			.path = options->assets[i].path,
			.handle = get_asset,
		};
	}
	return true;
}
