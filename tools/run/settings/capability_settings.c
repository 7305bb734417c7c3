// SPDX-License-Identifier: MIT
//
// --cap-add and --cap-drop: what is left of docker's default set of capabilities.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libs/base/linux_capability.h"
#include "tools/run/settings/settings.h"

#define PREFIX "CAP_"

static const struct {
	const char *name;
	bool is_default;  // docker gives it
} capabilities[] = {
#define ROW(name, number, given) { #name, given },
	LINUX_CAPABILITIES(ROW)
#undef ROW
};
#define NUM_CAPABILITIES (sizeof(capabilities) / sizeof(capabilities[0]))

// Whether `item` is `name`, with or without its prefix, in any case.
static bool is_named(const char *item, const char *name)
{
	if (strncasecmp(item, PREFIX, strlen(PREFIX)) == 0)
		item += strlen(PREFIX);
	return strcasecmp(item, name) == 0;
}

static bool list_names(const struct option_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (is_named(list->items[i], name))
			return true;
	}
	return false;
}

// Whether there is such a capability; with `of_default`, in docker's default set.
static bool is_capability(const char *item, bool of_default)
{
	for (size_t i = 0; i < NUM_CAPABILITIES; i++) {
		if ((capabilities[i].is_default || !of_default) &&
		    is_named(item, capabilities[i].name))
			return true;
	}
	return false;
}

// More than the default set is not to be had; what is dropped without being in it does no harm.
static int lists_check(const struct option_list *add, const struct option_list *drop,
                       struct error *err)
{
	for (size_t i = 0; i < add->count; i++)
		if (!is_capability(add->items[i], true))
			return error_set(err,
			                 "--cap-add %.100s is not possible here: a container has "
			                 "docker's default capabilities at most",
			                 add->items[i]);
	for (size_t i = 0; i < drop->count; i++)
		if (!is_capability(drop->items[i], false) && !is_named(drop->items[i], "ALL"))
			return error_set(err,
			                 "--cap-drop %.100s: there is no such capability; they are "
			                 "named as in capabilities(7), such as NET_RAW, and ALL",
			                 drop->items[i]);
	return 0;
}

int capability_settings_read(struct settings *settings, struct error *err)
{
	const struct option_list *add = &settings->options.lists[LIST_CAP_ADD];
	const struct option_list *drop = &settings->options.lists[LIST_CAP_DROP];
	char names[512] = "";
	size_t length = 0;

	if (add->count + drop->count == 0)
		return 0;
	if (lists_check(add, drop, err) < 0)
		return -1;
	for (size_t i = 0; i < NUM_CAPABILITIES; i++) {
		const char *name = capabilities[i].name;
		// As for docker, what is added stays, whatever is dropped.
		bool dropped = !list_names(add, name) &&
			(list_names(drop, name) || list_names(drop, "ALL"));

		if (capabilities[i].is_default && !dropped)
			length += (size_t)snprintf(names + length, sizeof(names) - length,
			                           "%s" PREFIX "%s", length > 0 ? "," : "", name);
	}
	arguments_add(&settings->config_options, "--capabilities=%s", names);
	return 0;
}
