// SPDX-License-Identifier: MIT
//
// A boot disk for fuzzers over system_fake.h: a driver that answers anything, at any time, and an
// archive whose entries fit, nearly. `how` chooses what is wrong; 0: nothing.
#pragma once

#include "libs/abi/blkdev.h"
#include "libs/starina/clients_fake.h"
#include "libs/starina/system_fake.h"

// The driver's end of the disk's channel; HANDLE_NONE: there is none.
extern handle_t boot_driver;

// The driver takes an end (consumed), and has told nothing.
void boot_driver_begin(handle_t channel);
// Tells a size, of a few that matter: 3 is that of the archive.
void boot_driver_say_info(uint8_t how);
// Says anything.
void boot_driver_say(uint32_t type, const uint8_t *data, size_t len, enum fake_cargo cargo);
// Takes the requests that wait. Aborts at one that no client may make.
void boot_driver_take(void);
// Answers one of the requests, or none that was made.
void boot_driver_answer(uint8_t how);
// Forgets all requests and closes its end.
void boot_driver_die(void);

// An archive without an entry.
void boot_archive_clear(void);
// One more entry, and its bytes: their number in the first byte, in units of 16. The others spoil
// the header: pairs of place and value.
void boot_archive_add(uint8_t how, const uint8_t *data, size_t len);
