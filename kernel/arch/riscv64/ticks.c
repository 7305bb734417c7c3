// SPDX-License-Identifier: MIT
//
// Ticks of the `time` counter and nanoseconds.
#include "kernel/arch/riscv64/clock.h"

// Fixed point, so that neither direction needs a division as a rule: nanoseconds a tick (32.32) and
// ticks a nanosecond (0.64).
static uint64_t ns_per_tick;
static uint64_t ticks_per_ns;

void ticks_init(uint64_t frequency)
{
	ns_per_tick = (uint64_t)((NSEC_PER_SEC << 32) / frequency);
	// Clocks of 1 GHz and more saturate: deadlines are then early, never late.
	ticks_per_ns = frequency >= NSEC_PER_SEC ? UINT64_MAX
						 : UINT64_MAX / NSEC_PER_SEC * frequency +
			UINT64_MAX % NSEC_PER_SEC * frequency / NSEC_PER_SEC;
}

nsec_t clock_of_ticks(uint64_t ticks)
{
	unsigned __int128 when = (unsigned __int128)ticks * ns_per_tick >> 32;

	// The end of time is not its beginning: a deadline may be as late as an app likes.
	return when < NSEC_NEVER ? (nsec_t)when : NSEC_NEVER;
}

uint64_t clock_ticks_of(nsec_t when)
{
	uint64_t ticks;

	if (when == NSEC_NEVER)
		return UINT64_MAX;
	ticks = (uint64_t)((unsigned __int128)when * ticks_per_ns >> 64);
	// Rounding went down: up to where the clock reads at least `when`.
	if (clock_of_ticks(ticks) < when)
		ticks++;
	// In a far future the inexact factors are many ticks apart.
	if (clock_of_ticks(ticks) < when)
		ticks = (uint64_t)((((unsigned __int128)when << 32) + ns_per_tick - 1) /
		                   ns_per_tick);
	return ticks;
}
