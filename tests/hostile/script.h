/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fault server was told: contents to send, and rules that say how to answer.
 *
 *     content NAME pattern SEED SIZE
 *     content NAME file PATH
 *     rule LISTENER CONTENT TIMES SKIP FROM PATTERN
 *     	STEP
 *     	...
 *     done
 *     clear
 *     open GATE
 *
 * A rule applies to a request when it comes to LISTENER ("*": any), PATTERN is in "METHOD PATH" and
 * the first byte asked for is at or behind FROM. SKIP such requests are let
 * through to the rules below, TIMES (-1: all) are answered by the rule's steps. The first rule
 * that applies is taken.
 *
 * Steps, in which {first}, {last}, {count} (of the range asked for), {total} (of the content) and
 * {nth} (request of this rule, from 0) stand for numbers, also as {first+1} or {total-5}:
 *
 *     good [ETAG]        the whole answer of a well-behaved server
 *     status CODE        the status line
 *     header TEXT        a header line
 *     junk COUNT LENGTH  COUNT header lines of LENGTH bytes
 *     end                the blank line behind the headers
 *     body FROM COUNT    bytes of the content
 *     chunk FROM COUNT   the same, as a chunk
 *     text TEXT          this text, where %0D stands for a carriage return
 *     zeros COUNT        bytes of zero
 *     flip AT            the bit 0 of the content's byte AT is sent turned from here on
 *     rate N             from here on, N bytes a second
 *     sleep MS
 *     gate NAME          wait until the gate is opened by the command
 *     stall              say nothing more until the client has gone
 *     rst                break the connection
 *     close              end it; otherwise it is kept for the next request
 */
#ifndef HOSTILE_SCRIPT_H
#define HOSTILE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct content {
	char *name;
	const uint8_t *bytes; /* of a file; NULL: a pattern */
	uint64_t seed;
	uint64_t size;
	struct content *next;
};

struct rule {
	char *listener;
	char *pattern;
	const struct content *content; /* NULL: none */
	long times;
	long skip;
	uint64_t from;
	uint64_t taken;
	char **steps;
	size_t step_count;
	struct rule *next;
};

/* One command, or one step when it begins with a tab. NULL, or what is wrong with it. */
const char *script_take(const char *line);

/* The rule for a request, which counts as taken, with *out_nth; NULL when there is none. A rule is
 * never freed. first is the first byte that is asked for. */
const struct rule *script_find(
	const char *listener, const char *request, uint64_t first, uint64_t *out_nth);

/* Waits until a gate is open. */
void script_wait_gate(const char *name);

/* Bytes of a content. Behind its end there are zeros. */
void content_read(const struct content *content, uint64_t offset, uint8_t *bytes, size_t count);

/* A decimal number, and where it ends. False when there is none. */
bool script_number(const char **text, uint64_t *out);

#endif
