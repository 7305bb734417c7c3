// SPDX-License-Identifier: MIT
//
// All natives, by the names under which apps/js/lib imports them.
#include "apps/js/native/channel.h"
#include "apps/js/native/environ.h"
#include "apps/js/native/native.h"
#include "apps/js/native/service.h"
#include "libs/base/string.h"

// clang-format off
static const struct js_native *const natives[] = {
	&js_native_channel,
	&js_native_device,
	&js_native_environ,
	&js_native_errors,
	&js_native_files,
	&js_native_folio,
	&js_native_http,
	&js_native_jobs,
	&js_native_log,
	&js_native_modules,
	&js_native_process,
	&js_native_service,
	&js_native_system,
	&js_native_text,
	&js_native_timers,
	&js_native_usage,
};
// clang-format on

const struct js_native *js_native_find(const char *name)
{
	for (size_t i = 0; i < sizeof(natives) / sizeof(natives[0]); i++) {
		if (strcmp(natives[i]->name, name) == 0)
			return natives[i];
	}
	return NULL;
}
