/* SPDX-License-Identifier: Apache-2.0 */
/* Carries out the steps of a rule. */
#ifndef HOSTILE_ANSWER_H
#define HOSTILE_ANSWER_H

#include "hostile/peer.h"
#include "hostile/script.h"

struct asked {
	bool head; /* HEAD: no body */
	bool ranged;
	uint64_t first;
	uint64_t last; /* UINT64_MAX: to the end */
};

struct answer {
	struct peer *peer;
	const struct content *content;
	struct asked asked;
	uint64_t nth;
	uint64_t flip; /* UINT64_MAX: none */
	int status;
	bool closing;
};

/* Answers by a rule. */
void answer_by(struct answer *answer, const struct rule *rule);

/* Answers what no rule is for. */
void answer_not_found(struct answer *answer);

#endif
