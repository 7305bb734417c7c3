// SPDX-License-Identifier: MIT
//
// For tests of what runs on a VM: the kernel, the machine, its disks and the network's card as
// fakes, and the wires to pull on each. The console device is the real one; `guest` is its driver.
#pragma once

#include "libs/linux/vm/vm.h"
#include "libs/linux/vm/vm_internal.h"
#include "libs/starina/syscall.h"
#include "libs/virtio/device_test.h"

// Channels of disks.
#define ROOT 87
#define WRITABLE 88
// The connector of "files".
#define FILES 89

// The one that the wires below belong to: the test sets it.
extern struct vm *vm;
extern struct test_guest *guest;
extern struct loop loop;
extern nsec_t now;
// A boot configuration that the fakes know.
extern const struct vm_config boot;
extern uint32_t disks_opened;
// Times that a disk's reads went on; -1: they were ended with an error.
extern int disks_resumed;
// Whether a timer has a deadline.
bool timer_is_set(handle_t timer);
// The card that has asked for a network; NULL: none.
extern struct vm_net *joined;
// The switch does not take the last frames.
extern bool network_holds;

// Begins anew, with a `guest` that the test frees.
void vm_fake_reset(void);
// Does what the loop would do now: loads, stops, and fires timers.
void turn(void);
// The vCPUs end for `reason`.
void machine_ends(enum machine_end reason);
// The boot disk's driver has died: what is being read fails, and what is asked for from now on.
void boot_disk_dies(void);
// It is back, and reads succeed.
void boot_disk_returns(void);
// The disk's driver has answered, or has died.
void root_is_ready(uint64_t num_sectors);
// See root_is_ready.
void root_dies(error_t error);
// See root_is_ready.
void writable_is_ready(uint64_t num_sectors);
// See root_is_ready.
void writable_dies(void);
// The switch has answered with 10.0.2.100, or with an error.
void network_settles(bool works);
