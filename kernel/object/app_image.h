// SPDX-License-Identifier: MIT
//
// The apps in the image, as the linker lays them out.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "libs/abi/app.h"

// Each app's sections are gathered by the linker script: its text, its read-only data, and one
// page-aligned region with its .data and .bss, its libraries' included.
struct app_image {
	const struct app_spec *spec;
	const uint8_t *text_start;
	const uint8_t *text_end;
	const uint8_t *rodata_start;
	const uint8_t *rodata_end;
	uint8_t *data_start;  // page-aligned; .data first
	uint8_t *data_end;    // end of .data: what is copied from the pristine copy
	uint8_t *bss_end;     // end of .bss, page-aligned: zeroed from data_end on
};

extern const struct app_image app_images[];
extern const size_t num_app_images;
