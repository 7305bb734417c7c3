// SPDX-License-Identifier: MIT
#include "kernel/startup/boot_args_check.h"

#include <stdbool.h>

#include "kernel/debug/log.h"
#include "kernel/startup/boot_args.h"
#include "kernel/startup/kernel_args.h"
#include "libs/base/closest.h"
#include "libs/base/string.h"

// A boot argument APP.NAME=VALUE, taken apart. Not terminated.
struct boot_arg {
	const char *app;
	size_t app_len;
	const char *name;
	size_t name_len;
};

// Where `c` is in the first `len` bytes of `s`; `len` when it is not there.
static size_t find_char(const char *s, size_t len, char c)
{
	size_t n = 0;

	while (n < len && s[n] != c)
		n++;
	return n;
}

static bool boot_arg_split(const char *word, size_t len, struct boot_arg *arg)
{
	size_t equals = find_char(word, len, '=');
	size_t dot = find_char(word, equals, '.');

	*arg = (struct boot_arg){ word, dot, word + dot + 1, equals - dot - 1 };
	return equals < len && dot > 0 && dot + 1 < equals;
}

static bool same(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(word, name, len) == 0;
}

// Whether the app, or the kernel (`spec` is NULL), reads an argument of this name; else the
// nearest.
static bool name_known(const struct app_spec *spec, const struct boot_arg *arg,
                       struct closest *closest)
{
	if (spec == NULL) {
		for (size_t i = 0; kernel_arg_names[i] != NULL; i++) {
			if (same(arg->name, arg->name_len, kernel_arg_names[i]))
				return true;
			closest_offer(closest, arg->name, arg->name_len, kernel_arg_names[i]);
		}
		return false;
	}
	for (size_t k = 0; k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++) {
		if (spec->needs[k].kind != NEED_CONFIG)
			continue;
		if (same(arg->name, arg->name_len, spec->needs[k].name))
			return true;
		closest_offer(closest, arg->name, arg->name_len, spec->needs[k].name);
	}
	return false;
}

static void check_name(const struct app_spec *spec, const struct boot_arg *arg)
{
	struct closest closest = { 0 };

	if (name_known(spec, arg, &closest))
		return;
	kwarn("the boot argument %.*s.%.*s is not known, and has no effect%s%s%s",
	      (int)arg->app_len, arg->app, (int)arg->name_len, arg->name,
	      closest.name != NULL ? ": did you mean " : "",
	      closest.name != NULL ? closest.name : "", closest.name != NULL ? "?" : "");
}

static void check_word(const char *word, size_t len, const struct app_image *images,
                       size_t num_images)
{
	struct closest closest = { 0 };
	struct boot_arg arg;

	if (!boot_arg_split(word, len, &arg)) {
		kwarn("the boot argument %.*s has no effect: boot arguments are APP.NAME=VALUE",
		      (int)len, word);
		return;
	}
	if (same(arg.app, arg.app_len, "kernel")) {
		check_name(NULL, &arg);
		return;
	}
	for (size_t i = 0; i < num_images; i++) {
		if (same(arg.app, arg.app_len, images[i].spec->name)) {
			check_name(images[i].spec, &arg);
			return;
		}
		closest_offer(&closest, arg.app, arg.app_len, images[i].spec->name);
	}
	closest_offer(&closest, arg.app, arg.app_len, "kernel");
	kwarn("the boot argument %.*s has no effect: this image has no app '%.*s'%s%s%s", (int)len,
	      word, (int)arg.app_len, arg.app, closest.name != NULL ? ", did you mean " : "",
	      closest.name != NULL ? closest.name : "", closest.name != NULL ? "?" : "");
}

void boot_args_check(const char *args, const struct app_image *images, size_t num_images)
{
	const char *word;
	size_t len;

	while ((len = boot_args_next(&args, &word)) > 0)
		check_word(word, len, images, num_images);
}
