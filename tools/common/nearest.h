// SPDX-License-Identifier: MIT
//
// Which of some words a mistyped one is most like, for "did you mean".
#pragma once

#define NEAREST_MAX_LENGTH 48  // longer words are like nothing

struct nearest {
	const char *typed;
	unsigned distance;  // of `word`
	const char *word;  // NULL: none is like it
};

// Nothing was offered yet.
struct nearest nearest_begin(const char *typed);

// Takes `word` if it is more like what was typed than all before: letters that are missing, too
// many, other ones or exchanged with their neighbour, one in three at most.
void nearest_offer(struct nearest *nearest, const char *word);
