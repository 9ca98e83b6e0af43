/* SPDX-License-Identifier: Apache-2.0 */
#include "format/pickle_code.h"

#include <string.h>

enum {
	MARKS_MAX = 64, /* deeper nesting is not followed: what was seen till then decides */
	LINE_MAX_BYTES = 4096,
	PROTO = 0x80,
	PROTO_MAX = 5,
	STOP = '.',
	MARK = '('
};

/* What follows an instruction's byte. */
enum argument {
	UNKNOWN = 0, /* no instruction */
	PLAIN,	     /* nothing */
	BYTES1,
	BYTES2,
	BYTES4,
	BYTES8,
	COUNTED1, /* a length of one byte, and as many bytes */
	COUNTED4,
	COUNTED8,
	NUMBER, /* a line that is a number */
	TEXT,	/* a line */
	NAMES,	/* two lines: module and name */
	VERSION,
	FRAME, /* a length of eight bytes that only announces */
};

struct instruction {
	uint8_t argument; /* enum argument */
	uint8_t takes;	  /* values it needs on the stack */
	uint8_t gives;
	bool to_mark; /* it takes all down to the last mark, then the others */
	bool imports;
};

static const struct instruction instructions[256] = {
	[MARK] = {PLAIN, 0, 0, false, false},
	[STOP] = {PLAIN, 1, 0, false, false},
	['0'] = {PLAIN, 0, 0, false, false}, /* POP: of a value or a mark, see below */
	['1'] = {PLAIN, 0, 0, true, false},
	['2'] = {PLAIN, 1, 2, false, false},
	['F'] = {NUMBER, 0, 1, false, false},
	['I'] = {NUMBER, 0, 1, false, false},
	['J'] = {BYTES4, 0, 1, false, false},
	['K'] = {BYTES1, 0, 1, false, false},
	['L'] = {NUMBER, 0, 1, false, false},
	['M'] = {BYTES2, 0, 1, false, false},
	['N'] = {PLAIN, 0, 1, false, false},
	['P'] = {TEXT, 0, 1, false, true},
	['Q'] = {PLAIN, 1, 1, false, true},
	['R'] = {PLAIN, 2, 1, false, false},
	['S'] = {TEXT, 0, 1, false, false},
	['T'] = {COUNTED4, 0, 1, false, false},
	['U'] = {COUNTED1, 0, 1, false, false},
	['V'] = {TEXT, 0, 1, false, false},
	['X'] = {COUNTED4, 0, 1, false, false},
	['B'] = {COUNTED4, 0, 1, false, false},
	['C'] = {COUNTED1, 0, 1, false, false},
	['G'] = {BYTES8, 0, 1, false, false},
	['a'] = {PLAIN, 2, 1, false, false},
	['b'] = {PLAIN, 2, 1, false, false},
	['c'] = {NAMES, 0, 1, false, true},
	['d'] = {PLAIN, 0, 1, true, false},
	['}'] = {PLAIN, 0, 1, false, false},
	['e'] = {PLAIN, 1, 1, true, false},
	['g'] = {NUMBER, 0, 1, false, false},
	['h'] = {BYTES1, 0, 1, false, false},
	['i'] = {NAMES, 0, 1, true, true},
	['j'] = {BYTES4, 0, 1, false, false},
	['l'] = {PLAIN, 0, 1, true, false},
	[']'] = {PLAIN, 0, 1, false, false},
	['o'] = {PLAIN, 0, 1, true, false},
	['p'] = {NUMBER, 1, 1, false, false},
	['q'] = {BYTES1, 1, 1, false, false},
	['r'] = {BYTES4, 1, 1, false, false},
	['s'] = {PLAIN, 3, 1, false, false},
	['t'] = {PLAIN, 0, 1, true, false},
	[')'] = {PLAIN, 0, 1, false, false},
	['u'] = {PLAIN, 1, 1, true, false},
	[PROTO] = {VERSION, 0, 0, false, false},
	[0x81] = {PLAIN, 2, 1, false, false},
	[0x82] = {BYTES1, 0, 1, false, true},
	[0x83] = {BYTES2, 0, 1, false, true},
	[0x84] = {BYTES4, 0, 1, false, true},
	[0x85] = {PLAIN, 1, 1, false, false},
	[0x86] = {PLAIN, 2, 1, false, false},
	[0x87] = {PLAIN, 3, 1, false, false},
	[0x88] = {PLAIN, 0, 1, false, false},
	[0x89] = {PLAIN, 0, 1, false, false},
	[0x8a] = {COUNTED1, 0, 1, false, false},
	[0x8b] = {COUNTED4, 0, 1, false, false},
	[0x8c] = {COUNTED1, 0, 1, false, false},
	[0x8d] = {COUNTED8, 0, 1, false, false},
	[0x8e] = {COUNTED8, 0, 1, false, false},
	[0x8f] = {PLAIN, 0, 1, false, false},
	[0x90] = {PLAIN, 1, 1, true, false},
	[0x91] = {PLAIN, 0, 1, true, false},
	[0x92] = {PLAIN, 3, 1, false, false},
	[0x93] = {PLAIN, 2, 1, false, true},
	[0x94] = {PLAIN, 1, 1, false, false},
	[0x95] = {FRAME, 0, 0, false, false},
	[0x96] = {COUNTED8, 0, 1, false, false},
	[0x97] = {PLAIN, 0, 1, false, false},
	[0x98] = {PLAIN, 1, 1, false, false},
};

struct walking {
	struct bake_span head;
	uint64_t size;
	uint64_t at;
	uint64_t depth;		   /* values above the last mark */
	uint64_t below[MARKS_MAX]; /* and above each one under it */
	unsigned marks;
	bool cut; /* the bytes ended within an argument */
};

/* Passes count bytes of an argument. False when the file itself has fewer. */
static bool pass(struct walking *walking, uint64_t count)
{
	if (count > walking->size || walking->at > walking->size - count)
		return false;
	walking->at += count;
	walking->cut = walking->cut || walking->at > walking->head.len;
	return true;
}

static uint64_t little(const uint8_t *at, size_t len)
{
	uint64_t value = 0;

	while (len-- > 0)
		value = value << 8 | at[len];
	return value;
}

/* An argument whose length stands in front of it in len bytes. */
static bool pass_counted(struct walking *walking, size_t len, bool announced)
{
	uint64_t begin = walking->at;
	uint64_t count;

	if (!pass(walking, len))
		return false;
	if (walking->cut)
		return true;
	count = little(walking->head.ptr + begin, len);
	if (announced)
		return count <= walking->size - walking->at;
	return pass(walking, count);
}

static bool is_number_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c && strchr("+-.eELxXaAfFnNiI", c));
}

/* Module paths and names as an import takes them; non-ASCII ones are as good. */
static bool is_name_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_' || c == '.' || c == '<' || c == '>' || c >= 0x80;
}

static bool pass_line(struct walking *walking, bool (*fits)(uint8_t c))
{
	uint64_t begin = walking->at;

	for (; walking->at < walking->head.len; walking->at++) {
		uint8_t c = walking->head.ptr[walking->at];

		if (walking->at - begin > LINE_MAX_BYTES)
			return false;
		if (c == '\n')
			break;
		if (fits && c != '\r' && !fits(c))
			return false;
	}
	walking->cut = walking->cut || walking->at == walking->head.len;
	if (fits && !walking->cut && walking->at == begin)
		return false; /* neither a number nor a name is empty */
	walking->at++;
	return walking->cut || walking->at <= walking->size;
}

static bool pass_argument(struct walking *walking, enum argument argument)
{
	static const uint8_t widths[] = {
		[BYTES1] = 1,
		[BYTES2] = 2,
		[BYTES4] = 4,
		[BYTES8] = 8,
		[COUNTED1] = 1,
		[COUNTED4] = 4,
		[COUNTED8] = 8,
	};

	switch (argument) {
	case PLAIN:
		return true;
	case BYTES1:
	case BYTES2:
	case BYTES4:
	case BYTES8:
		return pass(walking, widths[argument]);
	case COUNTED1:
	case COUNTED4:
	case COUNTED8:
		return pass_counted(walking, widths[argument], false);
	case FRAME:
		return pass_counted(walking, 8, true);
	case NUMBER:
		return pass_line(walking, is_number_byte);
	case TEXT:
		return pass_line(walking, NULL);
	case NAMES:
		return pass_line(walking, is_name_byte) &&
		       (walking->cut || pass_line(walking, is_name_byte));
	case VERSION:
		return walking->at < walking->head.len
			       ? walking->head.ptr[walking->at++] <= PROTO_MAX
			       : (walking->cut = true);
	case UNKNOWN:
	default:
		return false;
	}
}

static bool pop_mark(struct walking *walking)
{
	if (!walking->marks)
		return false;
	walking->depth = walking->below[--walking->marks];
	return true;
}

/* What the instruction does to the stack; false when that has too little for it. */
static bool move_stack(struct walking *walking, uint8_t code)
{
	const struct instruction *what = &instructions[code];

	if (code == '0') {
		if (!walking->depth)
			return pop_mark(walking);
		walking->depth--;
		return true;
	}
	if (what->to_mark && !pop_mark(walking))
		return false;
	if (walking->depth < what->takes)
		return false;
	walking->depth += what->gives;
	walking->depth -= what->takes;
	if (code == MARK) {
		walking->below[walking->marks++] = walking->depth;
		walking->depth = 0;
	}
	return true;
}

struct bake_pickle_walk bake_pickle_walk(struct bake_span head, uint64_t size)
{
	struct walking walking = {.head = head, .size = size};
	struct bake_pickle_walk walk = {.valid = true};

	while (walking.at < head.len && walking.marks < MARKS_MAX) {
		uint8_t code = head.ptr[walking.at++];
		const struct instruction *what = &instructions[code];

		walk.valid = pass_argument(&walking, (enum argument)what->argument) &&
			     move_stack(&walking, code);
		if (!walk.valid)
			return walk;
		walk.count++;
		walk.imports = walk.imports || what->imports;
		walk.stopped = code == STOP;
		if (walk.stopped || walking.cut)
			return walk;
	}
	return walk;
}
