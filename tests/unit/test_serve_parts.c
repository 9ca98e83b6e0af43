/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of bake-serve that need no socket: scrubbing, settings, the document, the query of
 * /estimate, tasks. */
#include "unit/rows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/document.h"
#include "serve/estimate.h"
#include "serve/jobs.h"
#include "serve/scrub.h"
#include "serve/settings.h"

static const struct scrub_row {
	const char *name;
	const char *text;
	const char *want;
} scrubs[] = {
	{"nothing to hide", "one/a.gguf: 5 / 6 MB at 7 MB/s", "one/a.gguf: 5 / 6 MB at 7 MB/s"},
	{"a path", "/app/models/a.gguf", "a.gguf"},
	{"a path in quotes", "'/app/models/a.gguf': no space", "'a.gguf': no space"},
	{"a path behind a word", "open /a/b/c failed", "open c failed"},
	{"a path behind a sign", "path=/a/b", "path=b"},
	{"a path behind a colon", "file:/a/b", "file:b"},
	{"a directory", "/app/models/", "models"},
	{"the root", "/", "/"},
	{"a URL", "https://host/a/b", "https://host/a/b"},
	{"a URL with a password", "https://u:p@host/a", "https://host/a"},
	{"a URL with a query", "\"https://host/a?sig=1#x\"", "\"https://host/a\""},
	{"an at sign behind the host", "https://host/a@b", "https://host/a@b"},
	{"a query at once", "https://u@host?x", "https://host"},
	{"no host", "https://", "https://"},
	{"a file of this machine", "'file:///app/models/a'", "'file://a'"},
	{"a file of this machine behind a colon", "x:file:///a/b?c", "x:file://b?c"},
	{"empty", "", ""},
};

static void try_scrub(void **state)
{
	const struct scrub_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf out = BAKE_BUF_INIT(4096);

	bake_scrub(bake_span_text(row->text), &out);
	assert_string_equal(out.ptr ? out.ptr : "", row->want);
}

static const struct settings_row {
	const char *name;
	const char *body;
	const char *id; /* of the error; NULL: none */
	uint32_t steps;
	uint32_t rank;
	enum bake_setting offload;
	const char *note;
} settings[] = {
	{"nothing", "{}", NULL, 0, 0, BAKE_SETTING_AS_IS, ""},
	{"steps", "{\"default_steps\": 50}", NULL, 50, 0, BAKE_SETTING_AS_IS, ""},
	{"steps out of bounds", "{\"default_steps\": 51}", NULL, 0, 0, BAKE_SETTING_AS_IS,
		"default_steps 51 ignored: 1 to 50 are supported"},
	{"no steps", "{\"default_steps\": 0}", NULL, 0, 0, BAKE_SETTING_AS_IS,
		"default_steps 0 ignored: 1 to 50 are supported"},
	{"a rank", "{\"default_rank\": 128}", NULL, 0, 128, BAKE_SETTING_AS_IS, ""},
	{"another rank", "{\"default_rank\": 64}", NULL, 0, 0, BAKE_SETTING_AS_IS,
		"default_rank 64 ignored: it is not supported"},
	{"a switch", "{\"enable_cpu_offload\": false}", NULL, 0, 0, BAKE_SETTING_FALSE, ""},
	{"unknown keys", "{\"x\": {\"default_steps\": 1}}", NULL, 0, 0, BAKE_SETTING_AS_IS, ""},
	{"a fraction", "{\"default_steps\": 1.0}", "json.type", 0, 0, BAKE_SETTING_AS_IS, ""},
	{"a text", "{\"default_steps\": \"1\"}", "json.type", 0, 0, BAKE_SETTING_AS_IS, ""},
	{"a later mistake", "{\"default_steps\": 1, \"enable_cpu_offload\": 1}", "json.type", 0, 0,
		BAKE_SETTING_AS_IS, ""},
	{"no object", "[]", "json.type", 0, 0, BAKE_SETTING_AS_IS, ""},
	{"no JSON", "{", "json.syntax", 0, 0, BAKE_SETTING_AS_IS, ""},
};

static void try_settings(void **state)
{
	static const uint32_t ranks[] = {32, 128};
	const struct bake_settings_bounds bounds = {50, ranks, 2};
	const struct settings_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_settings got = {.default_steps = 0};
	char note[BAKE_SETTINGS_NOTE_MAX];
	enum bake_status status =
		bake_settings_read(bake_span_text(row->body), &bounds, &got, note, &err);

	check_status(status, &err, row->id ? BAKE_ERR_DATA : BAKE_OK, row->id);
	assert_int_equal(got.default_steps, row->steps);
	assert_int_equal(got.default_rank, row->rank);
	assert_int_equal(got.enable_cpu_offload, row->offload);
	if (!row->id)
		assert_string_equal(note, row->note);
}

static const struct query_row {
	const char *name;
	const char *query;
	const char *id; /* of the error; NULL: none */
} queries[] = {
	{"a model", "model=a", NULL},
	{"empty values count as none", "model=a&context=&profile=&kv_dtype=", NULL},
	{"all",
		"model=a&engine=vllm&context=1&parallel=2&batch=3&ubatch=4&flash_attention=on&"
		"offload=1&gpu_memory=16GiB&gpu_memory_utilization=0.85&block_size=16&layers=2&"
		"kv_heads=3&head_dim=4&kv_dtype=q8_0,f16",
		NULL},
	{"no model", "context=1", "usage.arguments"},
	{"an empty model", "model=", "usage.arguments"},
	{"an unknown parameter", "model=a&contxt=1", "usage.option"},
	{"too large", "model=a&context=1073741825", "usage.value"},
	{"not a share", "model=a&gpu_memory_utilization=1.001", "usage.value"},
	{"a share of nothing", "model=a&gpu_memory_utilization=0", "usage.value"},
	{"a point alone", "model=a&gpu_memory_utilization=.", "usage.value"},
	{"no type", "model=a&kv_dtype=q8_0,x", "usage.value"},
	{"nothing to fit into", "model=a&solve=context", "usage.conflict"},
	{"two answers", "model=a&solve=context&gpu_memory=1GiB&context=5", "usage.conflict"},
	{"two calculators", "model=a&profile=default&engine=vllm", "usage.conflict"},
};

static void try_query(void **state)
{
	const struct query_row *row = *state;
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_estimate_query query;
	enum bake_status status = bake_estimate_parse(bake_span_text(row->query), &query, &err);

	check_status(status, &err, row->id ? BAKE_ERR_USAGE : BAKE_OK, row->id);
}

/* An index with one model, of which the server changes some values. */
#define MODEL                                                                                      \
	"{\"id\": \"a\", \"required\": true, \"status\": \"baked\", \"path\": \"a.gguf\", "        \
	"\"files\": [{\"path\": \"a.gguf\", \"size\": 5, \"sha256\": "                             \
	"\"1111111111111111111111111111111111111111111111111111111111111111\"}], "                 \
	"\"x\": [1, {\"status\": 2}], \"source\": {\"url\": \"https://u:p@h/a?b\"}}"

static const struct document_row {
	const char *name;
	const char *text;
	bool stale;
	enum bake_local_state state;
	const char *want;
} documents[] = {
	{"values in their places",
		"{\"schema\": \"bake.index/1\", \"stale\": 1, \"gpu_memory_usage\": 2, "
		"\"model_name\": \"n\", \"model_version\": \"v\", \"supported_ranks\": [8], "
		"\"supported_steps\": [], \"default_rank\": 8, \"default_steps\": null, "
		"\"max_steps\": 50, \"base_model_available\": false, \"nunchaku_models\": [], "
		"\"model_config\": {\"default_rank\": 8, \"x\": {}}, \"models\": []}",
		true, BAKE_LOCAL_BAKED,
		"{\"schema\": \"bake.index/1\", \"stale\": true, \"gpu_memory_usage\": \"N/A\", "
		"\"model_name\": \"n\", \"model_version\": \"v\", \"supported_ranks\": [8], "
		"\"supported_steps\": [], \"default_rank\": 8, \"default_steps\": null, "
		"\"max_steps\": 50, \"base_model_available\": false, \"nunchaku_models\": [], "
		"\"model_config\": {\"default_rank\": 8, \"x\": {}}, \"models\": []}"},
	{"what an index has not", "{\"schema\": \"bake.index/1\", \"models\": [" MODEL "]}", false,
		BAKE_LOCAL_WRONG,
		"{\n  \"model_name\": \"\",\n  \"model_version\": \"\",\n  \"supported_ranks\": [],"
		"\n  \"supported_steps\": [],\n  \"default_rank\": null,\n  \"default_steps\": "
		"null,"
		"\n  \"max_steps\": null,\n  \"gpu_memory_usage\": \"N/A\",\n  "
		"\"base_model_available\": false,\n  \"nunchaku_models\": [],\n  "
		"\"model_config\": {},\n  \"stale\": false,\"schema\": \"bake.index/1\", "
		"\"models\": [{\"id\": \"a\", \"required\": true, \"status\": \"wrong\", "
		"\"problem\": \"index says baked, a file has another size\", \"path\": \"a.gguf\", "
		"\"files\": [{\"path\": \"a.gguf\", \"size\": 5, \"sha256\": "
		"\"1111111111111111111111111111111111111111111111111111111111111111\"}], "
		"\"x\": [1, {\"status\": 2}], \"source\": {\"url\": \"https://h/a\"}}]}"},
};

static void try_document(void **state)
{
	const struct document_row *row = *state;
	_cleanup_(bake_buf_release) struct bake_buf out = BAKE_BUF_INIT(65536);
	_cleanup_(bake_arena_release) struct bake_arena arena = BAKE_ARENA_INIT(65536);
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	enum bake_local_state states[] = {row->state};
	const struct bake_local local = {.states = states, .count = 1};
	const struct bake_settings settings_as_is = {.default_steps = 0};
	struct bake_document_now now = {
		.local = &local, .settings = &settings_as_is, .stale = row->stale};
	struct bake_document document;
	struct bake_place slices[1];
	struct bake_span text = bake_span_text(row->text);

	assert_int_equal(bake_index_parse(text, "index", &index, &err), BAKE_OK);
	now.index = index;
	assert_int_equal(bake_document_read(text, &arena, &document, &err), BAKE_OK);
	assert_int_equal(bake_document_write(&document, &now, &out, slices, &err), BAKE_OK);
	assert_string_equal(out.ptr, row->want);
	if (document.model_count) {
		assert_int_equal(out.ptr[slices[0].at], '{');
		assert_int_equal(out.ptr[slices[0].at + slices[0].len - 1], '}');
		assert_int_equal(out.ptr[slices[0].at + slices[0].len], ']');
	}
}

static struct bake_task_view finish(struct bake_jobs *jobs, const char *id)
{
	struct bake_task_view tasks[BAKE_JOBS_MAX];

	for (;;) {
		size_t count = bake_jobs_list(jobs, tasks);

		(void)bake_jobs_tick(jobs);
		for (size_t i = 0; i < count; i++) {
			if (strcmp(tasks[i].id, id) == 0 && tasks[i].state != BAKE_TASK_QUEUED &&
				tasks[i].state != BAKE_TASK_RUNNING)
				return tasks[i];
		}
		best_effort(usleep(2000));
	}
}

static struct bake_jobs *new_jobs(void)
{
	struct bake_error err = BAKE_ERROR_INIT;
	struct bake_jobs *jobs = NULL;

	assert_int_equal(bake_jobs_new(&jobs, &err), BAKE_OK);
	return jobs;
}

static void a_task_ends(void)
{
	static const char *const good[] = {"/bin/sh", "-c", "echo out; echo talk >&2", NULL};
	static const char *const bad[] = {
		"/bin/sh", "-c", "echo 'bake-x: error[a.b-1]: m' >&2; exit 69", NULL};
	static const char *const none[] = {"/no/such/program", NULL};
	_cleanup_(bake_buf_release) struct bake_buf out = BAKE_BUF_INIT(100);
	struct bake_jobs *jobs = new_jobs();
	struct bake_task_view task;

	assert_int_equal(bake_jobs_add(jobs, "good", good), BAKE_JOBS_ACCEPTED);
	assert_int_equal(bake_jobs_add(jobs, "good", good), BAKE_JOBS_ALREADY);
	assert_int_equal(finish(jobs, "good").state, BAKE_TASK_DONE);
	assert_true(bake_jobs_output(jobs, "good", &out));
	assert_string_equal(out.ptr, "out\n");
	assert_int_equal(bake_jobs_add(jobs, "good", bad), BAKE_JOBS_ACCEPTED);
	task = finish(jobs, "good");
	assert_int_equal(task.state, BAKE_TASK_FAILED);
	assert_int_equal(task.exit_code, 69);
	assert_string_equal(task.error, "a.b-1");
	assert_int_equal(bake_jobs_add(jobs, "none", none), BAKE_JOBS_ACCEPTED);
	assert_int_equal(finish(jobs, "none").state, BAKE_TASK_FAILED);
	bake_jobs_free(&jobs, 100);
}

static void a_task_is_cancelled(void)
{
	static const char *const slow[] = {"/bin/sh", "-c", "exec sleep 1000", NULL};
	struct bake_jobs *jobs = new_jobs();

	assert_false(bake_jobs_cancel(jobs, "one"));
	assert_int_equal(bake_jobs_add(jobs, "one", slow), BAKE_JOBS_ACCEPTED);
	assert_int_equal(bake_jobs_add(jobs, "two", slow), BAKE_JOBS_ACCEPTED);
	(void)bake_jobs_tick(jobs);
	assert_true(bake_jobs_cancel(jobs, "two"));
	assert_true(bake_jobs_cancel(jobs, "one"));
	assert_int_equal(finish(jobs, "one").state, BAKE_TASK_CANCELLED);
	assert_int_equal(finish(jobs, "two").state, BAKE_TASK_CANCELLED);
	bake_jobs_free(&jobs, 100);
}

static void a_stubborn_task_is_killed_at_the_end(void)
{
	static const char *const deaf[] = {
		"/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done", NULL};
	struct bake_jobs *jobs = new_jobs();

	assert_int_equal(bake_jobs_add(jobs, "one", deaf), BAKE_JOBS_ACCEPTED);
	(void)bake_jobs_tick(jobs);
	best_effort(usleep(100000));
	bake_jobs_free(&jobs, 50);
	assert_null(jobs);
}

static void only_so_many_tasks_wait(void)
{
	static const char *const slow[] = {"/bin/sh", "-c", "exec sleep 1000", NULL};
	struct bake_jobs *jobs = new_jobs();
	char id[16];

	for (int i = 0; i < BAKE_JOBS_MAX; i++) {
		(void)snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(bake_jobs_add(jobs, id, slow), BAKE_JOBS_ACCEPTED);
	}
	assert_int_equal(bake_jobs_add(jobs, "more", slow), BAKE_JOBS_FULL);
	assert_true(bake_jobs_cancel(jobs, "5"));
	assert_int_equal(bake_jobs_add(jobs, "more", slow), BAKE_JOBS_ACCEPTED);
	bake_jobs_free(&jobs, 100);
}

static const struct scenario others[] = {
	{"a task ends", a_task_ends},
	{"a task is cancelled", a_task_is_cancelled},
	{"a stubborn task is killed at the end", a_stubborn_task_is_killed_at_the_end},
	{"only so many tasks wait", only_so_many_tasks_wait},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(scrubs, try_scrub),
		ROWS(settings, try_settings),
		ROWS(queries, try_query),
		ROWS(documents, try_document),
		ROWS(others, play_scenario),
	};

	return run_rows("serve/parts", tables, countof(tables));
}
