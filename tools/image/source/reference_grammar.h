// SPDX-License-Identifier: MIT
//
// For tests: the grammar of image names as github.com/distribution/reference writes it down, in
// regular expressions, and a walk over names that are made of its letters.
#pragma once

#include <ctype.h>
#include <regex.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GRAMMAR_LABEL "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?"
#define GRAMMAR_HOST "(\\[[a-fA-F0-9:]+\\]|" GRAMMAR_LABEL "(\\." GRAMMAR_LABEL ")*)(:[0-9]+)?"
#define GRAMMAR_PART "[a-z0-9]+((\\.|_|__|-+)[a-z0-9]+)*"
#define GRAMMAR_TAG "[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
#define GRAMMAR_DIGEST "sha256:[0-9a-f]{64}"
#define GRAMMAR                                                                \
	"^" GRAMMAR_HOST "/" GRAMMAR_PART "(/" GRAMMAR_PART ")*(:" GRAMMAR_TAG \
	")?(@" GRAMMAR_DIGEST ")?$"
#define GRAMMAR_LETTERS "aA1.-_/:@[]"
#define GRAMMAR_SOME_DIGEST \
	"@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GRAMMAR_SHORT 5       // all names up to this length
#define GRAMMAR_LONG 16       // and some up to that
#define GRAMMAR_SOME 100000u  // so many

// Whether a name, which is no pattern, has a host (docker's splitDockerDomain).
static bool grammar_has_host(const char *name)
{
	size_t first = strcspn(name, "/");

	if (name[first] == '\0')
		return false;
	for (size_t i = 0; i < first; i++)
		if (name[i] == '.' || name[i] == ':' || isupper((unsigned char)name[i]))
			return true;
	return first == 9 && strncmp(name, "localhost", 9) == 0;
}

static bool grammar_takes(const regex_t *grammar, const char *name)
{
	char whole[512];

	snprintf(whole, sizeof(whole), "%s%s", grammar_has_host(name) ? "" : "docker.io/", name);
	return regexec(grammar, whole, 0, NULL, 0) == 0;
}

// Calls `takes` for names, and returns the first one about which it and the grammar differ; NULL:
// there is none. The caller frees it.
static char *grammar_walk(bool (*takes)(const char *name))
{
	static const char letters[] = GRAMMAR_LETTERS;
	const unsigned count = sizeof(letters) - 1;
	regex_t grammar;
	uint64_t number = 0, random = 1;
	char *found = NULL;

	if (regcomp(&grammar, GRAMMAR, REG_EXTENDED | REG_NOSUB) != 0)
		abort();
	for (uint64_t all = 0, end = 1; all <= GRAMMAR_SHORT; all++, end *= count)
		number = end * count;
	for (uint64_t i = 0; i < number + GRAMMAR_SOME && !found; i++) {
		char name[GRAMMAR_LONG + sizeof(GRAMMAR_SOME_DIGEST)];
		size_t length = 0;

		random = random * 6364136223846793005u + 1442695040888963407u;
		if (i < number) {
			for (uint64_t rest = i; rest > 0; rest = (rest - 1) / count)
				name[length++] = letters[(rest - 1) % count];
		} else {
			for (uint64_t rest = random >> 8; length < random % GRAMMAR_LONG;
			     rest = rest / count + random)
				name[length++] = letters[rest % count];
		}
		name[length] = '\0';
		if (i % 2 == 1)
			strcat(name, GRAMMAR_SOME_DIGEST);
		if (takes(name) != grammar_takes(&grammar, name))
			found = strdup(name);
	}
	regfree(&grammar);
	return found;
}
