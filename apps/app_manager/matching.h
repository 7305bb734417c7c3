// SPDX-License-Identifier: MIT
//
// Whether an app's spec fits what is there. No calls: tested on the host.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libs/abi/app.h"
#include "libs/abi/error.h"

// What is there.
struct match_world {
	// How the provider of a service is called; NULL: nobody provides it. `*runs`: whether it
	// does.
	const char *(*provider)(const char *service, int *runs);
	// The names of loaded apps' services, one after the other; NULL: no more.
	const char *(*service)(size_t index);
	// The value that a configuration gives to `name`, whatever it is; NULL: none.
	const char *(*config)(const char *name);
};

// Whether all that the app needs is there. `text` says what is not. Errors: ERR_NOT_FOUND,
// ERR_NOT_READY (the provider does not run), ERR_CYCLE (it needs what it provides itself),
// ERR_NOT_SUPPORTED (a need that only apps of the image may have).
__must_check error_t match_needs(const struct app_spec *spec, const struct match_world *world,
                                 char *text, size_t size);
// Whether nobody else provides what the app does. Errors: ERR_EXISTS.
__must_check error_t match_provides(const struct app_spec *spec, const struct match_world *world,
                                    char *text, size_t size);
// Whether a new version can take the place of an old one: all services of that are its own, too.
// Errors: ERR_NOT_SUPPORTED.
__must_check error_t match_replaces(const struct app_spec *spec, const struct app_spec *old,
                                    char *text, size_t size);
// Whether lines "NAME=VALUE" name configuration needs of the app. Errors: ERR_INVALID,
// ERR_NOT_FOUND.
__must_check error_t match_config(const struct app_spec *spec, const char *lines, size_t len,
                                  char *text, size_t size);
// The value of `name` in such lines, copied; 0: there is none.
int match_config_value(const char *lines, size_t len, const char *name, char *value, size_t size);
// The limit of a start that asks for `asked` (0: for none), and no more than the spec says (0:
// `usual`).
uint64_t match_limit(uint64_t asked, uint64_t spec, uint64_t usual);
// Whether `spec` provides the service.
int match_is_provided(const struct app_spec *spec, const char *service);
