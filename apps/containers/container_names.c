// SPDX-License-Identifier: MIT
//
// How containers are called: which one is meant, and new names. Texts are Docker's: people search
// for them.
#include "apps/containers/containers.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

struct container *containers_find_name(const struct containers *all, const char *name)
{
	list_for_each(entry, &all->containers) {
		struct container *c = container_of(entry, struct container, entry);

		if (strcmp(c->name, name) == 0)
			return c;
	}
	return NULL;
}

// A whole id, a name, the beginning of an id that is one container's only; in this order.
struct container *containers_find(struct containers *all, const char *target, size_t *num_begin)
{
	struct container *found = NULL;
	size_t len;

	target += target[0] == '/' ? 1 : 0;
	len = strlen(target);
	*num_begin = 0;
	list_for_each(entry, &all->containers) {
		struct container *c = container_of(entry, struct container, entry);

		if (strcmp(c->id_text, target) == 0)
			return c;
		if (len > 0 && strncmp(c->id_text, target, len) == 0) {
			found = c;
			(*num_begin)++;
		}
	}
	if (containers_find_name(all, target) != NULL)
		return containers_find_name(all, target);
	return *num_begin == 1 ? found : NULL;
}

struct container *operation_find(struct request *request)
{
	const char *target = request->target[0] == '/' ? request->target + 1 : request->target;
	size_t num_begin;
	struct container *c = containers_find(request->all, target, &num_begin);

	if (c == NULL && num_begin > 1)
		request_refuse(request, 400, "Multiple IDs found with provided prefix: %s", target);
	else if (c == NULL)
		request_refuse(request, 404, "No such container: %s", target);
	return c;
}

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_name(const char *name)
{
	size_t len = strlen(name);

	if (len < 2 || len >= CONTAINER_NAME_MAX || !is_letter_or_digit(name[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_letter_or_digit(name[i]) && name[i] != '_' && name[i] != '.' &&
		    name[i] != '-')
			return false;
	return true;
}

bool operation_name_is_free(struct request *request, const char *name)
{
	const struct container *other = containers_find_name(request->all, name);

	if (!is_name(name)) {
		request_refuse(
			request, 400,
			"Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, of "
			"2 to %u characters",
			name, CONTAINER_NAME_MAX - 1);
		return false;
	}
	if (other != NULL) {
		request_refuse(
			request, 409,
			"Conflict. The container name \"/%s\" is already in use by container \"%s\". You "
			"have to remove (or rename) that container to be able to reuse that name.",
			name, other->id_text);
		return false;
	}
	return true;
}

static void rename_to(struct request *request, struct container *c, const char *name)
{
	char old[CONTAINER_NAME_MAX], more[CONTAINER_NAME_MAX + 16];

	str_copy(old, c->name, sizeof(old));
	str_copy(c->name, name, sizeof(c->name));
	if (!store_write(c)) {
		str_copy(c->name, old, sizeof(c->name));
		request_refuse(request, 500, "container %s is not renamed: " STORE_REFUSES, old);
		return;
	}
	names_changed(c->all);
	fmt_write(more, sizeof(more), "\"oldName\":\"/%s\"", old);
	events_container(c, "rename", more);
	reply_empty(request->client, request->id, 204, 0);
}

void operation_rename(struct request *request)
{
	struct container *c = operation_find(request);
	const char *name;
	char *text;

	if (c == NULL)
		return;
	text = query_take(request, "name");
	if (text == NULL || text[0] == '\0') {
		request_refuse(request, 400, "Neither old nor new names may be empty");
	} else {
		name = text[0] == '/' ? text + 1 : text;
		if (strcmp(name, c->name) == 0)
			request_refuse(
				request, 400,
				"Renaming a container with the same name as its current name");
		else if (operation_name_is_free(request, name))
			rename_to(request, c, name);
	}
	heap_free(text);
}
