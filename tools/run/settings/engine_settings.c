// SPDX-License-Identifier: MIT
//
// --engine: no container of run.sh's own, so nothing that is said of one.
#include <string.h>

#include "tools/run/settings/settings.h"

// Whether an option is of the machine, and not of a container.
static bool is_of_machine(enum option_id id)
{
	switch (id) {
	case OPTION_APP_PORTS:
	case OPTION_SMP:
	case OPTION_QUIET:
	// Those that `docker run` finds.
	case OPTION_IMAGES:
	case OPTION_ENGINE:
	case OPTION_GDB:
	case OPTION_HELP:
	case OPTION_KERNEL:
	case OPTION_LOG:
	case OPTION_STOP_TIMEOUT: return true;
	default: return false;
	}
}

static int refuse(const char *what, struct error *err)
{
	return error_set(err,
	                 "%s: with --engine, run.sh runs no container of its own; say this to "
	                 "docker's client",
	                 what);
}

// The last --share without a name.
static void share_find(struct settings *settings)
{
	const struct option_list *shares = &settings->options.lists[LIST_SHARE];

	for (size_t i = 0; i < shares->count; i++)
		if (!strchr(shares->items[i], '='))
			settings->bind_root = shares->items[i];
}

int engine_settings_read(struct settings *settings, struct error *err)
{
	const struct options *options = &settings->options;

	settings->engine = option_is_on(options, OPTION_ENGINE);
	if (!settings->engine)
		return 0;
	for (unsigned i = 0; i < NUM_OPTIONS; i++)
		if (options->values[i].value && !is_of_machine((enum option_id)i))
			return refuse(option_text(&options->values[i]), err);
	for (unsigned i = 0; i < NUM_LISTS; i++)
		if (options->lists[i].count > 0 && i != LIST_APP && i != LIST_SHARE)
			return refuse(options->lists[i].items[0], err);
	share_find(settings);
	return 0;
}
