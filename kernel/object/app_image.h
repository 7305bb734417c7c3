// SPDX-License-Identifier: MIT
//
// The apps in the image, as the linker lays them out.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libs/abi/app.h"

// What an app in user mode is made of. Its segments lie in the read-only part of the kernel image,
// each in whole pages of its own: text and read-only data are mapped from there, data is copied, at
// the addresses that the app was linked for (boot/user_app.ld). Made by tools/build/flatten_app.py.
struct user_image {
	const uint8_t *text;  // page-aligned
	uintptr_t text_address;
	size_t text_size;       // whole pages
	const uint8_t *rodata;  // page-aligned; NULL without any
	uintptr_t rodata_address;
	size_t rodata_size;   // whole pages; may be 0
	size_t script_size;   // bytes of the read-only data: all of it is a script; 0: it is none
	const uint8_t *data;  // .data as it is at the start; NULL without any
	uintptr_t data_address;
	size_t data_size;         // bytes of .data
	size_t data_total;        // with .bss, whole pages; may be 0
	uintptr_t thread_return;  // where a thread's entry returns to
	const uint8_t *symbols;   // for symbol_find_in: offsets are from text_address
};

// Each app's sections are gathered by the linker script: its text, its read-only data, and one
// page-aligned region with its .data and .bss, its libraries' included. An app in user mode has
// none of them.
struct app_image {
	const struct app_spec *spec;
	const uint8_t *text_start;
	const uint8_t *text_end;
	const uint8_t *rodata_start;
	const uint8_t *rodata_end;
	uint8_t *data_start;            // page-aligned; .data first
	uint8_t *data_end;              // end of .data: what is copied from the pristine copy
	uint8_t *bss_end;               // end of .bss, page-aligned: zeroed from data_end on
	const struct user_image *user;  // NULL: the app runs in the kernel's address space
};

extern const struct app_image app_images[];
extern const size_t num_app_images;

// NULL: there is none of that name.
const struct app_image *app_image_find(const char *name);
// Likewise, of runtimes in user mode.
const struct app_image *app_image_find_runtime(const char *name);
// Whose program the app runs: its runtime, or itself. The plan of services has seen that it is
// there.
const struct app_image *app_image_program(const struct app_image *image);
