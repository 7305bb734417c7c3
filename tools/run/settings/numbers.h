// SPDX-License-Identifier: MIT
//
// Numbers and sizes as the user writes them.
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Parses a size as docker has it: 512M, 0.5g, "1 GB"; a plain number is bytes, KB and KiB are K.
// Returns false when it is none.
bool size_parse(const char *text, uint64_t *size);

// Parses a plain decimal number up to `max`. Returns false when it is none.
bool number_parse(const char *text, unsigned long max, unsigned *number);
