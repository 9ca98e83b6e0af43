/* SPDX-License-Identifier: Apache-2.0 */
/* model-info.json: built, written byte for byte, read back, and refused when it is not one. */
#include "unit/rows.h"

#include <stdio.h>
#include <string.h>

#include "index/index.h"
#include "json/json.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C64 "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define D64 "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define A40 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define R32 "svdq-int4_r32-x-4steps.safetensors"

static const char manifest_text[] =
	"{\"schema\": \"bake.manifest/1\", \"name\": \"n\", \"title\": \"T\", \"models\": {"
	"\"zeta\": {\"source\": {\"hub\": \"o/z\"}, \"role\": \"base\", \"group\": \"g\", "
	"\"path\": \"z\", \"title\": \"Z\", \"description\": \"D \\\"q\\\"\", "
	"\"category\": \"c\", \"license\": \"l\", \"tags\": [\"t\", \"u\"], \"min_ram\": \"1GB\", "
	"\"priority\": 3, \"required\": false},"
	"\"alpha\": {\"source\": {\"url\": \"https://x.org/" R32 "\"}, \"group\": \"g\", "
	"\"path\": \"a\", \"default\": true},"
	"\"later\": {\"source\": {\"file\": \"f\"}, \"required\": false}},"
	"\"selection\": {\"g\": {\"ranks\": [32, 128], \"prefer\": [{\"steps\": 8}, "
	"{\"precision\": \"int4\", \"rank\": 32, \"steps\": 4}], \"name\": \"N\", "
	"\"version\": \"V\", \"max_steps\": 50, \"config\": {\"offload\": true}}}}";

static const char lock_text[] =
	"{\"schema\": \"bake.lock/1\", \"name\": \"n\", \"manifest_sha256\": \"" C64 "\", "
	"\"models\": {\"alpha\": {\"source\": {\"url\": \"https://x.org/" R32 "\"}, "
	"\"spec_sha256\": \"" B64 "\", \"layer\": 2, \"required\": true, \"files\": ["
	"{\"path\": \"a/" R32 "\", \"name\": \"" R32 "\", \"size\": 7, \"sha256\": \"" D64 "\"}]},"
	"\"zeta\": {\"source\": {\"hub\": \"o/z\", \"revision\": \"main\", \"commit\": \"" A40
	"\"}, \"spec_sha256\": \"" B64 "\", \"layer\": 1, \"required\": false, \"gated\": true, "
	"\"files\": ["
	"{\"path\": \"z/model_index.json\", \"name\": \"model_index.json\", \"size\": 1, "
	"\"sha256\": \"" A64 "\"}, "
	"{\"path\": \"z/b.bin\", \"name\": \"b.bin\", \"size\": 2, \"sha256\": \"" B64 "\"}]}}}";

struct build {
	struct bake_manifest *manifest;
	struct bake_lock *lock;
	struct bake_index *index;
	struct bake_buf text;
};

static void build_release(struct build *build)
{
	bake_buf_release(&build->text);
	bake_index_free(&build->index);
	bake_lock_free(&build->lock);
	bake_manifest_free(&build->manifest);
}

/* baked: of the lock's models, alpha and zeta. */
static void build_from(struct build *build, const char *manifest, const bool *baked)
{
	struct bake_error err = BAKE_ERROR_INIT;

	*build = (struct build){.text = BAKE_BUF_INIT(1000000)};
	check_status(
		bake_manifest_parse(bake_span_text(manifest), "m.json", &build->manifest, &err),
		&err, BAKE_OK, NULL);
	check_status(bake_lock_parse(bake_span_text(lock_text), "l.json", &build->lock, &err), &err,
		BAKE_OK, NULL);
	check_status(bake_index_build(
			     build->manifest, build->lock, baked, 1700000000, &build->index, &err),
		&err, BAKE_OK, NULL);
	check_status(bake_index_write(build->index, "bake-index 1", &build->text, &err), &err,
		BAKE_OK, NULL);
}

#define BUILD(manifest, alpha, zeta)                                                               \
	_cleanup_(build_release) struct build build;                                               \
	build_from(&build, (manifest), (const bool[]){(alpha), (zeta)})

/* sha256 of the texts above, as sha256sum gives them, go in for %s; the aggregates are
 *     printf '%s  %s' D64 "$R32" | sha256sum
 *     printf '%s  %s\n%s  %s' A64 model_index.json B64 b.bin | sha256sum */
static const char whole_document[] =
	"{\n"
	"  \"schema\": \"bake.index/1\",\n"
	"  \"model_name\": \"N\",\n"
	"  \"model_version\": \"V\",\n"
	"  \"supported_ranks\": [32],\n"
	"  \"supported_steps\": [4],\n"
	"  \"default_rank\": 32,\n"
	"  \"default_steps\": 4,\n"
	"  \"max_steps\": 50,\n"
	"  \"base_model_available\": true,\n"
	"  \"nunchaku_models\": [\n"
	"    \"" R32 "\"\n"
	"  ],\n"
	"  \"model_config\": {\n"
	"    \"model_id\": \"o/z\",\n"
	"    \"default_steps\": 4,\n"
	"    \"default_rank\": 32,\n"
	"    \"max_steps\": 50,\n"
	"    \"supported_ranks\": [32],\n"
	"    \"offload\": true\n"
	"  },\n"
	"  \"generator\": \"bake-index 1\",\n"
	"  \"generated_at\": \"2023-11-14T22:13:20Z\",\n"
	"  \"manifest\": {\"name\": \"n\", \"sha256\": \"%s\"},\n"
	"  \"lock_sha256\": \"%s\",\n"
	"  \"totals\": {\"models\": 3, \"baked\": 2, \"missing\": 1, \"files\": 3, \"bytes\": "
	"10},\n"
	"  \"selected\": {\n"
	"    \"g\": {\n"
	"      \"model\": \"alpha\",\n"
	"      \"path\": \"a/" R32 "\",\n"
	"      \"ranks\": [32, 128],\n"
	"      \"prefer\": [{\"steps\": 8}, {\"precision\": \"int4\", \"rank\": 32, \"steps\": "
	"4}]\n"
	"    }\n"
	"  },\n"
	"  \"models\": [\n"
	"    {\n"
	"      \"id\": \"alpha\",\n"
	"      \"title\": \"alpha\",\n"
	"      \"group\": \"g\",\n"
	"      \"variant\": {\"precision\": \"int4\", \"rank\": 32, \"steps\": 4},\n"
	"      \"format\": \"safetensors\",\n"
	"      \"quantization\": \"int4\",\n"
	"      \"required\": true,\n"
	"      \"default\": true,\n"
	"      \"status\": \"baked\",\n"
	"      \"path\": \"a/" R32 "\",\n"
	"      \"bytes\": 7,\n"
	"      \"files\": [\n"
	"        {\"path\": \"a/" R32 "\", \"size\": 7, \"sha256\": \"" D64 "\"}\n"
	"      ],\n"
	"      \"aggregate_sha256\": "
	"\"f4ebfada6e607816c8b042844c54b3235a956f7aac86ecbe88c825eda21a1036\",\n"
	"      \"source\": {\"url\": \"https://x.org/" R32 "\"}\n"
	"    },\n"
	"    {\n"
	"      \"id\": \"later\",\n"
	"      \"title\": \"later\",\n"
	"      \"required\": false,\n"
	"      \"default\": false,\n"
	"      \"status\": \"missing\",\n"
	"      \"path\": \"later\",\n"
	"      \"bytes\": 0,\n"
	"      \"files\": [],\n"
	"      \"source\": {\"file\": \"f\"}\n"
	"    },\n"
	"    {\n"
	"      \"id\": \"zeta\",\n"
	"      \"title\": \"Z\",\n"
	"      \"description\": \"D \\\"q\\\"\",\n"
	"      \"role\": \"base\",\n"
	"      \"category\": \"c\",\n"
	"      \"group\": \"g\",\n"
	"      \"format\": \"diffusers\",\n"
	"      \"required\": false,\n"
	"      \"default\": false,\n"
	"      \"status\": \"baked\",\n"
	"      \"path\": \"z\",\n"
	"      \"bytes\": 3,\n"
	"      \"files\": [\n"
	"        {\"path\": \"z/b.bin\", \"size\": 2, \"sha256\": \"" B64 "\"},\n"
	"        {\"path\": \"z/model_index.json\", \"size\": 1, \"sha256\": \"" A64 "\"}\n"
	"      ],\n"
	"      \"aggregate_sha256\": "
	"\"dd67c82a430d88747aebe6a45f65c05a348c5244ea619f7d7f8cf0b0ce6437b4\",\n"
	"      \"source\": {\"hub\": \"o/z\", \"revision\": \"main\", \"commit\": \"" A40 "\"},\n"
	"      \"license\": \"l\",\n"
	"      \"gated\": true,\n"
	"      \"tags\": [\"t\", \"u\"],\n"
	"      \"min_ram_bytes\": 1000000000,\n"
	"      \"priority\": 3\n"
	"    }\n"
	"  ]\n"
	"}\n";

static void the_document_is_exact(void)
{
	char want[8000];

	BUILD(manifest_text, true, true);
	(void)snprintf(want, sizeof(want), whole_document, BAKE_HEX(&build.manifest->sha256),
		BAKE_HEX(&build.lock->sha256));
	assert_string_equal(build.text.ptr, want);
}

static struct bake_index *parse(struct bake_span text)
{
	struct bake_index *index = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_index_parse(text, "i.json", &index, &err), &err, BAKE_OK, NULL);
	return index;
}

/* Reading back gives what verifying, listing and selecting need. */
static void it_is_read_back(void)
{
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	const struct bake_index_model *model;

	BUILD(manifest_text, true, true);
	index = parse(bake_buf_span(&build.text));
	assert_int_equal(index->model_count, 3);
	assert_true(bake_digest_equal(&index->lock_sha256, &build.lock->sha256));
	model = bake_index_find(index, "zeta");
	assert_non_null(model);
	assert_string_equal(model->title, "Z");
	assert_string_equal(model->role, "base");
	assert_string_equal(model->category, "c");
	assert_string_equal(model->group, "g");
	assert_string_equal(model->format, "diffusers");
	assert_string_equal(model->license, "l");
	assert_string_equal(model->path, "z");
	assert_int_equal(model->priority, 3);
	assert_int_equal(model->bytes, 3);
	assert_int_equal(model->file_count, 2);
	assert_string_equal(model->files[1].path, "z/model_index.json");
	assert_string_equal(BAKE_HEX(&model->files[1].sha256), A64);
	assert_true(model->baked);
	assert_false(model->required);
	model = bake_index_find(index, "alpha");
	assert_non_null(model);
	assert_true(model->is_default);
	assert_string_equal(model->quantization, "int4");
	assert_int_equal(model->variant.steps, 4);
	assert_false(bake_index_find(index, "later")->baked);
}

static const struct baked_row {
	const char *name;
	bool alpha;
	bool zeta;
	const char *selected; /* NULL: none */
	bool base;
} baked_sets[] = {
	{"both", true, true, "alpha", true},
	{"alpha alone", true, false, "alpha", false},
	{"zeta alone", false, true, NULL, true},
	{"none", false, false, NULL, false},
};

static void try_baked(void **state)
{
	const struct baked_row *row = *state;
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	struct bake_index_wish anything = {.rank = 0};
	const struct bake_index_model *built;
	const struct bake_index_model *read;

	BUILD(manifest_text, row->alpha, row->zeta);
	index = parse(bake_buf_span(&build.text));
	built = bake_index_select(build.index, "g", &anything).model;
	read = bake_index_select(index, "g", &anything).model;
	assert_int_equal(built != NULL, row->selected != NULL);
	assert_int_equal(read != NULL, row->selected != NULL);
	if (row->selected) {
		assert_string_equal(built->id, row->selected);
		assert_string_equal(read->id, row->selected);
	} else {
		assert_non_null(strstr(build.text.ptr, "      \"model\": null,\n"));
	}
	assert_int_equal(bake_index_find(index, "alpha")->baked, row->alpha);
	assert_int_equal(bake_index_find(index, "zeta")->baked, row->zeta);
	assert_int_equal(
		strstr(build.text.ptr, "\"base_model_available\": true") != NULL, row->base);
}

static void one_model_by_itself(void)
{
	_cleanup_(bake_buf_release) struct bake_buf buf = BAKE_BUF_INIT(10000);

	BUILD(manifest_text, true, true);
	bake_index_write_model(bake_index_find(build.index, "later"), &buf);
	assert_string_equal(buf.ptr, "{\n  \"id\": \"later\",\n  \"title\": \"later\",\n"
				     "  \"required\": false,\n  \"default\": false,\n"
				     "  \"status\": \"missing\",\n  \"path\": \"later\",\n"
				     "  \"bytes\": 0,\n  \"files\": [],\n"
				     "  \"source\": {\"file\": \"f\"}\n}\n");
}

/* Whatever the manifest's settings are called, the index stays one that our reader accepts. */
static const struct config_row {
	const char *name;
	const char *key;
} config_keys[] = {
	{"a key of the server's", "enable_cpu_offload"},
	{"model_id", "model_id"},
	{"default_steps", "default_steps"},
	{"default_rank", "default_rank"},
	{"max_steps", "max_steps"},
	{"supported_ranks", "supported_ranks"},
};

static void try_config_key(void **state)
{
	const struct config_row *row = *state;
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	char text[600];

	(void)snprintf(text, sizeof(text),
		"{\"schema\": \"bake.manifest/1\", \"name\": \"n\", \"models\": {\"zeta\": {"
		"\"source\": {\"hub\": \"o/z\"}, \"group\": \"g\", \"role\": \"base\"}}, "
		"\"selection\": {\"g\": {\"config\": {\"%s\": 1}}}}",
		row->key);
	if (bake_manifest_parse(bake_span_text(text), "m.json", &manifest, &err) != BAKE_OK) {
		assert_int_equal(err.status, BAKE_ERR_DATA); /* refused in time */
		return;
	}
	BUILD(text, true, true);
	check_status(bake_index_parse(bake_buf_span(&build.text), "i.json", &index, &err), &err,
		BAKE_OK, NULL);
}

#define ROOT(members)	"{\"schema\": \"bake.index/1\", " members "}"
#define MODELS(list)	ROOT("\"models\": [" list "]")
#define REST		"\"required\": true, \"status\": \"baked\", \"path\": \"p\""
#define MODEL(members)	MODELS("{\"id\": \"m\", " REST ", " members "}")
#define FILES(list)	MODEL("\"files\": [" list "]")
#define SELECTED(rules) ROOT("\"models\": [], \"selected\": {" rules "}")

static const struct parse_row {
	const char *name;
	const char *text;
	enum bake_status want;
	const char *id;
	const char *where;
} parses[] = {
	{"nothing", MODELS(""), BAKE_OK, NULL, NULL},
	{"a model", FILES("{\"path\": \"p\", \"size\": 0, \"sha256\": \"" A64 "\"}"), BAKE_OK, NULL,
		NULL},
	{"a model without files", FILES(""), BAKE_OK, NULL, NULL},
	{"fields of a newer version",
		ROOT("\"new\": {\"a\": [1]}, \"models\": [{\"id\": \"m\", \"new\": null, " REST
		     ", \"files\": [{\"path\": \"p\", \"size\": 1, \"sha256\": \"" A64
		     "\", \"new\": 1}]}]"),
		BAKE_OK, NULL, NULL},
	{"a rule", SELECTED("\"g\": {\"model\": null, \"ranks\": [32], \"prefer\": [{}]}"), BAKE_OK,
		NULL, NULL},
	{"a digest as people write it",
		FILES("{\"path\": \"p\", \"size\": 1, \"sha256\": \"sha256:" A64 "\"}"), BAKE_OK,
		NULL, NULL},

	{"not JSON", "<html>", BAKE_ERR_DATA, "json.syntax", "i.json:1"},
	{"a lock", "{\"schema\": \"bake.lock/1\", \"models\": []}", BAKE_ERR_DATA, "schema.name",
		"/schema"},
	{"another major version", "{\"schema\": \"bake.index/2\"}", BAKE_ERR_CONFIG,
		"schema.version", "/schema"},
	{"no schema", "{\"models\": []}", BAKE_ERR_DATA, "json.missing-field", "\"schema\""},
	{"no models", ROOT("\"totals\": {}"), BAKE_ERR_DATA, "json.missing-field", "\"models\""},
	{"models are an object", ROOT("\"models\": {}"), BAKE_ERR_DATA, "json.type", "/models"},
	{"duplicate key", MODELS("{\"id\": \"a\", \"id\": \"b\"}"), BAKE_ERR_DATA,
		"json.duplicate-key", "i.json:1"},
	{"no id", MODELS("{" REST ", \"files\": []}"), BAKE_ERR_DATA, "json.missing-field",
		"/models/0"},
	{"bad id", MODELS("{\"id\": \"../x\"}"), BAKE_ERR_DATA, "json.name", "/models/0/id"},
	{"no files", MODELS("{\"id\": \"m\", " REST "}"), BAKE_ERR_DATA, "json.missing-field",
		"\"files\""},
	{"unknown status", MODELS("{\"id\": \"m\", \"status\": \"fine\"}"), BAKE_ERR_DATA,
		"json.value", "/models/0/status"},
	{"path: up", MODELS("{\"id\": \"m\", \"path\": \"../x\"}"), BAKE_ERR_DATA, "path.unsafe",
		"/models/0/path"},
	{"file: up", FILES("{\"path\": \"a/../../x\", \"size\": 1, \"sha256\": \"" A64 "\"}"),
		BAKE_ERR_DATA, "path.unsafe", "/models/0/files/0/path"},
	{"file: the index itself",
		FILES("{\"path\": \"model-info.json\", \"size\": 1, \"sha256\": \"" A64 "\"}"),
		BAKE_ERR_DATA, "path.reserved", "/files/0/path"},
	{"file: no digest", FILES("{\"path\": \"p\", \"size\": 1}"), BAKE_ERR_DATA,
		"json.missing-field", "\"sha256\""},
	{"file: bad digest", FILES("{\"path\": \"p\", \"size\": 1, \"sha256\": \"x\"}"),
		BAKE_ERR_DATA, "digest.format", "/files/0/sha256"},
	{"file: negative size", FILES("{\"path\": \"p\", \"size\": -1, \"sha256\": \"" A64 "\"}"),
		BAKE_ERR_DATA, "json.range", "/files/0/size"},
	{"title with an escape sequence", MODEL("\"files\": [], \"title\": \"\\u001b[2J\""),
		BAKE_ERR_DATA, "json.text", "/models/0/title"},
	{"bad lock digest", ROOT("\"lock_sha256\": \"x\", \"models\": []"), BAKE_ERR_DATA,
		"digest.format", "/lock_sha256"},
	{"a rule's ranks are texts", SELECTED("\"g\": {\"ranks\": [\"32\"]}"), BAKE_ERR_DATA,
		"json.type", "/selected/g/ranks/0"},
	{"a rule is a list", SELECTED("\"g\": []"), BAKE_ERR_DATA, "json.type", "/selected/g"},
};

static void try_parse(void **state)
{
	const struct parse_row *row = *state;
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_index_parse(bake_span_text(row->text), "i.json", &index, &err), &err,
		row->want, row->id);
	assert_int_equal(index != NULL, row->want == BAKE_OK);
	if (row->want == BAKE_OK)
		return;
	assert_int_equal(strncmp(err.message, "i.json:", 7), 0);
	assert_non_null(strstr(err.message, row->where));
}

static void models_come_sorted(void)
{
	_cleanup_(bake_index_free) struct bake_index *index = parse(bake_span_text(
		MODELS("{\"id\": \"b\", " REST ", \"files\": []}, {\"id\": \"a\", " REST
		       ", \"files\": []}")));

	assert_string_equal(index->models[0].id, "a");
	assert_string_equal(index->models[1].id, "b");
}

static void an_index_too_large_is_not_written(void)
{
	_cleanup_(bake_buf_release) struct bake_buf small = BAKE_BUF_INIT(500);
	struct bake_error err = BAKE_ERROR_INIT;

	BUILD(manifest_text, true, true);
	check_status(bake_index_write(build.index, "g", &small, &err), &err, BAKE_ERR_DATA,
		"data.too-large");
}

static const struct scenario others[] = {
	{"the document is exact", the_document_is_exact},
	{"it is read back", it_is_read_back},
	{"one model by itself", one_model_by_itself},
	{"models come sorted", models_come_sorted},
	{"an index too large is not written", an_index_too_large_is_not_written},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(baked_sets, try_baked),
		ROWS(config_keys, try_config_key),
		ROWS(parses, try_parse),
		ROWS(others, play_scenario),
	};

	return run_rows("index/document", tables, countof(tables));
}
