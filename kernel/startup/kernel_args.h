// SPDX-License-Identifier: MIT
#pragma once

// Does what the boot arguments `kernel.NAME=VALUE` ask of the kernel itself:
//   kernel.emulator=qemu|none         who emulates the harts: guests do without what takes it long
//                                     (default: none)
//   kernel.gstage=sv39x4|sv48x4       how guests' memory is translated where the harts can do both
//                                     (default: sv39x4)
//   kernel.log=error|warn|info|debug  shows the log up to this level (default: info)
//   kernel.panic=1|stack              breaks an invariant, or uses up the kernel's stack: for tests
//                                     of what happens then
//   kernel.times=1                    begins each line of the log with the time since power-on
// An unknown value is reported and has no effect. Once, before apps are started.
void kernel_args_apply(void);

// The names above; ends at NULL.
extern const char *const kernel_arg_names[];
