// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/arch/arch.h"

// As arch_thread_switch.
static inline void thread_switch(struct hart *hart, struct thread *prev, struct thread *next)
{
	(void)hart;
	arch_thread_switch(prev, next);
}
