// SPDX-License-Identifier: MIT
#pragma once

// Seeds the generator (kernel/object/random.h) from the device tree's rng-seed, wipes that, and
// says so in the log when there was none. Once, at boot, after device_tree_init.
void random_init(void);
