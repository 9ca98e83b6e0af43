/* SPDX-License-Identifier: Apache-2.0 */
/* Manifests: what is taken, what is filled in, and what is refused where. */
#include "unit/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/manifest.h"

/* A document around members of its root, of its models, and of its only model "m". */
#define ROOT(members)	"{\"schema\": \"bake.manifest/1\",\n\"name\": \"n\",\n" members "}"
#define MODELS(members) ROOT("\"models\": {\n" members "}")
#define MODEL(members)	MODELS("\"m\": {\n" members "}")
#define HUB		"\"source\": {\"hub\": \"org/name\"}"
#define FROM(source)	MODEL("\"source\": {" source "}")
#define FILES(list)	MODEL("\"source\": {\"url\": \"https://x.org/a/\"}, \"files\": [" list "]")
#define TWO		"\"a\": {" HUB ", \"group\": \"g\"}, \"b\": {" HUB "}"
#define ZERO8		"00000000"
#define SHA		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_UP		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD"
#define INT4		"svdq-int4_r32-x-4steps.safetensors"
#define ONE_FILE(more)                                                                             \
	MODEL("\"source\": {\"hub\": \"org/name\"}, \"files\": [{\"name\": \"" INT4 "\"}]" more)
#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define CONFIG(members)                                                                            \
	ROOT("\"models\": {" TWO "}, \"selection\": {\"g\": {\"config\": " members "}}")
#define RULE(members) ROOT("\"models\": {" TWO "}, \"selection\": {\"g\": " members "}")

static const struct parse_row {
	const char *name;
	const char *text;
	const char *id; /* NULL: good */
	const char *where;
} parses[] = {
	{"a hub model", MODEL(HUB), NULL, NULL},
	{"a hub model without an owner", FROM("\"hub\": \"gpt2\""), NULL, NULL},
	{"a hub model with a revision", FROM("\"hub\": \"a/b\", \"revision\": \"refs/pr/1\""), NULL,
		NULL},
	{"a single url", FROM("\"url\": \"https://x.org/a.gguf\""), NULL, NULL},
	{"a local file", FROM("\"file\": \"models/a.gguf\""), NULL, NULL},
	{"plain http is a matter of policy, later", FROM("\"url\": \"http://x.org/a\""), NULL,
		NULL},
	{"fields of one's own", MODEL(HUB ", \"x-mine\": [1, {}], \"x-\": null"), NULL, NULL},
	{"a file with everything",
		FILES("{\"name\": \"a b.bin\", \"save_as\": \"c\", \"size\": 9007199254740991, "
		      "\"sha256\": \"" SHA "\"}"),
		NULL, NULL},
	{"an empty file", FILES("{\"name\": \"a\", \"size\": 0}"), NULL, NULL},
	{"upper case is accepted", FILES("{\"name\": \"a\", \"sha256\": \"" SHA_UP "\"}"), NULL,
		NULL},
	{"sha256: is accepted", FILES("{\"name\": \"a\", \"sha256\": \"sha256:" SHA "\"}"), NULL,
		NULL},
	{"a variant that agrees with the name",
		ONE_FILE(", \"variant\": {\"precision\": \"int4\", \"rank\": 32, \"steps\": 4}"),
		NULL, NULL},
	{"an empty profile", ROOT("\"models\": {" TWO "}, \"profiles\": {\"default\": []}"), NULL,
		NULL},
	{"a profile by alias",
		ROOT("\"models\": {\"a\": {" HUB ", \"aliases\": [\"z\"]}}, "
		     "\"profiles\": {\"p\": [\"z\", \"a\"]}"),
		NULL, NULL},
	{"settings of all kinds", CONFIG("{\"a\": true, \"b\": 4294967295, \"c\": \"text\"}"), NULL,
		NULL},

	{"not JSON", "models:\n  - a", "json.syntax", "m.json:1"},
	{"an array", "[]", "json.type", "m.json:1: /: expected an object"},
	{"duplicate model", MODELS("\"a\": {" HUB "},\n\"a\": {" HUB "}"), "json.duplicate-key",
		"m.json:5"},
	{"no schema", "{\"name\": \"n\", \"models\": {\"m\": {" HUB "}}}", "json.missing-field",
		"\"schema\" is missing"},
	{"no name", "{\"schema\": \"bake.manifest/1\", \"models\": {\"m\": {" HUB "}}}",
		"json.missing-field", "\"name\" is missing"},
	{"no models", ROOT("\"title\": \"t\""), "json.missing-field", "\"models\" is missing"},
	{"models are empty", ROOT("\"models\": {}"), "manifest.models", "/models"},
	{"models are a list", ROOT("\"models\": [{}]"), "json.type", "/models"},
	{"unknown field", ROOT("\"modles\": {}"), "json.unknown-field", "m.json:3: /modles"},
	{"unknown field of a model", MODEL(HUB ",\n\"sha256\": \"\""), "json.unknown-field",
		"m.json:6: /models/m/sha256"},
	{"the schema is a number", "{\"schema\": 1}", "json.type", "/schema"},
	{"the schema of a lock", "{\"schema\": \"bake.lock/1\"}", "schema.name", "/schema"},
	{"another document", "{\"schema\": \"https://json-schema.org\"}", "schema.name", "/schema"},
	{"name of a manifest", "{\"schema\": \"bake.manifest/1\", \"name\": \"a b\"}", "json.name",
		"/name"},
	{"empty name", "{\"schema\": \"bake.manifest/1\", \"name\": \"\"}", "json.text", "/name"},
	{"null title", ROOT("\"title\": null"), "json.type", "/title"},

	{"id: blank", MODELS("\"a b\": {" HUB "}"), "json.name", "/models/a b"},
	{"id: empty", MODELS("\"\": {" HUB "}"), "json.name", "/models/"},
	{"id: dot in front", MODELS("\".a\": {" HUB "}"), "json.name", "/models/.a"},
	{"id: dash in front", MODELS("\"-a\": {" HUB "}"), "json.name", "/models/-a"},
	{"id: umlaut", MODELS("\"\xc3\xa4\": {" HUB "}"), "json.name", "/models/\\xc3\\xa4"},
	{"id: path", MODELS("\"../a\": {" HUB "}"), "json.name", "is not a name"},
	{"id: 129 letters", MODELS("\"" X60 X60 "xxxxxxxxx\": {" HUB "}"), "json.name",
		"is not a name"},

	{"source: none", MODEL("\"title\": \"t\""), "json.missing-field", "\"source\" is missing"},
	{"source: empty", FROM(""), "manifest.source", "/models/m/source"},
	{"source: two", FROM("\"hub\": \"a/b\", \"url\": \"https://x.org/\""), "manifest.source",
		"exactly one"},
	{"source: unknown", FROM("\"huggingface\": \"a/b\""), "json.unknown-field",
		"/models/m/source/huggingface"},
	{"source: a commit is the lock's", FROM("\"hub\": \"a/b\", \"commit\": \"x\""),
		"json.unknown-field", "/models/m/source/commit"},
	{"source: revision of a url", FROM("\"url\": \"https://x.org/a\", \"revision\": \"v1\""),
		"manifest.source", "only a hub source"},
	{"source: empty revision", FROM("\"hub\": \"a/b\", \"revision\": \"\""), "json.text",
		"/source/revision"},
	{"hub: empty", FROM("\"hub\": \"\""), "json.text", "/source/hub"},
	{"hub: three parts", FROM("\"hub\": \"a/b/c\""), "hub.repository", "/source/hub"},
	{"hub: no owner", FROM("\"hub\": \"/b\""), "hub.repository", "/source/hub"},
	{"hub: no name", FROM("\"hub\": \"a/\""), "hub.repository", "/source/hub"},
	{"hub: up", FROM("\"hub\": \"../b\""), "hub.repository", "/source/hub"},
	{"hub: dots", FROM("\"hub\": \"a/b..c\""), "hub.repository", "/source/hub"},
	{"hub: a url", FROM("\"hub\": \"https://huggingface.co/a/b\""), "hub.repository",
		"/source/hub"},
	{"hub: a query", FROM("\"hub\": \"a/b?x\""), "hub.repository", "/source/hub"},
	{"hub: percent", FROM("\"hub\": \"a/%2e%2e\""), "hub.repository", "/source/hub"},
	{"url: ftp", FROM("\"url\": \"ftp://x.org/a\""), "url.format", "/source/url"},
	{"url: file", FROM("\"url\": \"file:///etc/passwd\""), "url.format", "/source/url"},
	{"url: relative", FROM("\"url\": \"x.org/a\""), "url.format", "/source/url"},
	{"url: blank", FROM("\"url\": \"https://x.org/a b\""), "url.format", "/source/url"},
	{"url: newline", FROM("\"url\": \"https://x.org/a\\nb\""), "json.text", "/source/url"},
	{"file: absolute", FROM("\"file\": \"/etc/passwd\""), "path.unsafe", "/source/file"},
	{"file: up", FROM("\"file\": \"../a\""), "path.unsafe", "/source/file"},
	{"mirror: file", MODEL(HUB ", \"mirrors\": [\"https://a.org/\", \"file:///x\"]"),
		"url.format", "/models/m/mirrors/1"},
	{"mirrors: a text", MODEL(HUB ", \"mirrors\": \"https://a.org/\""), "json.type",
		"/models/m/mirrors"},

	{"path: up", MODEL(HUB ", \"path\": \"../x\""), "path.unsafe", "m.json:5: /models/m/path"},
	{"path: absolute", MODEL(HUB ", \"path\": \"/x\""), "path.unsafe", "/models/m/path"},
	{"path: empty", MODEL(HUB ", \"path\": \"\""), "path.unsafe", "/models/m/path"},
	{"path: dot", MODEL(HUB ", \"path\": \".\""), "path.unsafe", "/models/m/path"},
	{"path: backslash", MODEL(HUB ", \"path\": \"a\\\\b\""), "path.unsafe", "/models/m/path"},
	{"path: override", MODEL(HUB ", \"path\": \"a\\u202e\""), "path.unsafe", "/models/m/path"},
	{"path: ours", MODEL(HUB ", \"path\": \".bake/x\""), "path.reserved", "/models/m/path"},
	{"path: the index", MODEL(HUB ", \"path\": \"model-info.json\""), "path.reserved",
		"/models/m/path"},
	{"path: an id for a path that is ours",
		MODELS("\"model-info.json\": {\"source\": {\"file\": \"x\"}}"), "path.reserved",
		"/models/model-info.json"},
	{"path: an id for a path that ends in a dot",
		MODELS("\"m.\": {\"source\": {\"file\": \"x\"}}"), "path.unsafe", "/models/m."},
	{"path: a repository for a path that ends in a dot", FROM("\"hub\": \"org/name.\""),
		"path.unsafe", "/models/m"},
	{"path: too long a component", MODEL(HUB ", \"path\": \"" X60 X60 X60 X60 X60 "\""),
		"path.too-long", "/models/m/path"},
	{"file name: up", FILES("{\"name\": \"a/../b\"}"), "path.unsafe", "/models/m/files/0/name"},
	{"save_as: up", FILES("{\"name\": \"a\", \"save_as\": \"../b\"}"), "path.unsafe",
		"/models/m/files/0/save_as"},
	{"save_as: absolute", FILES("{\"name\": \"a\", \"save_as\": \"/b\"}"), "path.unsafe",
		"/models/m/files/0/save_as"},
	{"file: without a name", FILES("{\"size\": 1}"), "json.missing-field", "/models/m/files/0"},
	{"file: unknown field", FILES("{\"name\": \"a\", \"md5\": \"x\"}"), "json.unknown-field",
		"/models/m/files/0/md5"},
	{"size: 2^53", FILES("{\"name\": \"a\", \"size\": 9007199254740992}"), "json.range",
		"/models/m/files/0/size"},
	{"size: negative", FILES("{\"name\": \"a\", \"size\": -1}"), "json.range", "/files/0/size"},
	{"size: fraction", FILES("{\"name\": \"a\", \"size\": 1.0}"), "json.type", "/files/0/size"},
	{"size: 2^63", FILES("{\"name\": \"a\", \"size\": 9223372036854775808}"), "json.syntax",
		"m.json:5"},
	{"size: text", FILES("{\"name\": \"a\", \"size\": \"1\"}"), "json.type", "/files/0/size"},
	{"sha256: short", FILES("{\"name\": \"a\", \"sha256\": \"abc\"}"), "digest.format",
		"/files/0/sha256"},
	{"sha256: zeros",
		FILES("{\"name\": \"a\", \"sha256\": \"" ZERO8 ZERO8 ZERO8 ZERO8 ZERO8 ZERO8 ZERO8
				ZERO8 "\"}"),
		"digest.format", "/files/0/sha256"},
	{"sha256: null", FILES("{\"name\": \"a\", \"sha256\": null}"), "json.type",
		"/files/0/sha256"},
	{"files: none", FILES(""), "manifest.files", "/models/m/files"},
	{"files and include", MODEL(HUB ", \"files\": [{\"name\": \"a\"}], \"include\": [\"*\"]"),
		"manifest.files", "/models/m"},
	{"a base url without files", FROM("\"url\": \"https://x.org/a/\""), "manifest.files",
		"/models/m"},
	{"a single url with two files",
		MODEL("\"source\": {\"url\": \"https://x.org/a\"}, "
		      "\"files\": [{\"name\": \"a\"}, {\"name\": \"b\"}]"),
		"manifest.files", "/models/m"},
	{"a url with include",
		MODEL("\"source\": {\"url\": \"https://x.org/a\"}, \"include\": [\"*\"]"),
		"manifest.files", "no listing"},
	{"include: empty pattern", MODEL(HUB ", \"include\": [\"\"]"), "json.text",
		"/models/m/include/0"},

	{"variant: precision of another file", ONE_FILE(", \"variant\": {\"precision\": \"fp4\"}"),
		"manifest.variant", "/models/m"},
	{"variant: rank of another file", ONE_FILE(", \"variant\": {\"rank\": 128}"),
		"manifest.variant", "rank 128"},
	{"variant: steps of another file", ONE_FILE(", \"variant\": {\"steps\": 8}"),
		"manifest.variant", "8 steps"},
	{"variant: rank too great", MODEL(HUB ", \"variant\": {\"rank\": 1000001}"), "json.range",
		"/models/m/variant/rank"},
	{"variant: unknown field", MODEL(HUB ", \"variant\": {\"bits\": 4}"), "json.unknown-field",
		"/models/m/variant/bits"},
	{"required: 1", MODEL(HUB ", \"required\": 1"), "json.type", "/models/m/required"},
	{"layer: 0", MODEL(HUB ", \"layer\": 0"), "json.range", "/models/m/layer"},
	{"layer: 5", MODEL(HUB ", \"layer\": 5"), "json.range", "/models/m/layer"},
	{"priority: too great", MODEL(HUB ", \"priority\": 1001"), "json.range",
		"/models/m/priority"},
	{"min_ram: a number", MODEL(HUB ", \"min_ram\": 4000"), "json.type", "/models/m/min_ram"},
	{"min_ram: words", MODEL(HUB ", \"min_ram\": \"a lot\""), "json.size", "/models/m/min_ram"},
	{"title: control", MODEL(HUB ", \"title\": \"a\\u001b[2J\""), "json.text",
		"/models/m/title"},
	{"tags: not texts", MODEL(HUB ", \"tags\": [1]"), "json.type", "/models/m/tags/0"},

	{"alias of another model's name",
		MODELS("\"a\": {" HUB "}, \"b\": {" HUB ", \"aliases\": [\"a\"]}"),
		"manifest.duplicate-name", "two models are named 'a'"},
	{"alias of two models",
		MODELS("\"a\": {" HUB ", \"aliases\": [\"z\"]}, "
		       "\"b\": {" HUB ", \"aliases\": [\"z\"]}"),
		"manifest.duplicate-name", "two models are named 'z'"},
	{"profile: unknown model", ROOT("\"models\": {" TWO "}, \"profiles\": {\n\"p\": [\"c\"]}"),
		"manifest.unknown-model", "m.json:4: /profiles/p: there is no model 'c'"},
	{"profile: bad name", ROOT("\"models\": {" TWO "}, \"profiles\": {\"a b\": []}"),
		"json.name", "/profiles/a b"},
	{"profile: not a list", ROOT("\"models\": {" TWO "}, \"profiles\": {\"p\": \"a\"}"),
		"json.type", "/profiles/p"},
	{"selection: unknown group", ROOT("\"models\": {" TWO "},\n\"selection\": {\n\"h\": {}}"),
		"manifest.unknown-group", "m.json:5: /selection/h: no model is of group 'h'"},
	{"selection: unknown field", RULE("{\"rank\": 1}"), "json.unknown-field",
		"/selection/g/rank"},
	{"selection: ranks are texts", RULE("{\"ranks\": [\"32\"]}"), "json.type",
		"/selection/g/ranks/0"},
	{"selection: prefer is an object", RULE("{\"prefer\": {\"steps\": 8}}"), "json.type",
		"/selection/g/prefer"},
	{"selection: prefers something unknown", RULE("{\"prefer\": [{\"size\": 8}]}"),
		"json.unknown-field", "/selection/g/prefer/0/size"},
	{"config: a list", CONFIG("{\"a\": []}"), "json.type", "/selection/g/config/a"},
	{"config: a fraction", CONFIG("{\"a\": 1.5}"), "json.type", "/selection/g/config/a"},
	{"config: a negative number", CONFIG("{\"a\": -1}"), "json.type", "/selection/g/config/a"},
	{"config: a hostile key", CONFIG("{\"a\\\"b\": 1}"), "json.name",
		"/selection/g/config/a\"b"},
};

static void try_parse(void **state)
{
	const struct parse_row *row = *state;
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_manifest_parse(bake_span_text(row->text), "m.json", &manifest, &err),
		&err, row->id ? BAKE_ERR_DATA : BAKE_OK, row->id);
	assert_int_equal(manifest != NULL, row->id == NULL);
	if (!row->id)
		return;
	assert_int_equal(strncmp(err.message, "m.json:", 7), 0);
	if (!strstr(err.message, row->where))
		print_error("message: %s\n", err.message);
	assert_non_null(strstr(err.message, row->where));
}

static const struct version_row {
	const char *name;
	const char *schema;
	enum bake_status want;
	const char *id;
} versions[] = {
	{"another major version", "bake.manifest/2", BAKE_ERR_CONFIG, "schema.version"},
	{"no version", "bake.manifest/", BAKE_ERR_CONFIG, "schema.version"},
	{"a minor version", "bake.manifest/1.1", BAKE_ERR_CONFIG, "schema.version"},
	{"another family", "bake.manifests/1", BAKE_ERR_DATA, "schema.name"},
	{"capitals", "Bake.Manifest/1", BAKE_ERR_DATA, "schema.name"},
	{"empty", "", BAKE_ERR_DATA, "schema.name"},
};

static void try_version(void **state)
{
	const struct version_row *row = *state;
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;
	struct bake_error err = BAKE_ERROR_INIT;
	char text[200];

	(void)snprintf(text, sizeof(text), "{\"schema\": \"%s\"}", row->schema);
	check_status(bake_manifest_parse(bake_span_text(text), "m.json", &manifest, &err), &err,
		row->want, row->id);
	if (row->want == BAKE_ERR_CONFIG)
		assert_non_null(strstr(err.hint, "another version"));
}

static struct bake_manifest *parse(const char *text)
{
	struct bake_manifest *manifest = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_manifest_parse(bake_span_text(text), "m.json", &manifest, &err), &err,
		BAKE_OK, NULL);
	return manifest;
}

static void what_is_not_said_is_filled_in(void)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = parse(MODEL(HUB));
	const struct bake_model *model = &manifest->models[0];

	assert_string_equal(manifest->name, "n");
	assert_string_equal(manifest->title, "n");
	assert_int_equal(manifest->sha256.kind, BAKE_DIGEST_SHA256);
	assert_string_equal(model->id, "m");
	assert_string_equal(model->title, "m");
	assert_string_equal(model->path, "org--name");
	assert_string_equal(model->source.revision, "main");
	assert_null(model->source.commit);
	assert_null(model->group);
	assert_true(model->required);
	assert_false(model->is_default);
	assert_int_equal(model->layer, 3);
	assert_int_equal(model->file_count, 0);
}

static void everything_said_is_taken(void)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = parse(ROOT(
		"\"title\": \"The \xc3\xa4\", \"models\": {\"m\": {\"title\": \"T\", "
		"\"description\": \"D\", \"role\": \"chat\", \"category\": \"C\", "
		"\"group\": \"G\", \"license\": \"L\", \"source\": {\"hub\": \"a/b\", "
		"\"revision\": \"v1\"}, \"mirrors\": [\"https://m.org/\"], \"include\": [\"*.a\"], "
		"\"exclude\": [\"*.b\", \"*.c\"], \"path\": \"p/q\", \"variant\": "
		"{\"precision\": \"fp8\", \"rank\": 1, \"steps\": 2}, \"required\": false, "
		"\"default\": true, \"priority\": 7, \"layer\": 4, \"min_ram\": \"2GiB\", "
		"\"tags\": [\"x\"], \"aliases\": [\"y\", \"z\"]}}"));
	const struct bake_model *model = &manifest->models[0];

	assert_string_equal(manifest->title, "The \xc3\xa4");
	assert_string_equal(model->title, "T");
	assert_string_equal(model->description, "D");
	assert_string_equal(model->role, "chat");
	assert_string_equal(model->category, "C");
	assert_string_equal(model->group, "G");
	assert_string_equal(model->license, "L");
	assert_int_equal(model->source.kind, BAKE_SOURCE_HUB);
	assert_string_equal(model->source.location, "a/b");
	assert_string_equal(model->source.revision, "v1");
	assert_string_equal(model->mirrors[0], "https://m.org/");
	assert_string_equal(model->include[0], "*.a");
	assert_int_equal(model->exclude_count, 2);
	assert_string_equal(model->path, "p/q");
	assert_string_equal(model->variant.precision, "fp8");
	assert_int_equal(model->variant.rank, 1);
	assert_int_equal(model->variant.steps, 2);
	assert_false(model->required);
	assert_true(model->is_default);
	assert_int_equal(model->priority, 7);
	assert_int_equal(model->layer, 4);
	assert_int_equal(model->min_ram_bytes, 2147483648U);
	assert_string_equal(model->tags[0], "x");
	assert_ptr_equal(bake_manifest_find(manifest, "z"), model);
	assert_ptr_equal(bake_manifest_find(manifest, "m"), model);
	assert_null(bake_manifest_find(manifest, "T"));
}

static void a_files_name_gives_the_variant(void)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = parse(ONE_FILE(""));
	const struct bake_variant *variant = &manifest->models[0].variant;

	assert_string_equal(variant->precision, "int4");
	assert_int_equal(variant->rank, 32);
	assert_int_equal(variant->steps, 4);
}

static void rules_are_taken(void)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = parse(RULE(
		"{\"ranks\": [32, 128], \"prefer\": [{\"steps\": 8}, {\"precision\": \"fp4\"}], "
		"\"name\": \"N\", \"version\": \"V\", \"max_steps\": 50, "
		"\"config\": {\"offload\": true, \"n\": 3, \"t\": \"a\\\"b\"}}"));
	const struct bake_selection *rule = &manifest->selections[0];

	assert_int_equal(manifest->selection_count, 1);
	assert_string_equal(rule->group, "g");
	assert_string_equal(rule->name, "N");
	assert_string_equal(rule->version, "V");
	assert_int_equal(rule->rank_count, 2);
	assert_int_equal(rule->ranks[1], 128);
	assert_int_equal(rule->prefer_count, 2);
	assert_int_equal(rule->prefer[0].steps, 8);
	assert_string_equal(rule->prefer[1].precision, "fp4");
	assert_int_equal(rule->max_steps, 50);
	assert_string_equal(rule->config, "\"offload\": true, \"n\": 3, \"t\": \"a\\\"b\"");
}

static const struct layer_row {
	const char *name;
	const char *role;
	unsigned want;
} layers[] = {
	{"base", "base", 1},
	{"transformer", "transformer", 2},
	{"chat", "chat", 2},
	{"vision", "vision", 2},
	{"embedding", "embedding", 2},
	{"lora", "lora", 3},
	{"another", "upscaler", 3},
};

static void try_layer(void **state)
{
	const struct layer_row *row = *state;
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;
	char text[300];

	(void)snprintf(text, sizeof(text), MODEL(HUB ", \"role\": \"%s\""), row->role);
	manifest = parse(text);
	assert_int_equal(manifest->models[0].layer, row->want);
}

/* Which members change what a lock has to answer. */
static const struct spec_row {
	const char *name;
	const char *text;
	bool same; /* as MODEL(HUB) */
} specs[] = {
	{"the same", MODEL(HUB), true},
	{"what is filled in, written",
		MODEL("\"source\": {\"hub\": \"org/name\", \"revision\": \"main\"}, "
		      "\"path\": \"org--name\""),
		true},
	{"another title", MODEL(HUB ", \"title\": \"x\", \"tags\": [\"y\"], \"layer\": 1"), true},
	{"another group", MODEL(HUB ", \"group\": \"x\", \"aliases\": [\"y\"]"), true},
	{"another repository", FROM("\"hub\": \"org/other\""), false},
	{"another revision", FROM("\"hub\": \"org/name\", \"revision\": \"v2\""), false},
	{"another path", MODEL(HUB ", \"path\": \"x\""), false},
	{"include", MODEL(HUB ", \"include\": [\"*\"]"), false},
	{"exclude", MODEL(HUB ", \"exclude\": [\"*\"]"), false},
	{"files", MODEL(HUB ", \"files\": [{\"name\": \"a\"}]"), false},
};

static struct bake_digest spec_of(const char *text)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = parse(text);
	struct bake_digest digest = {.kind = BAKE_DIGEST_NONE};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(
		bake_model_spec_digest(&manifest->models[0], &digest, &err), &err, BAKE_OK, NULL);
	return digest;
}

static void try_spec(void **state)
{
	const struct spec_row *row = *state;
	struct bake_digest plain = spec_of(MODEL(HUB));
	struct bake_digest other = spec_of(row->text);

	assert_int_equal(bake_digest_equal(&plain, &other), row->same);
}

static void a_slip_in_a_profile_is_hinted_at(void)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(
		bake_manifest_parse(bake_span_text(ROOT("\"models\": {\"chat-model\": {" HUB "}}, "
							"\"profiles\": {\"p\": [\"chat-modle\"]}")),
			"m.json", &manifest, &err),
		&err, BAKE_ERR_DATA, "manifest.unknown-model");
	assert_string_equal(err.hint, "did you mean \"chat-model\"?");
}

/* As many models as there may be, and one more. */
static void models_are_counted(void)
{
	static const char head[] =
		"{\"schema\": \"bake.manifest/1\", \"name\": \"n\", \"models\": {";
	enum {
		ROOM = (BAKE_MODELS_MAX + 1) * 48 + 200
	};
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;
	_cleanup_free_ char *text = malloc(ROOM);
	struct bake_error err = BAKE_ERROR_INIT;

	assert_non_null(text);
	for (unsigned count = BAKE_MODELS_MAX; count <= BAKE_MODELS_MAX + 1; count++) {
		size_t used = (size_t)snprintf(text, ROOM, "%s", head);

		for (unsigned i = 0; i < count; i++)
			used += (size_t)snprintf(text + used, ROOM - used,
				"%s\"m%u\": {\"source\": {\"hub\": \"a/b\"}}", i ? "," : "", i);
		used += (size_t)snprintf(text + used, ROOM - used, "}}");
		check_status(bake_manifest_parse(bake_span(text, used), "m.json", &manifest, &err),
			&err, count > BAKE_MODELS_MAX ? BAKE_ERR_DATA : BAKE_OK, "json.range");
		bake_manifest_free(&manifest);
	}
}

static void files_are_placed_below_the_models_path(void)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest =
		parse(MODEL(HUB ", \"path\": \"p/q\", \"files\": [{\"name\": \"d/a.bin\"}, "
				"{\"name\": \"b.bin\", \"save_as\": \"e/c.bin\"}]"));
	const struct bake_placed_file *files = manifest->models[0].placed;

	assert_int_equal(manifest->models[0].file_count, 2);
	assert_string_equal(files[0].path, "p/q/d/a.bin");
	assert_string_equal(files[1].path, "p/q/e/c.bin");
}

static void what_is_only_read_has_no_digest(void)
{
	_cleanup_(bake_manifest_free) struct bake_manifest *parsed = parse(MODEL(HUB));
	_cleanup_(bake_manifest_free) struct bake_manifest *manifest = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_manifest_read(bake_span_text(MODEL(HUB)), "m.json", &manifest, &err),
		&err, BAKE_OK, NULL);
	assert_int_equal(manifest->sha256.kind, BAKE_DIGEST_NONE);
	assert_int_equal(manifest->model_count, parsed->model_count);
	assert_string_equal(manifest->models[0].id, parsed->models[0].id);
}

static const struct scenario others[] = {
	{"files are placed below the model's path", files_are_placed_below_the_models_path},
	{"what is only read has no digest", what_is_only_read_has_no_digest},
	{"what is not said is filled in", what_is_not_said_is_filled_in},
	{"everything said is taken", everything_said_is_taken},
	{"a file's name gives the variant", a_files_name_gives_the_variant},
	{"rules are taken", rules_are_taken},
	{"a slip in a profile is hinted at", a_slip_in_a_profile_is_hinted_at},
	{"models are counted", models_are_counted},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(parses, try_parse),
		ROWS(versions, try_version),
		ROWS(layers, try_layer),
		ROWS(specs, try_spec),
		ROWS(others, play_scenario),
	};

	return run_rows("manifest/parse", tables, countof(tables));
}
