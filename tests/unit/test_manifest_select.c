/* SPDX-License-Identifier: Apache-2.0 */
/* Which models of a lock a command is about. */
#include "unit/rows.h"

#include <string.h>

#include "manifest/select.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A model: its id, then its members behind those that every model has. */
#define MODEL(id, layer, members)                                                                  \
	"\"" id "\": {\"source\": {\"file\": \"f\"}, \"spec_sha256\": \"" A64 "\", "               \
	"\"layer\": " layer ", \"files\": [{\"path\": \"" id "\", \"name\": \"f\", "               \
	"\"size\": 1, \"sha256\": \"" A64 "\"}], " members "}"

#define FOUR                                                                                       \
	MODEL("base", "1", "\"required\": true, \"group\": \"edit\"")                              \
	", " MODEL("chat", "3",                                                                    \
		"\"required\": false, \"default\": true, \"aliases\": [\"talk\"]") ", " MODEL("lo" \
											      "r"  \
											      "a", \
		"3", "\"required\": false, \"group\": \"edit\"") ", " MODEL("mini", "3",           \
		"\"required\": true")

#define LOCK(profiles)                                                                             \
	"{\"schema\": \"bake.lock/1\", \"name\": \"n\", \"manifest_sha256\": \"" A64 "\", "        \
	"\"profiles\": {" profiles "}, \"models\": {" FOUR "}}"

#define PLAIN LOCK("\"small\": [\"mini\"], \"mixed\": [\"talk\", \"base\"], \"none\": []")
#define USUAL LOCK("\"default\": [\"lora\", \"chat\"]")
#define STALE LOCK("\"default\": [\"mini\", \"gone\"], \"other\": [\"mini\"]")

/* Without pins: one that must be there, one that need not. */
#define PARTIAL(profiles)                                                                          \
	"{\"schema\": \"bake.lock/1\", \"name\": \"n\", \"manifest_sha256\": \"" A64 "\", "        \
	"\"profiles\": {" profiles "}, \"unlocked\": {"                                            \
	"\"must\": {\"layer\": 2, \"required\": true, \"group\": \"out\"}, "                       \
	"\"may\": {\"layer\": 4, \"required\": false, \"default\": true, \"aliases\": "            \
	"[\"al\"]}}, "                                                                             \
	"\"models\": {" FOUR "}}"
#define LACKING	 PARTIAL("\"some\": [\"mini\"], \"more\": [\"al\"]")
#define OPTIONAL PARTIAL("\"default\": [\"mini\"]")

enum {
	MODELS = 4,
	NAMES_MAX = 4
};

/* chosen: a letter for each model, in the order base chat lora mini; '-' where it is not. */
static const struct select_row {
	const char *name;
	const char *lock;
	const char *names[NAMES_MAX];
	struct bake_select select;
	const char *chosen;
} selects[] = {
	{"nothing asked: the required ones", PLAIN, {NULL}, {.all = false}, "b--m"},
	{"nothing asked: the profile named default", USUAL, {NULL}, {.all = false}, "-cl-"},
	{"all", PLAIN, {NULL}, {.all = true}, "bclm"},
	{"those marked default", PLAIN, {NULL}, {.defaults = true}, "-c--"},
	{"by id", PLAIN, {"lora"}, {.all = false}, "--l-"},
	{"by alias", PLAIN, {"talk"}, {.all = false}, "-c--"},
	{"by id and alias, twice", PLAIN, {"talk", "chat", "mini"}, {.all = false}, "-c-m"},
	{"by profile", PLAIN, {NULL}, {.profile = "small"}, "---m"},
	{"by a profile with an alias", PLAIN, {NULL}, {.profile = "mixed"}, "bc--"},
	{"by an empty profile", PLAIN, {NULL}, {.profile = "none"}, "----"},
	{"by group", PLAIN, {NULL}, {.group = "edit"}, "b-l-"},
	{"ways add up", PLAIN, {"lora"}, {.profile = "small", .defaults = true}, "-clm"},
	{"group and profile", PLAIN, {NULL}, {.profile = "mixed", .group = "edit"}, "bcl-"},
	{"only one layer of the usual", PLAIN, {NULL}, {.layer = 3}, "---m"},
	{"only one layer of all", PLAIN, {NULL}, {.all = true, .layer = 1}, "b---"},
	{"a layer without models", PLAIN, {NULL}, {.all = true, .layer = 2}, "----"},
	{"another layer than that of the name", PLAIN, {"base"}, {.layer = 3}, "----"},
	{"partial: by id", LACKING, {"chat"}, {.all = false}, "-c--"},
	{"partial: by a profile that is whole", LACKING, {NULL}, {.profile = "some"}, "---m"},
	{"partial: the usual profile is whole", OPTIONAL, {NULL}, {.all = false}, "---m"},
	{"partial: a layer that is whole", LACKING, {NULL}, {.layer = 3}, "---m"},
	{"partial: all of a layer that is whole", LACKING, {NULL}, {.all = true, .layer = 1},
		"b---"},
	{"a profile that is not stale", STALE, {NULL}, {.profile = "other"}, "---m"},
};

static struct bake_lock *parse(const char *text)
{
	struct bake_lock *lock = NULL;
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(
		bake_lock_parse(bake_span_text(text), "l.json", &lock, &err), &err, BAKE_OK, NULL);
	assert_int_equal(lock->model_count, MODELS);
	return lock;
}

static struct bake_select with_names(struct bake_select select, const char *const *names)
{
	select.names = names;
	while (select.name_count < NAMES_MAX && names[select.name_count])
		select.name_count++;
	return select;
}

static void try_select(void **state)
{
	const struct select_row *row = *state;
	_cleanup_(bake_lock_free) struct bake_lock *lock = parse(row->lock);
	struct bake_select select = with_names(row->select, row->names);
	bool chosen[MODELS] = {true, true, true, true};
	struct bake_error err = BAKE_ERROR_INIT;
	char got[MODELS + 1] = "bclm";

	check_status(bake_select_models(lock, &select, chosen, &err), &err, BAKE_OK, NULL);
	for (size_t i = 0; i < MODELS; i++)
		got[i] = chosen[i] ? got[i] : '-';
	assert_string_equal(got, row->chosen);
}

static const struct refuse_row {
	const char *name;
	const char *lock;
	const char *names[NAMES_MAX];
	struct bake_select select;
	enum bake_status want;
	const char *id;
	const char *hint;
} refusals[] = {
	{"unknown model", PLAIN, {"zzzzzzz"}, {.all = false}, BAKE_ERR_USAGE, "usage.unknown-model",
		""},
	{"a slip", PLAIN, {"caht"}, {.all = false}, BAKE_ERR_USAGE, "usage.unknown-model",
		"\"chat\""},
	{"unknown behind a known one", PLAIN, {"chat", "basf"}, {.all = false}, BAKE_ERR_USAGE,
		"usage.unknown-model", "\"base\""},
	{"unknown though all are wanted", PLAIN, {"zzzzzzz"}, {.all = true}, BAKE_ERR_USAGE,
		"usage.unknown-model", ""},
	{"hostile name", PLAIN, {"\x1b[2J"}, {.all = false}, BAKE_ERR_USAGE, "usage.unknown-model",
		""},
	{"unknown profile", PLAIN, {NULL}, {.profile = "smal"}, BAKE_ERR_USAGE,
		"usage.unknown-profile", "\"small\""},
	{"unknown group", PLAIN, {NULL}, {.group = "zz"}, BAKE_ERR_USAGE, "usage.unknown-group",
		""},
	{"a profile names a model that the lock lacks", STALE, {NULL}, {.profile = "default"},
		BAKE_ERR_CONFIG, "lock.stale", "bake-lock"},
	{"partial: what is required is lacking", LACKING, {NULL}, {.all = false}, BAKE_ERR_CONFIG,
		"lock.partial", "bake-lock"},
	{"partial: all", OPTIONAL, {NULL}, {.all = true}, BAKE_ERR_CONFIG, "lock.partial",
		"bake-lock"},
	{"partial: those marked default", LACKING, {NULL}, {.defaults = true}, BAKE_ERR_CONFIG,
		"lock.partial", "bake-lock"},
	{"partial: by id", LACKING, {"may"}, {.all = false}, BAKE_ERR_CONFIG, "lock.partial",
		"bake-lock"},
	{"partial: by alias", LACKING, {"al"}, {.all = false}, BAKE_ERR_CONFIG, "lock.partial",
		"bake-lock"},
	{"partial: by profile", LACKING, {NULL}, {.profile = "more"}, BAKE_ERR_CONFIG,
		"lock.partial", "bake-lock"},
	{"partial: by group", LACKING, {NULL}, {.group = "out"}, BAKE_ERR_CONFIG, "lock.partial",
		"bake-lock"},
	{"partial: its layer", LACKING, {NULL}, {.layer = 2}, BAKE_ERR_CONFIG, "lock.partial",
		"bake-lock"},
	{"so does the usual one", STALE, {NULL}, {.all = false}, BAKE_ERR_CONFIG, "lock.stale",
		"bake-lock"},
};

static void try_refusal(void **state)
{
	const struct refuse_row *row = *state;
	_cleanup_(bake_lock_free) struct bake_lock *lock = parse(row->lock);
	struct bake_select select = with_names(row->select, row->names);
	bool chosen[MODELS];
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_select_models(lock, &select, chosen, &err), &err, row->want, row->id);
	assert_non_null(strstr(err.hint, row->hint));
	if (!row->hint[0])
		assert_string_equal(err.hint, "");
}

/* A slice does not know the groups of other layers. */
static void a_slice_may_lack_a_group(void)
{
	_cleanup_(bake_lock_free) struct bake_lock *lock = parse(
		"{\"schema\": \"bake.lock/1\", \"name\": \"n\", \"slice\": 3, \"models\": {" FOUR
		"}}");
	struct bake_select select = {.group = "elsewhere"};
	bool chosen[MODELS] = {true, true, true, true};
	struct bake_error err = BAKE_ERROR_INIT;

	check_status(bake_select_models(lock, &select, chosen, &err), &err, BAKE_OK, NULL);
	for (size_t i = 0; i < MODELS; i++)
		assert_false(chosen[i]);
}

static const struct scenario others[] = {
	{"a slice may lack a group", a_slice_may_lack_a_group},
};

int main(void)
{
	static const struct rows tables[] = {
		ROWS(selects, try_select),
		ROWS(refusals, try_refusal),
		ROWS(others, play_scenario),
	};

	return run_rows("manifest/select", tables, countof(tables));
}
