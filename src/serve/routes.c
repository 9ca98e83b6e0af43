/* SPDX-License-Identifier: Apache-2.0 */
/* Every path that is answered. There is no other, and none is looked up in a file system. */
#include "base/cleanup.h"
#include "base/text.h"
#include "json/json.h"
#include "serve/estimate.h"
#include "serve/site.h"
#include "serve/views.h"

/* Statuses of ours as HTTP has them. */
static unsigned http_status(const struct bake_error *err)
{
	switch ((int)err->status) {
	case BAKE_ERR_USAGE:
		return 400;
	case BAKE_ERR_UNAVAILABLE:
		return 404;
	case BAKE_ERR_DATA:
		return 422;
	default:
		return 500;
	}
}

static void refuse(struct bake_http_reply *reply, const struct bake_error *err)
{
	bake_buf_release(&reply->body);
	bake_http_complain(reply, http_status(err), err->id, "%s", err->message);
}

static void no_model(struct bake_http_reply *reply, const char *id)
{
	bake_http_complain(
		reply, 404, "index.unknown-model", "there is no model '%s'", BAKE_SHOW(id));
}

/* A view that was made once: the reply holds on to its snapshot. */
static void send_view(struct bake_site *site, enum bake_view view, struct bake_http_reply *reply)
{
	struct bake_snapshot *snapshot = bake_site_hold(site);
	const struct bake_http_entity *entity = bake_snapshot_view(snapshot, view);

	if (!entity) {
		bake_snapshot_drop(snapshot);
		bake_http_complain(reply, 500, "sys.memory", "out of memory");
		return;
	}
	reply->entity = entity;
	reply->release = bake_snapshot_drop;
	reply->owner = snapshot;
}

static void get_info(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_snapshot *snapshot;
	struct bake_span text;

	if (!request->name[0]) {
		send_view(context, BAKE_VIEW_INFO, reply);
		return;
	}
	snapshot = bake_site_hold(context);
	text = bake_snapshot_model_text(snapshot, request->name);
	if (text.len) {
		bake_buf_add(&reply->body, text.ptr, text.len);
		bake_buf_text(&reply->body, "\n");
	} else {
		no_model(reply, request->name);
	}
	bake_snapshot_drop(snapshot);
}

static void get_openai(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)request;
	send_view(context, BAKE_VIEW_OPENAI, reply);
}

static void get_tags(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)request;
	send_view(context, BAKE_VIEW_OLLAMA, reply);
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

static enum bake_status read_name(const struct bake_json *value, void *out, struct bake_error *err)
{
	return bake_json_string(value, out, err);
}

/* POST /api/show {"model": ID}; older clients say "name". */
static void post_show(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	static const struct bake_json_field fields[] = {
		{"model", read_name, false},
		{"name", read_name, false},
	};
	struct bake_snapshot *snapshot = bake_site_hold(context);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	const struct bake_index_model *model;
	enum bake_local_state state;
	const char *id = NULL;
	struct bake_json root;

	if (bake_json_open(request->body, "body", &doc, &err) == BAKE_OK) {
		root = bake_json_root(doc);
		if (bake_json_read_object(&root, fields, countof(fields), BAKE_JSON_IGNORE_UNKNOWN,
			    &id, &err) != BAKE_OK)
			id = NULL;
	}
	model = id ? bake_snapshot_find(snapshot, id, &state) : NULL;
	if (err.status != BAKE_OK)
		bake_http_complain(reply, 400, err.id, "%s", err.message);
	else if (!model)
		no_model(reply, id ? id : "");
	else
		bake_view_show(snapshot, model, &reply->body);
	bake_snapshot_drop(snapshot);
}

static void get_health(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)request;
	bake_health_reply(context, reply);
}

static void get_metrics(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	(void)request;
	reply->type = "text/plain; version=0.0.4; charset=utf-8";
	bake_metrics_write(context, &reply->body);
}

static void get_estimate(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_snapshot *snapshot = bake_site_hold(context);
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_estimate_query query;

	if (bake_estimate_parse(request->query, &query, &err) != BAKE_OK ||
		bake_estimate_write(snapshot, &query, &reply->body, &err) != BAKE_OK)
		refuse(reply, &err);
	bake_snapshot_drop(snapshot);
}

/* Settings of the user's service: what is out of bounds is ignored, the rest is answered. */
static void post_config(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_site *site = context;
	struct bake_snapshot *snapshot = bake_site_hold(site);
	struct bake_settings settings = snapshot->settings;
	const struct bake_settings_bounds bounds = {
		.steps_max = snapshot->api.max_steps ? snapshot->api.max_steps : 50,
		.ranks = snapshot->api.ranks,
		.rank_count = snapshot->api.rank_count,
	};
	char note[BAKE_SETTINGS_NOTE_MAX] = "";
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_document_now now;

	if (bake_settings_read(request->body, &bounds, &settings, note, &err) != BAKE_OK) {
		bake_http_complain(reply, 400, err.id, "%s", err.message);
		bake_snapshot_drop(snapshot);
		return;
	}
	if (note[0])
		site->options->say(true, note);
	if (bake_site_refresh(site, bake_span(NULL, 0), snapshot->stale, &settings, &err) ==
		BAKE_OK) {
		bake_snapshot_drop(snapshot);
		snapshot = bake_site_hold(site);
	}
	now = bake_snapshot_now(snapshot);
	if (err.status != BAKE_OK || bake_document_write_config(&snapshot->document, &now,
					     &reply->body, &err) != BAKE_OK)
		refuse(reply, &err);
	bake_snapshot_drop(snapshot);
}

static const struct bake_http_route routes[] = {
	{BAKE_HTTP_GET, "/model-info", get_info, false, false},
	{BAKE_HTTP_GET, "/model-info/", get_info, false, false},
	{BAKE_HTTP_POST, "/model-config", post_config, false, true},
	{BAKE_HTTP_GET, "/health", get_health, false, false},
	{BAKE_HTTP_GET, "/ready", get_health, false, false},
	{BAKE_HTTP_GET, "/v1/models", get_openai, false, false},
	{BAKE_HTTP_GET, "/api/tags", get_tags, false, false},
	{BAKE_HTTP_POST, "/api/show", post_show, false, true},
	{BAKE_HTTP_GET, "/info", get_tgi, false, false},
	{BAKE_HTTP_GET, "/metrics", get_metrics, false, false},
	{BAKE_HTTP_GET, "/estimate", get_estimate, false, false},
};

const struct bake_http_route *bake_site_routes(size_t *out_count)
{
	*out_count = countof(routes);
	return routes;
}
