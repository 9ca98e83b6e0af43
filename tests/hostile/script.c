/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/script.h"

#include <ctype.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct gate {
	char *name;
	struct gate *next;
};

enum {
	WORD_MAX = 4096
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t opened = PTHREAD_COND_INITIALIZER;
static struct content *contents;
static struct rule *rules;
static struct rule **last_rule = &rules;
static struct rule *building;
static struct gate *gates;

static void *zeroed(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		abort();
	return memory;
}

static char *copy(const char *text)
{
	char *twin = strdup(text);

	if (!twin)
		abort();
	return twin;
}

bool script_number(const char **text, uint64_t *out)
{
	const char *at = *text;
	uint64_t number = 0;

	while (isdigit((unsigned char)*at))
		number = number * 10 + (uint64_t)(*at++ - '0');
	if (at == *text)
		return false;
	*text = at;
	*out = number;
	return true;
}

/* The next word of a line, cut off at WORD_MAX. False at the end. */
static bool word(const char **line, char out[WORD_MAX])
{
	const char *at = *line + strspn(*line, " ");
	size_t len = strcspn(at, " ");

	*line = at + len;
	if (len == 0 || len >= WORD_MAX)
		return false;
	memcpy(out, at, len);
	out[len] = '\0';
	return true;
}

static bool number(const char **line, uint64_t *out)
{
	*line += strspn(*line, " ");
	return script_number(line, out);
}

static bool signed_number(const char **line, long *out)
{
	uint64_t value;
	bool minus;

	*line += strspn(*line, " ");
	minus = **line == '-';
	*line += minus;
	if (!script_number(line, &value))
		return false;
	*out = minus ? -(long)value : (long)value;
	return true;
}

static const char *map_file(struct content *content, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *bytes;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0)
		return "cannot read the content";
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (bytes == MAP_FAILED)
		return "cannot map the content";
	content->bytes = bytes;
	content->size = (uint64_t)st.st_size;
	return NULL;
}

static const char *take_content(const char *line)
{
	struct content *content = zeroed(sizeof(*content));
	char name[WORD_MAX];
	char kind[WORD_MAX];
	const char *wrong = NULL;

	if (!word(&line, name) || !word(&line, kind))
		return "content NAME KIND ...";
	content->name = copy(name);
	if (strcmp(kind, "file") == 0)
		wrong = map_file(content, line + strspn(line, " "));
	else if (!number(&line, &content->seed) || !number(&line, &content->size))
		wrong = "content NAME pattern SEED SIZE";
	if (wrong)
		return wrong;
	(void)pthread_mutex_lock(&lock);
	content->next = contents;
	contents = content;
	(void)pthread_mutex_unlock(&lock);
	return NULL;
}

static const struct content *find_content(const char *name)
{
	for (const struct content *content = contents; content; content = content->next) {
		if (strcmp(content->name, name) == 0)
			return content;
	}
	return NULL;
}

static const char *take_rule(const char *line)
{
	struct rule *rule = zeroed(sizeof(*rule));
	char listener[WORD_MAX];
	char name[WORD_MAX];

	if (!word(&line, listener) || !word(&line, name) || !signed_number(&line, &rule->times) ||
		!signed_number(&line, &rule->skip) || !number(&line, &rule->from))
		return "rule LISTENER CONTENT TIMES SKIP FROM PATTERN";
	rule->listener = copy(listener);
	rule->pattern = copy(line + strspn(line, " "));
	rule->content = find_content(name);
	if (!rule->content && strcmp(name, "-") != 0)
		return "no such content";
	building = rule;
	return NULL;
}

static const char *take_step(const char *line)
{
	char **steps;

	if (!building)
		return "a step without a rule";
	steps = realloc(building->steps, (building->step_count + 1) * sizeof(*steps));
	if (!steps)
		abort();
	building->steps = steps;
	building->steps[building->step_count++] = copy(line);
	return NULL;
}

/* A rule counts from when it is complete. */
static const char *take_done(const char *line)
{
	(void)line;
	if (!building)
		return "no rule to add";
	(void)pthread_mutex_lock(&lock);
	*last_rule = building;
	last_rule = &building->next;
	(void)pthread_mutex_unlock(&lock);
	building = NULL;
	return NULL;
}

/* Connections may still carry the rules out: they are left where they are. */
static const char *take_clear(const char *line)
{
	(void)line;
	(void)pthread_mutex_lock(&lock);
	rules = NULL;
	last_rule = &rules;
	(void)pthread_mutex_unlock(&lock);
	return NULL;
}

static const char *take_open(const char *line)
{
	struct gate *gate = zeroed(sizeof(*gate));

	gate->name = copy(line + strspn(line, " "));
	(void)pthread_mutex_lock(&lock);
	gate->next = gates;
	gates = gate;
	(void)pthread_cond_broadcast(&opened);
	(void)pthread_mutex_unlock(&lock);
	return NULL;
}

static const struct {
	const char *name;
	const char *(*take)(const char *line);
} commands[] = {
	{"content", take_content},
	{"rule", take_rule},
	{"done", take_done},
	{"clear", take_clear},
	{"open", take_open},
};

const char *script_take(const char *line)
{
	char name[WORD_MAX];

	if (*line == '\t')
		return take_step(line + 1);
	if (!word(&line, name))
		return "no command";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return commands[i].take(line);
	}
	return "no such command";
}

static bool applies(
	const struct rule *rule, const char *listener, const char *request, uint64_t first)
{
	return rule->times != 0 && first >= rule->from && strstr(request, rule->pattern) &&
	       (strcmp(rule->listener, "*") == 0 || strcmp(rule->listener, listener) == 0);
}

const struct rule *script_find(
	const char *listener, const char *request, uint64_t first, uint64_t *out_nth)
{
	struct rule *rule;

	(void)pthread_mutex_lock(&lock);
	for (rule = rules; rule; rule = rule->next) {
		if (!applies(rule, listener, request, first))
			continue;
		if (rule->skip == 0)
			break;
		rule->skip--;
	}
	if (rule) {
		if (rule->times > 0)
			rule->times--;
		*out_nth = rule->taken++;
	}
	(void)pthread_mutex_unlock(&lock);
	return rule;
}

static bool is_open(const char *name)
{
	for (const struct gate *gate = gates; gate; gate = gate->next) {
		if (strcmp(gate->name, name) == 0)
			return true;
	}
	return false;
}

void script_wait_gate(const char *name)
{
	(void)pthread_mutex_lock(&lock);
	while (!is_open(name))
		(void)pthread_cond_wait(&opened, &lock);
	(void)pthread_mutex_unlock(&lock);
}

/* Eight bytes of a pattern: a mix of where they are, so that any part can be made alone. */
static uint64_t mixed(uint64_t seed, uint64_t index)
{
	uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void content_read(const struct content *content, uint64_t offset, uint8_t *bytes, size_t count)
{
	memset(bytes, 0, count);
	if (!content || offset >= content->size)
		return;
	if (count > content->size - offset)
		count = (size_t)(content->size - offset);
	if (content->bytes) {
		memcpy(bytes, content->bytes + offset, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		uint64_t at = offset + i;

		bytes[i] = (uint8_t)(mixed(content->seed, at / 8) >> (at % 8 * 8));
	}
}
