// SPDX-License-Identifier: MIT
//
// A virtual machine: guest memory, vCPUs with a thread each, interrupt controller, MMIO bus and
// virtio slots.
//
// Two kinds of threads meet here: each vCPU's, which handles what its guest does to registers, and
// the app's loop thread, which does all device work (queue notifications, disks, streams). `mutex`
// guards the bus, the PLIC and all devices; nothing else is shared. All functions are for the
// loop's thread.
#pragma once

#include "libs/linux/machine/mmio_bus.h"
#include "libs/linux/machine/plic.h"
#include "libs/starina/loop.h"
#include "libs/starina/mutex.h"
#include "libs/virtio/device_mmio.h"

#define MACHINE_MAX_CPUS 4u
#define MACHINE_MAX_SLOTS 8u
#define MACHINE_MEMORY_START 0x80000000ull
#define MACHINE_MIN_MEMORY (32ull * 1024 * 1024)
#define MACHINE_MAX_MEMORY (8ull * 1024 * 1024 * 1024)
// Of the guest kernel's last words, for the report when it dies.
#define MACHINE_CONSOLE_MAX 1024u

struct machine;

enum machine_end {
	MACHINE_END_NONE = 0,
	MACHINE_END_STOPPED,   // machine_stop
	MACHINE_END_SHUTDOWN,  // the guest powered itself off
	MACHINE_END_REBOOT,
	MACHINE_END_FAULT,      // the guest cannot go on
	MACHINE_END_NO_MEMORY,  // there is no memory for what it touched
	MACHINE_END_ERROR,      // vcpu_run failed
};

struct machine_config {
	uint64_t memory;  // bytes, a multiple of BLOCK_SIZE
	uint32_t num_cpus;
	uint32_t hart_features;
	uint64_t timebase_hz;  // of the host (struct system_info)
	bool log_console;      // log what the guest kernel says
};

struct machine_slot {
	struct machine *machine;
	struct virtio_mmio_device *device;
	handle_t page;    // folio of the register page
	handle_t notify;  // event of all its queues
	struct source source;
};

struct machine_vcpu {
	struct machine *machine;
	uint32_t id;
	handle_t handle;
	handle_t thread;
	struct source source;  // watches the thread's end
	bool running;
};

struct machine {
	struct machine_config config;
	struct loop *loop;
	// All vCPUs have stopped, for the reason in `end`. The machine may be deinitialised from
	// here.
	void (*stopped)(void *context);
	void *context;

	handle_t memory_folio;
	struct guest_memory memory;
	handle_t hvspace;
	struct machine_vcpu vcpus[MACHINE_MAX_CPUS];
	uint32_t num_running;
	struct machine_slot slots[MACHINE_MAX_SLOTS];
	uint32_t num_slots;
	handle_t plic_page;
	uint32_t lock_depth;  // of the loop's thread

	struct mutex mutex;
	// Guarded by `mutex`.
	struct mmio_bus bus;
	struct plic plic;
	uint32_t stopping;  // also read without it
	enum machine_end end;
	error_t end_error;
	uint64_t fault_pc;
	uint64_t unknown_accesses;
	bool guest_spins;  // a vCPU's guest spins until the loop's thread has served it
	size_t console_len;
	char console[MACHINE_CONSOLE_MAX];
	char console_line[128];
	size_t console_line_len;
};

// Makes the machine: memory (nothing of it populated), address space, vCPUs (not running). Zeroes
// *machine first. Errors: ERR_NOT_SUPPORTED (no H extension), ERR_INVALID (config), ERR_NO_MEMORY,
// ERR_LIMIT.
__must_check error_t machine_init(struct machine *machine, struct loop *loop,
                                  const struct machine_config *config,
                                  void (*stopped)(void *context), void *context);
// Frees everything. No vCPU may run; a machine whose init failed, or a zeroed one, is fine.
void machine_deinit(struct machine *machine);
// Gives `device` the next slot: fills its mem, page, set_irq, irq_context and irq; the model's init
// comes next, then machine_attach. Before machine_start. Errors: ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t machine_slot_create(struct machine *machine,
                                         struct virtio_mmio_device *device);
// Puts the device of the latest slot on the bus. Errors: as hvspace_map's and
// hvspace_bind_notify's.
__must_check error_t machine_attach(struct machine *machine, struct virtio_mmio_device *device);
// Writes the guest's device tree and starts vCPU 0 at `entry`. The kernel and the initramfs are in
// place; `scratch_end` is the end of free memory below which the tree goes. Errors: ERR_TOO_LARGE,
// thread_create's.
__must_check error_t machine_start(struct machine *machine, gpa_t entry, gpa_t scratch_end,
                                   const char *bootargs, gpa_t initrd_start, gpa_t initrd_end);
// Makes all vCPUs stop; `stopped` comes later. Without effect when they have, or never ran.
void machine_stop(struct machine *machine);
// Around all use of devices by the loop's thread; nests.
void machine_enter(struct machine *machine);
void machine_leave(struct machine *machine);
// The guest does not use [offset, offset + length) of its memory now (whole blocks): the memory
// goes back to the system, and a zeroed block takes its place at the next touch, the guest's or
// ours.
void machine_discard(struct machine *machine, size_t offset, size_t length);
// Bytes of guest memory that have memory behind them.
uint64_t machine_memory_used(const struct machine *machine);
// Sums the exits of all vCPUs.
void machine_stats(struct machine *machine, struct vcpu_stats *out);
