/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/answer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PIECE_BYTES = 65536,
	LINE_MAX_BYTES = 8192,
};

static uint64_t total(const struct answer *answer)
{
	return answer->content ? answer->content->size : 0;
}

static uint64_t last(const struct answer *answer)
{
	uint64_t end = total(answer);

	return answer->asked.last < end ? answer->asked.last : end ? end - 1 : 0;
}

static uint64_t count(const struct answer *answer)
{
	return last(answer) < answer->asked.first ? 0 : last(answer) - answer->asked.first + 1;
}

static bool name_is(const char *name, size_t len, const char *wanted)
{
	return strlen(wanted) == len && memcmp(name, wanted, len) == 0;
}

/* What stands between braces. */
static uint64_t value_of(const struct answer *answer, const char *text)
{
	size_t len = strcspn(text, "+-}");
	const char *more = text + len + (text[len] != '\0');
	uint64_t value = 0;
	uint64_t change = 0;

	if (name_is(text, len, "first"))
		value = answer->asked.first;
	else if (name_is(text, len, "last"))
		value = last(answer);
	else if (name_is(text, len, "count"))
		value = count(answer);
	else if (name_is(text, len, "total"))
		value = total(answer);
	else if (name_is(text, len, "nth"))
		value = answer->nth;
	if (text[len] == '}' || text[len] == '\0')
		return value;
	(void)script_number(&more, &change);
	return text[len] == '+' ? value + change : value - change;
}

/* The text with its braces filled in. */
static void fill(const struct answer *answer, const char *text, char out[LINE_MAX_BYTES])
{
	size_t len = 0;

	while (*text && len < LINE_MAX_BYTES - 32) {
		const char *close = *text == '{' ? strchr(text, '}') : NULL;

		if (close) {
			len += (size_t)snprintf(
				out + len, 32, "%" PRIu64, value_of(answer, text + 1));
			text = close + 1;
		} else {
			out[len++] = *text++;
		}
	}
	out[len] = '\0';
}

static int hex_digit(char c)
{
	const char *digits = "0123456789ABCDEF";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static void put(struct answer *answer, const char *text)
{
	peer_write(answer->peer, text, strlen(text));
}

static void put_content(struct answer *answer, uint64_t from, uint64_t bytes)
{
	uint8_t piece[PIECE_BYTES];

	if (answer->asked.head)
		return;
	while (bytes > 0 && !answer->peer->broken) {
		size_t part = bytes < sizeof(piece) ? (size_t)bytes : sizeof(piece);

		if (answer->peer->rate && part > 4096)
			part = 4096; /* so that what is counted as sent is */
		content_read(answer->content, from, piece, part);
		if (answer->flip >= from && answer->flip - from < part)
			piece[answer->flip - from] ^= 1;
		peer_write(answer->peer, piece, part);
		if (!answer->peer->broken)
			answer->peer->sent += part;
		from += part;
		bytes -= part;
	}
}

static bool two_numbers(const char *text, uint64_t *first, uint64_t *second)
{
	if (!script_number(&text, first) || *text++ != ' ')
		return false;
	return script_number(&text, second);
}

static void do_status(struct answer *answer, const char *text)
{
	char line[64];
	uint64_t code = 0;

	(void)script_number(&text, &code);
	answer->status = (int)code;
	(void)snprintf(line, sizeof(line), "HTTP/1.1 %d Status\r\n", answer->status);
	put(answer, line);
}

static void do_header(struct answer *answer, const char *text)
{
	put(answer, text);
	put(answer, "\r\n");
}

static void do_junk(struct answer *answer, const char *text)
{
	uint64_t lines = 0;
	uint64_t len = 0;
	char *line;

	(void)two_numbers(text, &lines, &len);
	line = malloc(len + 3);
	if (!line)
		abort();
	memset(line, 'x', len);
	memcpy(line, "X-J: ", len < 5 ? len : 5);
	memcpy(line + len, "\r\n", 3);
	while (lines-- > 0 && !answer->peer->broken)
		peer_write(answer->peer, line, len + 2);
	free(line);
}

static void do_end(struct answer *answer, const char *text)
{
	(void)text;
	put(answer, "\r\n");
}

static void do_body(struct answer *answer, const char *text)
{
	uint64_t from = 0;
	uint64_t bytes = 0;

	(void)two_numbers(text, &from, &bytes);
	put_content(answer, from, bytes);
}

static void do_chunk(struct answer *answer, const char *text)
{
	char size[32];
	uint64_t from = 0;
	uint64_t bytes = 0;

	(void)two_numbers(text, &from, &bytes);
	(void)snprintf(size, sizeof(size), "%" PRIx64 "\r\n", bytes);
	put(answer, size);
	put_content(answer, from, bytes);
	put(answer, "\r\n");
}

static void do_text(struct answer *answer, const char *text)
{
	char out[LINE_MAX_BYTES];
	size_t len = 0;

	while (*text) {
		int high = *text == '%' ? hex_digit(text[1]) : -1;
		int low = high >= 0 ? hex_digit(text[2]) : -1;

		out[len++] = low >= 0 ? (char)(high * 16 + low) : *text;
		text += low >= 0 ? 3 : 1;
	}
	peer_write(answer->peer, out, len);
	answer->peer->sent += len;
}

static void do_zeros(struct answer *answer, const char *text)
{
	static const uint8_t zeros[PIECE_BYTES];
	uint64_t bytes = 0;

	(void)script_number(&text, &bytes);
	while (bytes > 0 && !answer->peer->broken) {
		size_t part = bytes < sizeof(zeros) ? (size_t)bytes : sizeof(zeros);

		peer_write(answer->peer, zeros, part);
		answer->peer->sent += part;
		bytes -= part;
	}
}

static void do_flip(struct answer *answer, const char *text)
{
	(void)script_number(&text, &answer->flip);
}

static void do_rate(struct answer *answer, const char *text)
{
	uint64_t rate = 0;

	(void)script_number(&text, &rate);
	peer_rate(answer->peer, rate);
}

static void do_sleep(struct answer *answer, const char *text)
{
	uint64_t ms = 0;

	(void)answer;
	(void)script_number(&text, &ms);
	pause_ms(ms);
}

static void do_gate(struct answer *answer, const char *text)
{
	(void)answer;
	script_wait_gate(text);
}

static void do_stall(struct answer *answer, const char *text)
{
	(void)text;
	peer_wait(answer->peer);
}

static void do_rst(struct answer *answer, const char *text)
{
	(void)text;
	/* What was sent before is to arrive: the reset would overtake it. */
	pause_ms(50);
	peer_reset(answer->peer);
}

static void do_close(struct answer *answer, const char *text)
{
	(void)text;
	answer->closing = true;
}

/* What a good server answers to this request. */
static void do_good(struct answer *answer, const char *text)
{
	char line[LINE_MAX_BYTES];
	bool beyond = answer->asked.ranged && answer->asked.first >= total(answer);

	do_status(answer, beyond ? "416" : answer->asked.ranged ? "206" : "200");
	if (beyond)
		(void)snprintf(line, sizeof(line),
			"Content-Range: bytes */%" PRIu64 "\r\nContent-Length: 0\r\n",
			total(answer));
	else if (answer->asked.ranged)
		(void)snprintf(line, sizeof(line),
			"Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64
			"\r\nContent-Length: %" PRIu64 "\r\n",
			answer->asked.first, last(answer), total(answer), count(answer));
	else
		(void)snprintf(
			line, sizeof(line), "Content-Length: %" PRIu64 "\r\n", count(answer));
	put(answer, line);
	if (*text) {
		(void)snprintf(line, sizeof(line), "ETag: %s\r\n", text);
		put(answer, line);
	}
	put(answer, "Accept-Ranges: bytes\r\n\r\n");
	if (!beyond)
		put_content(answer, answer->asked.first, count(answer));
}

static const struct {
	const char *name;
	void (*run)(struct answer *answer, const char *text);
} steps[] = {
	{"good", do_good},
	{"status", do_status},
	{"header", do_header},
	{"junk", do_junk},
	{"end", do_end},
	{"body", do_body},
	{"chunk", do_chunk},
	{"text", do_text},
	{"zeros", do_zeros},
	{"flip", do_flip},
	{"rate", do_rate},
	{"sleep", do_sleep},
	{"gate", do_gate},
	{"stall", do_stall},
	{"rst", do_rst},
	{"close", do_close},
};

static void run_step(struct answer *answer, const char *step)
{
	char line[LINE_MAX_BYTES];
	size_t len;

	fill(answer, step, line);
	len = strcspn(line, " ");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (name_is(line, len, steps[i].name)) {
			steps[i].run(answer, line + len + (line[len] == ' '));
			return;
		}
	}
	(void)fprintf(stderr, "faultserver: no such step: %s\n", line);
	abort();
}

void answer_by(struct answer *answer, const struct rule *rule)
{
	for (size_t i = 0; i < rule->step_count && !answer->peer->broken; i++)
		run_step(answer, rule->steps[i]);
}

void answer_not_found(struct answer *answer)
{
	do_status(answer, "404");
	put(answer, "Content-Length: 0\r\n\r\n");
}
