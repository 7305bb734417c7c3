// SPDX-License-Identifier: MIT
#include "kernel/startup/kernel_args.h"

#include "kernel/debug/log.h"
#include "kernel/debug/panic.h"
#include "kernel/startup/device_tree.h"
#include "kernel/startup/devices.h"
#include "libs/base/string.h"

const char *const kernel_arg_names[] = { "emulator", "gstage", "log", "panic", "times", NULL };

static void apply_log(const char *value)
{
	static const char *const names[] = {
		[LOG_ERROR] = "error",
		[LOG_WARN] = "warn",
		[LOG_INFO] = "info",
		[LOG_DEBUG] = "debug",
	};

	for (unsigned i = 0; i <= LOG_DEBUG; i++) {
		if (strcmp(value, names[i]) == 0) {
			log_set_limit((enum log_level)i);
			return;
		}
	}
	kwarn("the boot argument kernel.log=%s is not known: use error, warn, info or debug",
	      value);
}

// Deeper than any stack; the work after the call keeps it from being made a loop.
static __attribute__((noinline)) uint64_t use_up_stack(uint64_t depth)  // NOLINT(misc-no-recursion)
{
	volatile uint64_t local[16] = { depth };

	if (depth < UINT32_MAX)
		local[1] = use_up_stack(depth + 1);
	return local[0] + local[1];
}

static void apply_panic(const char *value)
{
	if (strcmp(value, "1") == 0)
		panic("the boot argument kernel.panic=1 asks for it");
	else if (strcmp(value, "stack") == 0)
		panic("a stack without an end: %llu", (unsigned long long)use_up_stack(0));
	else
		kwarn("the boot argument kernel.panic=%s is not known: use 1 or stack", value);
}

static void apply_times(const char *value)
{
	if (strcmp(value, "1") == 0)
		log_show_times();
	else if (strcmp(value, "0") != 0)
		kwarn("the boot argument kernel.times=%s is not known: use 0 or 1", value);
}

// Sv39x4 is used where the harts have it; this is to try the other mode where they have both.
static void apply_gstage(const char *value)
{
	if (strcmp(value, "sv48x4") == 0)
		machine.prefer_sv48x4 = true;
	else if (strcmp(value, "sv39x4") != 0)
		kwarn("the boot argument kernel.gstage=%s is not known: use sv39x4 or sv48x4",
		      value);
}

// QEMU keeps no translation of what is not there. Until 8.0 it drops all of them when SUM changes;
// it is known by how it writes the device tree, otherwise since 9.0.
static void apply_emulator(const char *value)
{
	if (strcmp(value, "qemu") == 0) {
		machine.has_svvptc = true;
		machine.has_slow_sum = !machine.has_isa_list;
	} else if (strcmp(value, "none") != 0) {
		kwarn("the boot argument kernel.emulator=%s is not known: use qemu or none", value);
	}
}

void kernel_args_apply(void)
{
	char value[16];

	if (boot_arg_find("kernel", "log", value, sizeof(value)))
		apply_log(value);
	if (boot_arg_find("kernel", "times", value, sizeof(value)))
		apply_times(value);
	if (boot_arg_find("kernel", "emulator", value, sizeof(value)))
		apply_emulator(value);
	if (boot_arg_find("kernel", "panic", value, sizeof(value)))
		apply_panic(value);
	if (boot_arg_find("kernel", "gstage", value, sizeof(value)))
		apply_gstage(value);
}
