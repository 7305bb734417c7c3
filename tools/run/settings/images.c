// SPDX-License-Identifier: MIT
#include "tools/run/settings/images.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/image/source/reference.h"
#include "tools/run/settings/arguments.h"
#include "tools/run/settings/image_tool.h"

#define SETTING "LINUXRUN_IMAGES"

struct item {
	char *name;       // heap
	char *reference;  // heap; with its scheme
};

static void item_deinit(struct item *item)
{
	free(item->name);
	free(item->reference);
}

static bool is_path(const char *reference)
{
	return strncmp(reference, "file://", 7) == 0 || strncmp(reference, "oci://", 6) == 0;
}

// What is in `text`: "alpine", "docker://alpine", "web=oci:///srv/web". Released by item_deinit(),
// also after -1 with `err`.
static int item_parse(struct item *item, const char *text, struct error *err)
{
	const char *scheme = strstr(text, "://");
	const char *equals = strchr(text, '=');
	const char *reference = equals && (!scheme || equals < scheme) ? equals + 1 : text;
	const char *name = strncmp(reference, "docker://", 9) == 0 ? reference + 9 : reference;
	char *full;

	*item = (struct item){ 0 };
	if (reference == text && is_path(reference))
		return error_set(err, SETTING ": \"%.200s\" needs a name; write NAME=%.200s", text,
		                 text);
	item->name = reference == text ? strdup(name) : strndup(text, (size_t)(equals - text));
	if (!item->name ||
	    asprintf(&item->reference, "%s%s", is_path(reference) ? "" : "docker://",
	             is_path(reference) ? reference : name) < 0) {
		item->reference = NULL;
		return error_set(err, "out of memory");
	}
	full = reference_normalize(item->name, err);
	if (full && !is_path(reference)) {
		free(full);
		full = reference_normalize(name, err);
	}
	free(full);
	return full ? 0 : error_prefix(err, SETTING);
}

typedef int (*item_fn)(void *context, const struct item *item, struct error *err);

static int items_visit(const char *list, item_fn visit, void *context, struct error *err)
{
	char *copy = strdup(list);
	char *rest = copy;
	char *text;
	int result = copy ? 0 : error_set(err, "out of memory");

	while (result == 0 && (text = strsep(&rest, ","))) {
		struct item item = { 0 };

		text += strspn(text, " \t\n");
		if (!*text)
			result = error_set(err, SETTING "=%.200s: there is an empty item", list);
		else
			result = item_parse(&item, text, err);
		if (result == 0)
			result = visit(context, &item, err);
		item_deinit(&item);
	}
	free(copy);
	return result;
}

static int item_accept(void *context, const struct item *item, struct error *err)
{
	(void)context;
	(void)item;
	(void)err;
	return 0;
}

int images_check(const char *list, struct error *err)
{
	return items_visit(list, item_accept, NULL, err);
}

// Appends NAME=DIRECTORY to the command.
static int item_resolve(void *context, const struct item *item, struct error *err)
{
	struct arguments *command = context;
	const char *argv[] = { command->items[0], "resolve", item->reference, NULL };
	char directory[PATH_MAX];
	char *name;

	if (image_tool_run(argv, directory, err) < 0)
		return -1;
	// Whole: what is called "system" by the user is not ours.
	name = reference_normalize(item->name, err);
	if (!name)
		return -1;
	arguments_add(command, "%s=%s", name, directory);
	free(name);
	return 0;
}

// Appends the system container, which pulls images. A build that could not fetch it does without.
static void system_add(struct arguments *command, const char *build)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/image/system/root.squashfs", build) <
	            (int)sizeof(path) &&
	    access(path, R_OK) == 0)
		arguments_add(command, "system=%s/image/system", build);
}

int images_prepare(const char *image_tool, const char *build, bool with_system, const char *list,
                   const char *directory, struct error *err)
{
	struct arguments command = { 0 };
	int result = 0;

	arguments_add(&command, "%s", image_tool);
	arguments_add(&command, "index");
	arguments_add(&command, "%s", directory);
	arguments_add(&command, "builtin=%s/image/userland", build);
	if (with_system)
		system_add(&command, build);
	if (list && !command.failed)
		result = items_visit(list, item_resolve, &command, err);
	if (result == 0 && command.failed)
		result = error_set(err, "out of memory");
	if (result == 0)
		result = image_tool_run((const char *const *)command.items, NULL, err);
	arguments_deinit(&command);
	return result;
}
