// SPDX-License-Identifier: MIT
//
// The container, from its order to its end.
#include "apps/vmm/vmm.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/api/runtime_internal.h"
#include "libs/linux/pool/warm_vm.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static void set_state(struct vmm *vmm, enum vmm_state state)
{
	vmm->state = state;
	link_tell(vmm);
}

static void ended(struct vmm *vmm, int status, const char *error)
{
	if (vmm->state == VMM_ENDED)
		return;
	heap_free(vmm->config);
	vmm->config = NULL;
	vmm->status = status;
	vmm->failed = error != NULL;
	str_copy(vmm->error, error != NULL ? error : "", sizeof(vmm->error));
	attach_end(vmm);
	vmm_log_end(vmm);
	set_state(vmm, VMM_ENDED);
}

void container_failed(struct vmm *vmm, const char *error)
{
	ended(vmm, GUEST_STATUS_FAILED, error);
}

static void container_started(void *context, nsec_t start_ns)
{
	struct vmm *vmm = context;

	log_debug("container started in %u ms", (unsigned int)(start_ns / NSEC_PER_MSEC));
	set_state(vmm, VMM_RUNNING);
	attach_input(vmm);
}

static size_t container_output(void *context, enum guest_stream stream, struct span bytes)
{
	return vmm_log_output(context, stream, bytes);
}

static void container_input_ready(void *context)
{
	attach_input(context);
}

// What cannot be executed, whose start has been told, says so where its output would be, as with
// dockerd.
static void say_why(struct vmm *vmm, const char *error)
{
	bool has_terminal = (vmm->flags & VMM_TTY) != 0;
	char line[VM_ERROR_MAX + 2];
	size_t length = fmt_write(line, sizeof(line), "%s%s", error, has_terminal ? "\r\n" : "\n");

	(void)vmm_log_output(vmm, has_terminal ? GUEST_STDOUT : GUEST_STDERR,
	                     (struct span){ .data = (const uint8_t *)line, .len = length });
}

static void container_ended(void *context, int status, const char *error)
{
	struct vmm *vmm = context;
	bool was_started = vmm->state == VMM_RUNNING;
	char text[VM_ERROR_MAX];

	// The text is the container's own.
	if (error != NULL)
		str_copy(text, error, sizeof(text));
	vmm->lacked_memory = guest_container_lacked_memory(vmm->container);
	guest_container_destroy(vmm->container);
	vmm->container = NULL;
	if (error != NULL && was_started && status != GUEST_STATUS_FAILED) {
		say_why(vmm, text);
		error = NULL;
	}
	ended(vmm, status, error != NULL ? text : NULL);
}

static const struct guest_container_ops container_callbacks = {
	.started = container_started,
	.output = container_output,
	.input_ready = container_input_ready,
	.root_lost = disks_root_lost,
	.writable_lost = disks_layer_lost,
	.ended = container_ended,
};

// In the virtual machine that waits, or in one of its own.
static error_t create(struct vmm *vmm)
{
	struct linux_runtime *runtime = vmm->runtime;
	struct guest_container_config config = {
		.boot = vm_supply_config(&runtime->supply, vmm->memory, (uint32_t)vmm->cpus),
		.root_disk = disk_take(&vmm->root_disk),
		.root_region = vmm->root,
		.writable_disk = disk_take(&vmm->layer_disk),
		.is_scratch = (vmm->flags & VMM_SCRATCH) != 0,
		.config = { .data = (const uint8_t *)vmm->config, .len = vmm->config_length },
		.networks = &vmm->networks,
		.shares = vmm->shares,
		.num_shares = vmm->num_shares,
		.network = (vmm->flags & VMM_NETWORK) != 0 ? runtime->supply.vmnet : HANDLE_NONE,
	};
	struct warm_vm *warm = (vmm->flags & VMM_NETWORK) != 0
		? pool_take(&runtime->pool, vmm->memory, (uint32_t)vmm->cpus)
		: NULL;
	error_t err;

	if (warm != NULL)
		config.vm = warm->vm;
	err = guest_container_create(&vmm->loop, &config, &container_callbacks, vmm,
	                             &vmm->container);
	if (err < 0)
		handle_close(config.root_disk);
	if (err == 0 && warm != NULL)
		warm_vm_free(warm);
	else if (warm != NULL)
		pool_give_up(&runtime->pool, warm);
	// There is one container only.
	if (linux_runtime_keep_warm(runtime, vmm->memory, (uint32_t)vmm->cpus, 0) < 0)
		log_warn("a virtual machine that nobody needs is kept");
	return err;
}

void container_disks_missing(struct vmm *vmm, error_t error, const char *text)
{
	char reason[VM_ERROR_MAX];

	fmt_write(reason, sizeof(reason), "the container could not be made: %s%s%s",
	          text != NULL ? text : "", text != NULL && text[0] != '\0' ? ": " : "",
	          error_text(error));
	container_failed(vmm, reason);
}

void container_disks_opened(struct vmm *vmm)
{
	error_t err = create(vmm);

	if (err < 0) {
		container_disks_missing(vmm, err, NULL);
		return;
	}
	heap_free(vmm->config);
	vmm->config = NULL;
	if ((vmm->flags & VMM_OPEN_STDIN) == 0) {
		guest_container_stdin_close(vmm->container);
		vmm->stdin_over = true;
	}
	guest_container_start(vmm->container);
}

// Errors: ERR_PROTOCOL (the folio is not what was said), ERR_NO_MEMORY.
static error_t copy_config(struct vmm *vmm, uint32_t length, handle_t folio)
{
	struct payload payload;
	error_t err = payload_open_folio(folio, 0, length, &payload);

	if (err < 0)
		return err;
	vmm->config = heap_alloc((size_t)length + 1);
	if (vmm->config != NULL)
		memcpy(vmm->config, payload.bytes.data, length);
	payload_release(&payload);
	vmm->config_length = length;
	return vmm->config != NULL ? 0 : ERR_NO_MEMORY;
}

void container_start(struct vmm *vmm, const struct msg_vmm_start *start, struct span image,
                     handle_t folio)
{
	error_t err = copy_config(vmm, start->config_length, folio);

	memcpy(vmm->id, start->container, sizeof(vmm->id));
	vmm->flags = start->flags;
	vmm->root = (struct disk_region){ .first_sector = start->first_sector,
		                          .num_sectors = start->num_sectors };
	if (err < 0) {
		container_failed(vmm, "its configuration could not be read");
		return;
	}
	vmm_log_start(vmm);
	set_state(vmm, VMM_STARTING);
	disks_open(vmm, image);
}

bool container_network(const struct vmm *vmm, struct netdev_network *out)
{
	struct guest_address address;

	if (vmm->container != NULL ? !guest_container_address(vmm->container, &address)
	                           : !pool_address(&vmm->runtime->pool, vmm->memory,
	                                           (uint32_t)vmm->cpus, &address))
		return false;
	*out = address.network;
	return true;
}

void container_set_networks(struct vmm *vmm, const struct netdev_networks *networks)
{
	vmm->networks = *networks;
	if (vmm->container != NULL)
		guest_container_set_networks(vmm->container, networks);
}

void container_signal(struct vmm *vmm, uint32_t number)
{
	if (vmm->container != NULL)
		guest_container_signal(vmm->container, number);
	else if (vmm->state == VMM_STARTING && !guest_container_signal_is_ignored(number))
		ended(vmm, 128 + (int)number, NULL);
}

void container_kill(struct vmm *vmm, bool at_once)
{
	bool obeys = !at_once && !vmm->killed;

	vmm->killed = true;
	if (vmm->container != NULL) {
		if (obeys)
			guest_container_kill_inside(vmm->container);
		else
			guest_container_kill(vmm->container);
		attach_resume(vmm);
	} else if (vmm->state == VMM_STARTING) {
		ended(vmm, 128 + (int)GUEST_SIGKILL, NULL);
	} else if (!vmm->log.is_ending) {
		attach_leave(vmm);
	}
}
