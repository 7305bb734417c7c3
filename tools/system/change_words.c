// SPDX-License-Identifier: MIT
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/system/change.h"

#define MAX_WORDS 10000
#define MAX_TEXT (1u << 20)  // of all words

struct lexer {
	const char *at;
	const json_t *env;
	json_t *words;
	char *word;  // heap, with room for MAX_TEXT
	size_t length;
	size_t total;
	struct error *err;
};

static int put(struct lexer *lexer, const char *text, size_t length)
{
	if (length > MAX_TEXT - lexer->length)
		return error_set(lexer->err, "an instruction of more than %u bytes", MAX_TEXT);
	memcpy(lexer->word + lexer->length, text, length);
	lexer->length += length;
	return 0;
}

// "": it has no value.
static const char *value_of(const json_t *env, const char *name, size_t length)
{
	const char *value = "";
	json_t *item;
	size_t i;

	json_array_foreach(env, i, item)
	{
		const char *text = json_string_value(item);

		if (text && strncmp(text, name, length) == 0 && text[length] == '=')
			value = text + length + 1;
	}
	return value;
}

static size_t name_length(const char *text)
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) || text[length] == '_')
		length++;
	return length;
}

// "${NAME}", "${NAME:-WORD}" or "${NAME:+WORD}", behind "${".
static int put_braced(struct lexer *lexer)
{
	size_t length = name_length(lexer->at);
	const char *value = value_of(lexer->env, lexer->at, length);
	const char *end = strchr(lexer->at, '}');
	const char *rest = lexer->at + length;
	int result;

	if (length == 0 || !end ||
	    (end != rest && strncmp(rest, ":-", 2) != 0 && strncmp(rest, ":+", 2) != 0))
		return error_set(lexer->err,
		                 "failed to process \"${%.100s\": unsupported modifier "
		                 "in substitution",
		                 lexer->at);
	lexer->at = end + 1;
	if (end == rest || (rest[1] == '-' && value[0]))
		result = put(lexer, value, strlen(value));
	else if (rest[1] == '+' && !value[0])
		result = 0;
	else
		result = put(lexer, rest + 2, (size_t)(end - rest) - 2);
	return result;
}

// At a '$'.
static int put_variable(struct lexer *lexer)
{
	size_t length = name_length(++lexer->at);
	const char *value;

	if (*lexer->at == '{') {
		lexer->at++;
		return put_braced(lexer);
	}
	if (length == 0)
		return put(lexer, "$", 1);
	value = value_of(lexer->env, lexer->at, length);
	lexer->at += length;
	return put(lexer, value, strlen(value));
}

static int put_quoted(struct lexer *lexer, char quote)
{
	int result = 0;

	for (lexer->at++; result == 0 && *lexer->at && *lexer->at != quote;) {
		bool escapes = quote == '"' && *lexer->at == '\\' && lexer->at[1] &&
			strchr("\"$\\", lexer->at[1]);

		if (quote == '"' && *lexer->at == '$') {
			result = put_variable(lexer);
			continue;
		}
		lexer->at += escapes;
		result = put(lexer, lexer->at++, 1);
	}
	if (result == 0 && !*lexer->at)
		return error_set(lexer->err,
		                 "unexpected end of statement while looking for "
		                 "matching %s-quote",
		                 quote == '"' ? "double" : "single");
	lexer->at += *lexer->at == quote;
	return result;
}

static int word_read(struct lexer *lexer)
{
	int result = 0;

	lexer->length = 0;
	while (result == 0 && *lexer->at && !isspace((unsigned char)*lexer->at)) {
		if (*lexer->at == '\'' || *lexer->at == '"')
			result = put_quoted(lexer, *lexer->at);
		else if (*lexer->at == '$')
			result = put_variable(lexer);
		else if (*lexer->at == '\\' && lexer->at[1])
			result = put(lexer, lexer->at + 1, 1), lexer->at += 2;
		else
			result = put(lexer, lexer->at++, 1);
	}
	return result;
}

static int words_read(struct lexer *lexer)
{
	for (;;) {
		json_t *word;

		lexer->at += strspn(lexer->at, " \t\r\n\v\f");
		if (!*lexer->at)
			return 0;
		if (word_read(lexer) < 0)
			return -1;
		lexer->total += lexer->length;
		if (json_array_size(lexer->words) >= MAX_WORDS || lexer->total > MAX_TEXT)
			return error_set(lexer->err,
			                 "an instruction of more than %u words, or %u "
			                 "bytes",
			                 MAX_WORDS, MAX_TEXT);
		word = json_stringn(lexer->word, lexer->length);
		if (!word)
			return error_set(lexer->err, "a word that is not valid UTF-8");
		json_array_append_new(lexer->words, word);
	}
}

json_t *change_words(const char *text, const json_t *env, struct error *err)
{
	struct lexer lexer = { .at = text, .env = env, .err = err };
	int result = -1;

	lexer.words = json_array();
	lexer.word = malloc(MAX_TEXT);
	if (!lexer.words || !lexer.word)
		error_set(err, "out of memory");
	else
		result = words_read(&lexer);
	free(lexer.word);
	if (result == 0)
		return lexer.words;
	json_decref(lexer.words);
	return NULL;
}
