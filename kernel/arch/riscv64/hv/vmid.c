// SPDX-License-Identifier: MIT
#include "kernel/arch/riscv64/hv/vmid.h"

struct tlb_tags vmids;
