// SPDX-License-Identifier: MIT
#include "kernel/startup/random.h"

#include "kernel/debug/log.h"
#include "kernel/object/random.h"
#include "kernel/startup/device_tree.h"
#include "libs/base/string.h"

void random_init(void)
{
	random_mix(machine.rng_seed, machine.rng_seed_len);
	memset(machine.rng_seed, 0, sizeof(machine.rng_seed));
	if (!random_is_seeded())
		kwarn("the device tree has no rng-seed of 32 bytes: random numbers are predictable until virtio_rng has mixed "
		      "some in (QEMU passes a seed by default)");
}
