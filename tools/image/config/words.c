// SPDX-License-Identifier: MIT
#include "tools/image/config/words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static json_t *words_from_json(const char *text, struct error *err)
{
	json_error_t json_error;
	json_t *array = json_loads(text, 0, &json_error);
	json_t *item;
	size_t i;

	if (!array) {
		error_set(err, "it is not a valid JSON array: %s", json_error.text);
		return NULL;
	}
	json_array_foreach(array, i, item)
	{
		if (!json_is_string(item)) {
			error_set(err, "its JSON array must hold strings only");
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

// Copies one word from `*text` to `word` without its quoting. Returns false for a quote without
// end.
static bool word_take(const char **text, char *word)
{
	const char *in = *text;
	char quote = '\0';

	for (; *in && (quote || !strchr(" \t\n", *in)); in++) {
		if (*in == '\\' && in[1] && quote != '\'' &&
		    (!quote || in[1] == '"' || in[1] == '\\' || in[1] == '$' || in[1] == '`'))
			*word++ = *++in;
		else if (quote && *in == quote)
			quote = '\0';
		else if (!quote && (*in == '"' || *in == '\''))
			quote = *in;
		else
			*word++ = *in;
	}
	*word = '\0';
	*text = in;
	return !quote;
}

json_t *words_split(const char *text, struct error *err)
{
	json_t *array;
	char *word;

	text += strspn(text, " \t\n");
	if (text[0] == '[')
		return words_from_json(text, err);
	array = json_array();
	word = malloc(strlen(text) + 1);
	if (!array || !word) {
		error_set(err, "out of memory");
		goto out_fail;
	}
	while (*text) {
		if (!word_take(&text, word)) {
			error_set(err, "a quote in it has no end");
			goto out_fail;
		}
		if (json_array_append_new(array, json_string(word)) < 0) {
			error_set(err, "it is not valid UTF-8");
			goto out_fail;
		}
		text += strspn(text, " \t\n");
	}
	free(word);
	return array;
out_fail:
	free(word);
	json_decref(array);
	return NULL;
}
