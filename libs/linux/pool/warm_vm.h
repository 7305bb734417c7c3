// SPDX-License-Identifier: MIT
//
// A VM that is booted ahead: on the network, with the built-in userland as its root disk, and with
// a container in it that bootd has prepared (CONTROL_PREPARE), so that a command has little more to
// do than execve. Private to libs/linux.
#pragma once

#include "libs/linux/pool/vm_supply.h"
#include "libs/starina/opener.h"

struct warm_vm;

struct warm_vm_ops {
	// It waits for a container now.
	void (*ready)(struct warm_vm *warm, void *context);
	// It is of no more use; the log says why. It is to be ended, from the loop.
	void (*failed)(struct warm_vm *warm, void *context);
	// warm_vm_end is to be called again. From anywhere.
	void (*stopped)(struct warm_vm *warm, void *context);
};

struct warm_vm {
	const struct vm_supply *supply;
	const struct warm_vm_ops *ops;
	void *context;
	struct vm *vm;
	struct list entry;  // the owner's
	struct opener opener;
	bool opening;  // the opener has not answered
	bool root_ready;
	bool root_lost;
	uint32_t prepare_request;  // 0: not sent
	bool ready;
	bool over;  // neither `ready` nor `failed` comes any more
	bool ending;
	bool stopped;
};

// Makes a VM and boots it; `ready` comes, or `failed`, maybe from within. `supply` is ready, and
// outlives it. Errors: as vm_create's.
__must_check error_t warm_vm_boot(const struct vm_supply *supply, uint64_t memory, uint32_t cpus,
                                  const struct warm_vm_ops *ops, void *context,
                                  struct warm_vm **out);
// From now on only `stopped` comes: it is about to be ended, or to get another owner.
void warm_vm_retire(struct warm_vm *warm);
// Frees one that is ready and retired, but for its VM, which has another owner (vm_set_owner).
void warm_vm_free(struct warm_vm *warm);
// Ends it. Returns whether all is freed; otherwise `stopped` comes, and it is to be called again.
bool warm_vm_end(struct warm_vm *warm);
