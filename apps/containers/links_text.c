// SPDX-License-Identifier: MIT
#include "apps/containers/links_text.h"

#include "libs/base/string.h"

static bool is_word(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9');

		if (!is_letter && (i == 0 || (c != '_' && c != '.' && c != '-')))
			return false;
	}
	return len > 0 && len < LINK_NAME_MAX;
}

bool link_read(const char *text, char target[static LINK_NAME_MAX],
               char alias[static LINK_NAME_MAX])
{
	const char *from = text[0] == '/' ? text + 1 : text, *colon = strchr(from, ':'), *to;
	size_t len = colon != NULL ? (size_t)(colon - from) : strlen(from);

	if (!is_word(from, len))
		return false;
	memcpy(target, from, len);
	target[len] = '\0';
	to = colon != NULL ? colon + 1 : target;
	if (to[0] == '/') {
		to = strchr(to + 1, '/');
		if (to == NULL)
			return false;
		to++;
	}
	if (!is_word(to, strlen(to)))
		return false;
	str_copy(alias, to, LINK_NAME_MAX);
	return true;
}

void link_prefix(const char *alias, char out[static LINK_NAME_MAX])
{
	size_t i = 0;

	for (; i < LINK_NAME_MAX - 1 && alias[i] != '\0'; i++) {
		char c = alias[i];

		out[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c == '-' ? '_' : c;
	}
	out[i] = '\0';
}
