// SPDX-License-Identifier: MIT
#include "apps/httpd/api/words.h"

#include "apps/httpd/api/api.h"
#include "libs/base/decimal.h"
#include "libs/base/string.h"
#include "libs/http/target.h"
#include "libs/starina/alloc.h"

#define WORDS_MAX 512u  // of a command, and of its environment
#define WORD_MAX 4096u  // in a query
#define SHELL "/bin/sh"
#define TERM "TERM=xterm-256color"
#define MEMORY_MAX (8ull << 30)

// What a document says, in the order of its members.
struct said {
	char *image, *cwd, *user;
	char *args[WORDS_MAX], *env[WORDS_MAX];
	uint32_t num_args, num_env;
	bool too_many;
};

static void said_free(struct said *said)
{
	if (said == NULL)
		return;
	heap_free(said->image);
	heap_free(said->cwd);
	heap_free(said->user);
	for (uint32_t i = 0; i < said->num_args; i++)
		heap_free(said->args[i]);
	for (uint32_t i = 0; i < said->num_env; i++)
		heap_free(said->env[i]);
	heap_free(said);
}

static void put(struct writer *w, const char *word)
{
	writer_bytes(w, word, strlen(word) + 1);
}

static error_t words_put(struct command_words *words, const struct said *said)
{
	struct writer w;

	words->text = heap_alloc(COMMANDS_TEXT_MAX);
	if (words->text == NULL)
		return ERR_NO_MEMORY;
	w = writer_make(words->text, COMMANDS_TEXT_MAX);
	put(&w, said->image != NULL ? said->image : "");
	put(&w, said->cwd != NULL ? said->cwd : "");
	put(&w, said->user != NULL ? said->user : "");
	for (uint32_t i = 0; i < said->num_args; i++)
		put(&w, said->args[i]);
	for (uint32_t i = 0; i < said->num_env; i++)
		put(&w, said->env[i]);
	words->len = w.len;
	words->num_args = (uint16_t)said->num_args;
	words->num_env = (uint16_t)said->num_env;
	return writer_status(&w);
}

// --- JSON ----------------------------------------------------------------------------------------

static void take_list(struct json_reader *r, char **list, uint32_t *count, bool *too_many)
{
	json_enter_array(r);
	while (json_next_element(r)) {
		char *word = json_take_string(r);

		if (*count < WORDS_MAX && word != NULL) {
			list[(*count)++] = word;
		} else {
			*too_many = *too_many || word != NULL;
			heap_free(word);
		}
	}
}

// Takes a string into *text, in place of one that was there.
static void take_text(struct json_reader *r, char **text)
{
	heap_free(*text);
	*text = json_take_null(r) ? NULL : json_take_string(r);
}

static void take_members(struct json_reader *r, struct said *said, struct command_words *words,
                         char **input)
{
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		if (span_is(key, "argv"))
			take_list(r, said->args, &said->num_args, &said->too_many);
		else if (span_is(key, "env"))
			take_list(r, said->env, &said->num_env, &said->too_many);
		else if (span_is(key, "cwd"))
			take_text(r, &said->cwd);
		else if (span_is(key, "user"))
			take_text(r, &said->user);
		else if (span_is(key, "image"))
			take_text(r, &said->image);
		else if (span_is(key, "stdin"))
			take_text(r, input);
		else if (span_is(key, "memory"))
			words->memory = json_take_u64(r);
		else
			json_skip(r);
	}
}

error_t words_read_json(struct command_words *words, struct span body, char **input)
{
	struct json_reader r = json_reader_make(body);
	struct said *said = heap_alloc(sizeof(*said));
	error_t err;

	*words = (struct command_words){ 0 };
	*input = NULL;
	if (said == NULL)
		return ERR_NO_MEMORY;
	take_members(&r, said, words, input);
	err = json_reader_status(&r);
	if (err == 0 && (!json_at_end(&r) || said->num_args == 0 || words->memory > MEMORY_MAX))
		err = ERR_PROTOCOL;
	for (uint32_t i = 0; err == 0 && i < said->num_env; i++)
		if (strchr(said->env[i], '=') == NULL)
			err = ERR_PROTOCOL;
	if (err == 0)
		err = said->too_many ? ERR_TOO_LARGE : words_put(words, said);
	said_free(said);
	return err;
}

// --- Queries -------------------------------------------------------------------------------------

// A copy of a text. Errors: ERR_NO_MEMORY.
static error_t copy(const char *text, char **out)
{
	size_t size = strlen(text) + 1;

	*out = heap_alloc(size);
	if (*out == NULL)
		return ERR_NO_MEMORY;
	memcpy(*out, text, size);
	return 0;
}

// A copy of the `nth` value of a key; *out stays NULL when there is none. Errors: ERR_INVALID,
// ERR_TOO_LARGE, ERR_NO_MEMORY.
static error_t take_value(struct span query, const char *name, unsigned nth, char **out)
{
	char text[WORD_MAX];
	error_t err = http_query_value(query, name, nth, text, sizeof(text));

	if (err == ERR_NOT_FOUND)
		return 0;
	return err != 0 ? err : copy(text, out);
}

static error_t take_size(struct span query, const char *name, uint64_t max, uint64_t *out)
{
	char text[24];
	error_t err = http_query_value(query, name, 0, text, sizeof(text));

	if (err == ERR_NOT_FOUND)
		return 0;
	return err == 0 && decimal_read(text_span(text), max, out) ? 0 : ERR_INVALID;
}

// What all programs in a terminal of ours know.
static error_t put_terminal(struct said *said)
{
	error_t err = copy(TERM, &said->env[0]);

	said->num_env = err == 0;
	return err;
}

static error_t take_args(struct span query, struct said *said)
{
	error_t err = 0;

	while (err == 0 && said->num_args < WORDS_MAX) {
		char *word = NULL;

		err = take_value(query, "argv", said->num_args, &word);
		if (word == NULL)
			break;
		said->args[said->num_args++] = word;
	}
	if (err != 0 || said->num_args > 0)
		return err;
	err = copy(SHELL, &said->args[0]);
	said->num_args = err == 0;
	return err;
}

error_t words_read_query(struct command_words *words, struct span query)
{
	struct said *said = heap_alloc(sizeof(*said));
	uint64_t rows = 24, columns = 80;
	error_t err = said == NULL ? ERR_NO_MEMORY : 0;

	*words = (struct command_words){ 0 };
	if (err == 0)
		err = take_value(query, "image", 0, &said->image);
	if (err == 0)
		err = take_value(query, "cwd", 0, &said->cwd);
	if (err == 0)
		err = take_args(query, said);
	if (err == 0)
		err = put_terminal(said);
	if (err == 0)
		err = take_size(query, "rows", 1000, &rows);
	if (err == 0)
		err = take_size(query, "cols", 1000, &columns);
	if (err == 0)
		err = take_size(query, "memory", MEMORY_MAX, &words->memory);
	if (err == 0)
		err = words_put(words, said);
	words->rows = (uint16_t)rows;
	words->columns = (uint16_t)columns;
	said_free(said);
	return err;
}

void words_free(struct command_words *words)
{
	heap_free(words->text);
	words->text = NULL;
}
