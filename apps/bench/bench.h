// SPDX-License-Identifier: MIT
//
// Costs in instructions, counted inside the OS. Exact only where the counter counts instructions:
// in QEMU with -icount shift=0. Each figure is the least of BENCH_ROUNDS rounds.
#pragma once

#include <stdbool.h>

#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define BENCH_ROUNDS 32
#define BENCH_RTC "google,goldfish-rtc"

struct bench {
	const struct environ *env;
	handle_t system;
	uint64_t overhead;  // of an empty measurement
};

// Retired instructions of this hart.
static inline uint64_t instret(void)
{
	uint64_t value;

	__asm__ volatile("csrr %0, instret" : "=r"(value)::"memory");
	return value;
}

// Runs `op` BENCH_ROUNDS times, `prepare` (may be NULL) before each, and reports the cheapest run,
// divided by `divisor`.
void bench_measure(struct bench *b, const char *name, void (*op)(void *arg),
                   void (*prepare)(void *arg), void *arg, uint64_t divisor);
// One line for tools/bench/bench.py.
void bench_report(const char *name, uint64_t value);
// The lesser one.
static inline uint64_t bench_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

// Waits for the end of a thread and closes its handle.
void bench_wait_for_end(handle_t thread);

// Channels, polls, threads, timers, memory.
void bench_objects(struct bench *b);
// Round trips with another app.
void bench_round_trips(struct bench *b);
// A process made at run time.
void bench_launch(struct bench *b);
// From a device's interrupt to the app; nothing without the device.
void bench_device(struct bench *b);
// Exits of a virtual machine to the kernel and to a bare VMM. Needs the H extension.
void bench_vm(void);
// Exits that libs/linux handles. Needs the H extension.
void bench_vmm(uint32_t hart_features);
