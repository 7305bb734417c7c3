// SPDX-License-Identifier: MIT
//
// A virtual machine as a process: boots it ahead, registers with `containers`, runs the container
// that it is given, and ends with it. `containers` starts it as an instance of this app.
#include "apps/vmm/vmm.h"
#include "libs/abi/app.h"
#include "libs/base/hex.h"
#include "libs/linux/api/runtime_internal.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define BOOT_PATIENCE (120 * NSEC_PER_SEC)

static struct vmm vmm_state;

static bool read_settings(struct vmm *vmm, uint64_t *timebase, uint64_t *harts)
{
	const struct environ *env = vmm->env;

	return hex_read(environ_config(env, "token"), vmm->token, sizeof(vmm->token)) &&
		environ_config_u64(env, "memory", &vmm->memory) == 0 &&
		environ_config_u64(env, "cpus", &vmm->cpus) == 0 && vmm->cpus <= UINT32_MAX &&
		environ_config_u64(env, "timebase", timebase) == 0 &&
		environ_config_u64(env, "harts", harts) == 0;
}

static nsec_t boot_deadline(void)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	assert(err == 0);
	return now + BOOT_PATIENCE;
}

// The virtual machine boots while nothing is asked of it yet.
static void boot(struct vmm *vmm)
{
	uint32_t cpus = (uint32_t)vmm->cpus;
	error_t err = linux_runtime_keep_warm(vmm->runtime, vmm->memory, cpus, 1);

	if (err == 0)
		err = linux_runtime_wait_warm(vmm->runtime, boot_deadline());
	// One that cannot be booted ahead is booted for the container, or fails with the reason.
	if (err < 0)
		log_warn("no virtual machine could be booted ahead (%s)", error_text(err));
	if (vmm->state == VMM_BOOTING) {
		vmm->state = VMM_IDLE;
		link_tell(vmm);
	}
}

static void vmm_main(const struct environ *env)
{
	struct vmm *vmm = &vmm_state;
	uint64_t timebase = 0, harts = 0;
	error_t err;

	vmm->env = env;
	list_init(&vmm->execs);
	if (!read_settings(vmm, &timebase, &harts)) {
		log_error(
			"a vmm is started by `containers`, with vmm.token, .memory, .cpus, .timebase and .harts");
		process_exit(1);
	}
	err = loop_init(&vmm->loop);
	if (err == 0)
		err = attach_init(vmm);
	if (err == 0)
		err = linux_runtime_open(&vmm->loop, env, &vmm->runtime);
	if (err < 0) {
		log_error("there is no memory for a virtual machine (%s)", error_text(err));
		process_exit(1);
	}
	vmm->runtime->supply.timebase_hz = timebase;
	vmm->runtime->supply.hart_features = (uint32_t)harts;
	vmm->runtime->supply.has_networks = true;
	vmm->runtime->supply.only_rehearses = true;
	link_start(vmm);
	boot(vmm);
	loop_run(&vmm->loop);
}

APP(vmm, .main = vmm_main, .memory_limit = 16ul * 1024 * 1024 * 1024,
    .needs = {
	    { NEED_SERVICE, "vmm", NULL, 0 },
	    { NEED_SERVICE, "grants", NULL, 0 },
	    { NEED_SERVICE, "vmnet", NULL, 1 },
	    { NEED_SERVICE, "files", NULL, 1 },
	    { NEED_CONFIG, "token", "", 0 },
	    { NEED_CONFIG, "memory", "512M", 0 },
	    { NEED_CONFIG, "cpus", "1", 0 },
	    { NEED_CONFIG, "timebase", "10000000", 0 },
	    { NEED_CONFIG, "harts", "1", 0 },
    });
