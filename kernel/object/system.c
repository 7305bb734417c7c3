// SPDX-License-Identifier: MIT
#include "kernel/object/system.h"

#include "kernel/arch/arch.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/kmalloc.h"
#include "kernel/mm/page.h"
#include "kernel/object/handle.h"
#include "kernel/object/process.h"
#include "kernel/sched/sched.h"

static void system_destroy(struct object *object)
{
	(void)object;
	panic("the system object is destroyed");
}

static const struct object_ops system_ops = {
	.type = OBJECT_SYSTEM,
	.rights = RIGHT_READ | RIGHT_CONTROL | RIGHT_TRANSFER | RIGHT_DUPLICATE,
	.destroy = system_destroy,
};

static struct object system = {
	.ops = &system_ops,
	.type = OBJECT_SYSTEM,
	.refs = 1,
	.watchers = { &system.watchers, &system.watchers },
};

static uint64_t first_app_instret;
// Wall time at monotonic 0; 0 is "not set".
static nsec_t wall_origin;

struct object *system_object(void)
{
	return &system;
}

void system_note_first_app(void)
{
	if (first_app_instret == 0)
		first_app_instret = arch_instret();
}

void system_get_info(struct system_info *out)
{
	*out = (struct system_info){
		.total_pages = page_total_count(),
		.free_pages = page_free_count() + kmalloc_kept_pages(),
		.kernel_objects = object_count(),
		.handles = handle_count(),
		.uptime_ns = arch_clock_now(),
		.first_app_instret = first_app_instret,
		.num_harts = num_harts,
		.num_processes = process_count(),
		.has_hypervisor = arch_has_hypervisor() ? 1 : 0,
		.hart_features = arch_hart_features(),
		.timebase_hz = arch_timebase_hz(),
	};
	for (uint32_t i = 0; i < num_harts; i++) {
		out->context_switches += harts[i].context_switches;
		out->idle_wakeups += harts[i].idle_wakeups;
	}
}

error_t system_wall_clock(nsec_t *out)
{
	nsec_t origin = __atomic_load_n(&wall_origin, __ATOMIC_RELAXED);

	if (origin == 0)
		return ERR_NOT_READY;
	*out = origin + arch_clock_now();
	return 0;
}

void system_set_wall_clock(nsec_t wall)
{
	__atomic_store_n(&wall_origin, wall - arch_clock_now(), __ATOMIC_RELAXED);
}
