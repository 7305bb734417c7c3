// SPDX-License-Identifier: MIT
//
// A launcher for each test, and processes that are made of a folio with it.
#pragma once

#include "kernel/object/folio.h"
#include "kernel/object/launcher.h"
#include "kernel/object/space.h"
#include "kernel/object/test_support.h"

#define TEXT 0x10000ul
#define DATA 0x20000ul

extern struct launcher *test_launcher;
extern handle_t test_holder;  // of the caller's
extern const struct environ made_env;

// What threads of them do (host_program): end with status 9, or wait for ever.
void made_ends(void *arg);
// See made_ends.
void made_waits(void *arg);
// Gives the caller a handle to the launcher.
void launcher_hold(void);
// Before each test.
int launcher_setup(void **state);
#define launcher_test_case(name) \
	cmocka_unit_test_setup_teardown(name, launcher_setup, test_teardown)

// Two pages: of 0x11, and of 0x22. Nobody can write to them again.
handle_t made_program(void);
// The calls, as most tests make them.
error_t made_create(const char *name, handle_t *out);
// See made_create.
error_t made_map(handle_t process, handle_t folio, uint64_t address, uint32_t prot);
// See made_create.
error_t made_begin(handle_t process, handle_t symbols);
// One with text and data, not started.
handle_t made(const char *name);
// What process_info says.
struct process_info made_info(handle_t process);
// What the handle names.
struct process *made_process(handle_t handle);
// A byte that the process sees.
uint8_t made_byte(const struct process *process, uintptr_t addr);
