/* SPDX-License-Identifier: Apache-2.0 */
/* What an administrator may ask for. The table of routes sees to the token. */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "json/json.h"
#include "ops/apply.h"
#include "ops/reconcile.h"
#include "serve/scrub.h"
#include "serve/site.h"

void bake_reply_error(struct bake_http_reply *reply, const struct bake_error *err)
{
	static const struct {
		enum bake_status status;
		unsigned http;
	} rows[] = {
		{BAKE_ERR_USAGE, 400},
		{BAKE_ERR_DATA, 422},
		{BAKE_ERR_NOINPUT, 409},
		{BAKE_ERR_UNAVAILABLE, 404},
		{BAKE_ERR_PERMISSION, 403},
		{BAKE_ERR_POLICY, 403},
		{BAKE_ERR_NOSPACE, 409},
		{BAKE_ERR_CONFIG, 409},
		{BAKE_ERR_TEMPORARY, 503},
		{BAKE_ERR_RESOURCES, 503},
	};
	_cleanup_(bake_buf_release) struct bake_buf message = BAKE_BUF_INIT(4096);
	unsigned status = 500;

	for (size_t i = 0; i < countof(rows); i++) {
		if (rows[i].status == err->status)
			status = rows[i].http;
	}
	bake_scrub(bake_span_text(err->message), &message);
	bake_http_complain(reply, status, err->id ? err->id : "internal", "%s",
		message.ptr ? message.ptr : "");
}

/* Whether there is such a model; its state then. */
static bool has_model(struct bake_site *site, const char *id, enum bake_local_state *out)
{
	struct bake_snapshot *snapshot = bake_site_hold(site);
	const struct bake_index_model *model = bake_snapshot_find(snapshot, id, out);

	bake_snapshot_drop(snapshot);
	return model != NULL;
}

static void reply_state(
	struct bake_http_reply *reply, unsigned status, const char *id, const char *state)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&reply->body);

	reply->status = status;
	bake_json_object_line(&writer);
	bake_json_put_bool(&writer, "ok", true);
	if (id)
		bake_json_put_text(&writer, "model", id);
	bake_json_put_text(&writer, "state", state);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
}

static void add_task(struct bake_site *site, struct bake_http_reply *reply, const char *id,
	const char *model, const char *const *arguments)
{
	switch (bake_jobs_add(site->jobs, id, arguments)) {
	case BAKE_JOBS_ACCEPTED:
		reply_state(reply, 202, model, "queued");
		break;
	case BAKE_JOBS_ALREADY:
		reply_state(reply, 202, model, "running");
		break;
	case BAKE_JOBS_FULL:
		bake_http_complain(reply, 503, "serve.busy", "too much is waiting already");
		break;
	}
}

void bake_action_fetch(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_site *site = context;
	const struct bake_serve_options *options = site->options;
	const char *arguments[BAKE_JOB_ARGUMENTS_MAX] = {site->fetch_program, "--lock",
		options->lock_path, "--models", options->fallback_dir, "--progress", "none",
		"--no-history", "--quiet"};
	size_t count = 9;
	enum bake_local_state state;

	for (size_t i = 0; i < options->fetch_option_count; i++)
		arguments[count++] = options->fetch_options[i];
	arguments[count++] = "--";
	arguments[count] = request->name;

	if (!has_model(site, request->name, &state)) {
		bake_http_complain(reply, 404, "index.unknown-model", "there is no such model");
		return;
	}
	if (!options->fallback_dir || !options->lock_path) {
		bake_http_complain(reply, 403, "serve.fallback-off",
			"fallback is off: nothing is fetched at run time");
		return;
	}
	if (bake_local_usable(state)) {
		reply_state(reply, 200, request->name, bake_local_state_name(state));
		return;
	}
	add_task(site, reply, request->name, request->name, arguments);
}

void bake_action_cancel(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_site *site = context;
	enum bake_local_state state;

	if (!has_model(site, request->name, &state))
		bake_http_complain(reply, 404, "index.unknown-model", "there is no such model");
	else if (!bake_jobs_cancel(site->jobs, request->name))
		bake_http_complain(reply, 409, "serve.not-running", "nothing is fetched for it");
	else
		reply_state(reply, 202, request->name, "cancelled");
}

void bake_action_verify(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_site *site = context;
	const struct bake_serve_options *options = site->options;
	const char *const arguments[] = {site->verify_program, "--models", options->models_dir,
		"--quick", "--json", "--progress", "none", options->index_path ? "--index" : NULL,
		options->index_path, NULL};

	(void)request;
	add_task(site, reply, BAKE_TASK_VERIFY, NULL, arguments);
}

static bool find_task(struct bake_site *site, struct bake_task_view *out)
{
	struct bake_task_view tasks[BAKE_JOBS_MAX];
	size_t count = bake_jobs_list(site->jobs, tasks);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(tasks[i].id, BAKE_TASK_VERIFY) == 0) {
			*out = tasks[i];
			return true;
		}
	}
	return false;
}

/* What bake-verify printed is one document: its lines become a member, without paths. */
static void put_report(struct bake_site *site, struct bake_json_writer *writer)
{
	_cleanup_(bake_buf_release) struct bake_buf text = BAKE_BUF_INIT(BAKE_JOB_OUTPUT_MAX + 1);
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct bake_error ignored = BAKE_ERROR_INIT;
	struct bake_json root;

	if (!bake_jobs_output(site->jobs, BAKE_TASK_VERIFY, &text))
		return;
	if (bake_json_open_foreign(bake_buf_span(&text), "report", &doc, &ignored) != BAKE_OK)
		return;
	root = bake_json_root(doc);
	bake_json_key(writer, "report");
	bake_scrub_value(writer, &root);
}

void bake_action_verification(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_site *site = context;
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&reply->body);
	struct bake_task_view task;
	char time[BAKE_TIME_TEXT];

	(void)request;
	bake_json_object(&writer);
	if (find_task(site, &task)) {
		bool over = task.state != BAKE_TASK_QUEUED && task.state != BAKE_TASK_RUNNING;

		/* A check that found something wrong is done as well. */
		bake_json_put_text(
			&writer, "state", over ? "done" : bake_task_state_name(task.state));
		if (over) {
			bake_json_put_text(&writer, "at", bake_time_format(task.end_time, time));
			bake_json_put_u64(&writer, "exit_code", (uint64_t)task.exit_code);
			put_report(site, &writer);
		}
	}
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
}

struct apply_reading {
	struct bake_apply_options options;
};

static enum bake_status read_engine(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	struct apply_reading *reading = out;
	const char *name;

	BAKE_TRY(bake_json_string(value, &name, err));
	for (unsigned i = 0; i < BAKE_ENGINES; i++) {
		if (strcmp(name, bake_engine_name((enum bake_engine)i)) == 0 &&
			i != BAKE_ENGINE_DIFFUSERS) {
			reading->options.has_engine = true;
			reading->options.engine = (enum bake_engine)i;
			return BAKE_OK;
		}
	}
	return bake_json_error(value, "json.value", err, "expected llama.cpp, ollama or vllm");
}

static enum bake_status read_count(
	const struct bake_json *value, uint64_t max, uint64_t *out, struct bake_error *err)
{
	BAKE_TRY(bake_json_u64(value, max, out, err));
	return *out ? BAKE_OK : bake_json_error(value, "json.range", err, "expected at least 1");
}

static enum bake_status read_context(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_count(value, 1 << 30, &((struct apply_reading *)out)->options.context, err);
}

static enum bake_status read_parallel(
	const struct bake_json *value, void *out, struct bake_error *err)
{
	return read_count(value, 65536, &((struct apply_reading *)out)->options.sequences, err);
}

static enum bake_status read_share(const struct bake_json *value, void *out, struct bake_error *err)
{
	double share;

	BAKE_TRY(bake_json_f64(value, &share, err));
	if (!(share >= 0.001 && share <= 1))
		return bake_json_error(value, "json.range", err, "expected 0.001 to 1");
	((struct apply_reading *)out)->options.gpu_share = (uint32_t)(share * 1000 + 0.5);
	return BAKE_OK;
}

static enum bake_status read_apply(
	struct bake_span body, struct bake_apply_options *options, struct bake_error *err)
{
	static const struct bake_json_field fields[] = {
		{"engine", read_engine, true},
		{"context", read_context, false},
		{"parallel", read_parallel, false},
		{"gpu_memory_utilization", read_share, false},
	};
	_cleanup_(bake_json_close) struct bake_json_doc *doc = NULL;
	struct apply_reading reading = {.options = *options};
	struct bake_json root;

	BAKE_TRY(bake_json_open(body, "body", &doc, err));
	root = bake_json_root(doc);
	BAKE_TRY(bake_json_read_object(
		&root, fields, countof(fields), BAKE_JSON_REFUSE_UNKNOWN, &reading, err));
	if (!reading.options.context && !reading.options.sequences && !reading.options.gpu_share)
		return bake_error_set(
			err, BAKE_ERR_USAGE, "usage.arguments", "there is nothing to apply");
	*options = reading.options;
	return BAKE_OK;
}

static void put_lines(
	struct bake_json_writer *writer, const char *key, const char **lines, size_t count)
{
	bake_json_key(writer, key);
	bake_json_array_line(writer);
	for (size_t i = 0; i < count; i++)
		bake_json_write_text(writer, lines[i]);
	bake_json_end_array(writer);
}

static void reply_applied(const struct bake_apply_report *report, struct bake_http_reply *reply)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&reply->body);

	bake_json_object(&writer);
	bake_json_put_bool(&writer, "ok", true);
	bake_json_put_text(&writer, "engine", bake_engine_name(report->engine));
	bake_json_put_bool(&writer, "changed", report->changed);
	put_lines(&writer, "before", report->before, report->before_count);
	put_lines(&writer, "after", report->after, report->after_count);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
}

/* The documents beside the index are written by one at a time, and shown at once. */
static bool nothing_to_change(struct bake_site *site, void *context)
{
	(void)site;
	(void)context;
	return true;
}

static void refresh(struct bake_site *site)
{
	struct bake_error ignored = BAKE_ERROR_INIT;

	best_effort((int)bake_site_refresh(site, nothing_to_change, NULL, &ignored));
}

void bake_action_apply(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_site *site = context;
	struct bake_apply_options options = {
		.model = request->name, .models_dir = site->options->models_dir};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_apply_report report = {.context = 0};
	enum bake_local_state state;
	enum bake_status status;

	if (!has_model(site, request->name, &state)) {
		bake_http_complain(reply, 404, "index.unknown-model", "there is no such model");
		return;
	}
	status = read_apply(request->body, &options, &err);
	if (status == BAKE_OK) {
		(void)pthread_mutex_lock(&site->making);
		status = bake_apply(&options, &report, &err);
		(void)pthread_mutex_unlock(&site->making);
		if (status == BAKE_OK)
			reply_applied(&report, reply);
		bake_apply_report_release(&report);
	}
	if (status != BAKE_OK)
		bake_reply_error(reply, &err);
	else
		refresh(site);
}

static void reply_reconciled(
	const struct bake_reconcile_report *report, struct bake_http_reply *reply)
{
	struct bake_json_writer writer = BAKE_JSON_WRITER_INIT(&reply->body);

	bake_json_object(&writer);
	bake_json_put_bool(&writer, "ok", true);
	bake_json_put_bool(&writer, "changed", report->changed);
	bake_json_put_u64(&writer, "good_lines", report->good);
	bake_json_put_u64(&writer, "bad_lines", report->bad);
	bake_json_key(&writer, "models");
	bake_json_object(&writer);
	for (size_t i = 0; i < report->line_count; i++) {
		const struct bake_reconcile_line *line = &report->lines[i];

		bake_json_key(&writer, line->name);
		bake_json_write_text(&writer, bake_reconcile_outcome_name(line->outcome));
	}
	bake_json_end_object(&writer);
	bake_json_end_object(&writer);
	bake_json_finish(&writer);
}

void bake_action_reconcile(
	void *context, const struct bake_http_request *request, struct bake_http_reply *reply)
{
	struct bake_site *site = context;
	const struct bake_reconcile_options options = {
		.metrics_path = site->options->metrics_path,
		.models_dir = site->options->models_dir,
	};
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_reconcile_report report = {.good = 0};
	enum bake_status status;

	(void)request;
	if (!options.metrics_path) {
		bake_http_complain(reply, 409, "serve.no-metrics",
			"no log of a runtime is named (see --metrics)");
		return;
	}
	(void)pthread_mutex_lock(&site->making);
	status = bake_reconcile(&options, &report, &err);
	(void)pthread_mutex_unlock(&site->making);
	if (status == BAKE_OK)
		reply_reconciled(&report, reply);
	else
		bake_reply_error(reply, &err);
	bake_reconcile_report_release(&report);
	if (status == BAKE_OK)
		refresh(site);
}
