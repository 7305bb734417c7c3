// SPDX-License-Identifier: MIT

#include "libs/linux/image/string_list.h"

#include "libs/base/string.h"
#include "libs/starina/alloc.h"

char *string_copy(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = heap_alloc(size);

	if (copy != NULL)
		memcpy(copy, text, size);
	return copy;
}

error_t string_list_take(struct string_list *list, char *text)
{
	if (text == NULL)
		return ERR_NO_MEMORY;
	if (list->count == list->capacity) {
		size_t capacity = 2 * list->capacity + 8;
		char **items = heap_alloc(capacity * sizeof(*items));

		if (items == NULL) {
			heap_free(text);
			return ERR_NO_MEMORY;
		}
		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof(*items));
		heap_free(list->items);
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = text;
	return 0;
}

error_t string_list_add(struct string_list *list, const char *text)
{
	return string_list_take(list, string_copy(text));
}

// Where NAME=... stands, by the first `len` bytes of `name`; list->count when it does not.
static size_t find(const struct string_list *list, const char *name, size_t len)
{
	size_t i = 0;

	while (i < list->count &&
	       (strncmp(list->items[i], name, len) != 0 || list->items[i][len] != '='))
		i++;
	return i;
}

error_t string_list_assign(struct string_list *list, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	char *copy;
	size_t at;

	if (equals == NULL || equals == assignment)
		return ERR_INVALID;
	at = find(list, assignment, (size_t)(equals - assignment));
	if (at == list->count)
		return string_list_add(list, assignment);
	copy = string_copy(assignment);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	heap_free(list->items[at]);
	list->items[at] = copy;
	return 0;
}

bool string_list_has(const struct string_list *list, const char *name)
{
	return find(list, name, strlen(name)) < list->count;
}

void string_list_deinit(struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		heap_free(list->items[i]);
	heap_free(list->items);
	*list = (struct string_list){ 0 };
}
