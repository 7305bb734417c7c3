// SPDX-License-Identifier: MIT
//
// Boot arguments, and the check of the app table. A table is made of a few names, so that they
// meet; its boot arguments are the rest of the input.
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/startup/boot_args.h"
#include "kernel/startup/boot_args_check.h"
#include "kernel/startup/devices.h"
#include "kernel/startup/kernel_args.h"
#include "kernel/startup/services.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_IMAGES (MAX_APPS + 2)
#define ARGS_MAX 1024

static const uint8_t *input;
static size_t input_left;
static char args[ARGS_MAX];

static const char *const names[] = {
	"tcpip",
	"httpd",
	"net",
	"blk",
	"a",
	"b",
	"c",
	"d",
	"e",
	"f",
	"kernel",
	"port",
	"log",
	"",
	NULL,
	"exactly-31-bytes-are-in-this-n!",
	"exactly-32-bytes-are-in-this-na!",
	"a name that is far longer than all names may be",
};
struct device devices[MAX_DEVICES] = { { .compatible = { "net" }, .num_compatible = 1 } };
size_t num_devices = 1;
const char *const kernel_arg_names[] = { "log", "panic", NULL };

static uint8_t choose(unsigned bound)
{
	if (input_left == 0)
		return 0;
	input_left--;
	return (uint8_t)(*input++ % bound);
}

static const char *name(void)
{
	return names[choose(sizeof(names) / sizeof(names[0]))];
}

void panic(const char *format, ...)
{
	fputs(format, stderr);
	abort();
}

void klog(enum log_level level, const char *format, ...)
{
	char line[1024];
	va_list list;

	(void)level;
	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
}

bool boot_arg_find(const char *app, const char *key, char *value, size_t size)
{
	return boot_args_lookup(args, app, key, value, size);
}

static void fuzz_main(const struct environ *env)
{
	(void)env;
}

static void make_spec(struct app_spec *spec)
{
	*spec = (struct app_spec){ .abi_version = choose(64) == 1 ? 7 : APP_ABI_VERSION,
		                   .name = names[choose(10)],
		                   .main = choose(64) == 1 ? NULL : fuzz_main };
	for (uint8_t i = choose(4); i > 0; i--)
		spec->provides[i - 1] = choose(16) == 1 ? name() : names[choose(10)];
	for (uint8_t i = choose(APP_MAX_NEEDS + 1); i > 0; i--)
		spec->needs[i - 1] =
			(struct app_need){ .kind = choose(32) == 1 ? choose(255)
			                                           : 1 + choose(NEED_LOOK),
			                   .name = choose(16) == 1 ? name() : names[choose(10)],
			                   .fallback = choose(2) == 0 ? NULL : "1",
			                   .optional = choose(2),
			                   .size = choose(16) == 1 ? UINT32_MAX : choose(255) };
	if (choose(8) == 1) {
		spec->is_runtime = 1;
		memset(spec->needs, 0, sizeof(spec->needs));
		spec->provides[0] = choose(8) == 1 ? name() : NULL;
	} else if (choose(8) == 1) {
		spec->runtime = names[choose(12)];
		spec->main = NULL;
	}
}

// A runtime is not started by itself, and what is started has a program.
static void check_program(const struct app_image *images, size_t count, size_t app,
                          const struct services_plan *plan)
{
	const struct app_spec *spec = images[app].spec;
	bool found = false;

	if (spec->is_runtime != 0)
		kassert(plan->blocked[app] != NULL);
	for (size_t i = 0; spec->runtime != NULL && i < count; i++)
		found |= images[i].spec->is_runtime != 0 &&
			strcmp(images[i].spec->name, spec->runtime) == 0;
	kassert(spec->runtime == NULL || found || plan->blocked[app] != NULL);
}

static size_t place_of(const struct services_plan *plan, size_t app)
{
	size_t i = 0;

	while (i < plan->num_apps && plan->order[i] != app)
		i++;
	return i;
}

// Each app is in the order once, behind those that provide what it needs.
static void check_plan(const struct app_image *images, size_t count,
                       const struct services_plan *plan)
{
	kassert(plan->num_apps == count);
	for (size_t i = 0; i < count; i++) {
		const struct app_spec *spec = images[i].spec;

		kassert(place_of(plan, i) < count);
		check_program(images, count, i, plan);
		for (size_t k = 0; k < APP_MAX_NEEDS && spec->needs[k].kind != 0; k++) {
			for (size_t j = 0; spec->needs[k].kind == NEED_SERVICE && j < count; j++) {
				for (size_t p = 0;
				     p < APP_MAX_PROVIDES && images[j].spec->provides[p] != NULL;
				     p++)
					kassert(strcmp(images[j].spec->provides[p],
					               spec->needs[k].name) != 0 ||
					        place_of(plan, j) < place_of(plan, i));
			}
		}
	}
}

// Each lookup keeps within its buffer and finds only what some word says.
static void look_up(void)
{
	for (size_t i = 0; i < 8; i++) {
		size_t size = (size_t)choose(20);
		char *value = malloc(size + 1);

		kassert(value != NULL);
		value[size] = 0x5a;
		memset(value, 0x5a, size);
		if (boot_args_lookup(args, names[choose(10)], names[choose(10)], value, size) &&
		    size > 0)
			kassert(memchr(value, '\0', size) != NULL);
		kassert(value[size] == 0x5a);
		free(value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct app_spec specs[MAX_IMAGES];
	static const struct user_image script = { .rodata_size = 4096, .script_size = 1 };
	static struct services_plan plan;
	struct app_image images[MAX_IMAGES];
	size_t count;
	error_t error;

	input = data;
	input_left = size;
	count = choose(8) == 0 ? choose(MAX_IMAGES + 1) : choose(8);
	for (size_t i = 0; i < count; i++) {
		make_spec(&specs[i]);
		images[i] = (struct app_image){ .spec = &specs[i],
			                        .user = choose(16) == 1 ? NULL : &script };
	}
	look_up();
	memset(args, 0, sizeof(args));
	memcpy(args, input, input_left < ARGS_MAX ? input_left : ARGS_MAX - 1);
	look_up();
	error = services_make_plan(images, count, &plan);
	if (error == 0) {
		check_plan(images, count, &plan);
		boot_args_check(args, images, count);
	} else {
		kassert(plan.message[0] != '\0' &&
		        memchr(plan.message, '\0', sizeof(plan.message)) != NULL);
	}
	return 0;
}
