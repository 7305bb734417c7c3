// SPDX-License-Identifier: MIT
//
// An app file made by hand, for tests: good, and with everything at a known place.
#pragma once

#include <stdint.h>

#include "libs/base/span.h"

#define FAKE_SIZE 0x4800u

// Offsets in the file.
#define FAKE_TEXT 0x1000u    // 0x200 bytes at 0x10000, of which main is at 0x10010
#define FAKE_RODATA 0x2000u  // 0x100 bytes at 0x11000
#define FAKE_DATA 0x3000u    // 0x80 bytes at 0x12000, of 0x2080 in memory
#define FAKE_NAMES 0x4000u
#define FAKE_SPEC 0x4100u
#define FAKE_SYMBOLS 0x4300u
#define FAKE_SECTIONS 0x4400u

// Program header `n` (0 text, 1 read-only data, 2 data, 3 one without effect), and section header
// `n` (1 names, 2 spec, 3 symbols).
#define FAKE_SEGMENT(n) (64u + 56u * (n))
#define FAKE_SECTION(n) (FAKE_SECTIONS + 64u * (n))
// Of the spec: need `n` (0 service "echo", 1 device, 2 configuration, 3 system), service `n` of
// two, and the strings.
#define FAKE_NEED(n) (FAKE_SPEC + 80u + 16u * (n))
#define FAKE_PROVIDE(n) (FAKE_SPEC + 144u + 4u * (n))
#define FAKE_STRINGS 152u  // from the start of the spec
#define FAKE_STRINGS_SIZE 71u

// Writes the file to `bytes`, of FAKE_SIZE.
void app_file_fake(uint8_t *bytes);
// Makes it an app that is the script which its read-only data is, for the runtime "fake".
void app_file_fake_script(uint8_t *bytes);
// Little-endian numbers at `at`.
void fake_put16(uint8_t *bytes, size_t at, uint16_t value);
void fake_put32(uint8_t *bytes, size_t at, uint32_t value);
void fake_put64(uint8_t *bytes, size_t at, uint64_t value);
