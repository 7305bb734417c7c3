// SPDX-License-Identifier: MIT
//
// --cap-add and --cap-drop: what is left of docker's default set of capabilities.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/run/settings/settings.h"

#define PREFIX "CAP_"

// Docker's default set; bootd has it too (capability_default_set).
static const char *const defaults[] = {
	"AUDIT_WRITE", "CHOWN",   "DAC_OVERRIDE", "FOWNER",           "FSETID",
	"KILL",        "MKNOD",   "NET_RAW",      "NET_BIND_SERVICE", "SETFCAP",
	"SETGID",      "SETPCAP", "SETUID",       "SYS_CHROOT",
};
// Linux's other ones (capabilities(7)).
static const char *const others[] = {
	"DAC_READ_SEARCH",
	"LINUX_IMMUTABLE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"LEASE",
	"AUDIT_CONTROL",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};
#define NUM_OTHERS (sizeof(others) / sizeof(others[0]))
#define NUM_DEFAULTS (sizeof(defaults) / sizeof(defaults[0]))

// Whether the list names `name`, with or without its prefix, in any case.
static bool list_names(const struct option_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *item = list->items[i];

		if (strncasecmp(item, PREFIX, strlen(PREFIX)) == 0)
			item += strlen(PREFIX);
		if (strcasecmp(item, name) == 0)
			return true;
	}
	return false;
}

static bool is_one_of(const char *item, const char *const *names, size_t count)
{
	struct option_list one = { .items = &item, .count = 1 };

	for (size_t i = 0; i < count; i++)
		if (list_names(&one, names[i]))
			return true;
	return false;
}

// More than the default set is not to be had; what is dropped without being in it does no harm.
static int lists_check(const struct option_list *add, const struct option_list *drop,
                       struct error *err)
{
	static const char *const all[] = { "ALL" };

	for (size_t i = 0; i < add->count; i++)
		if (!is_one_of(add->items[i], defaults, NUM_DEFAULTS))
			return error_set(err,
			                 "--cap-add %.100s is not possible here: a container has "
			                 "docker's default capabilities at most",
			                 add->items[i]);
	for (size_t i = 0; i < drop->count; i++)
		if (!is_one_of(drop->items[i], defaults, NUM_DEFAULTS) &&
		    !is_one_of(drop->items[i], others, NUM_OTHERS) &&
		    !is_one_of(drop->items[i], all, 1))
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
	for (size_t i = 0; i < NUM_DEFAULTS; i++) {
		// As for docker, what is added stays, whatever is dropped.
		bool dropped = !list_names(add, defaults[i]) &&
			(list_names(drop, defaults[i]) || list_names(drop, "ALL"));

		if (!dropped)
			length += (size_t)snprintf(names + length, sizeof(names) - length,
			                           "%s" PREFIX "%s", length > 0 ? "," : "",
			                           defaults[i]);
	}
	arguments_add(&settings->config_options, "--capabilities=%s", names);
	return 0;
}
