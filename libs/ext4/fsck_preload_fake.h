// SPDX-License-Identifier: MIT
//
// What fsck_fake.c and fsck_preload_fake.c have between them.
#pragma once

// Descriptors: a byte for each run that is wanted; the status of each, as waitpid gives it; and a
// byte for each block of the disk, which is 1 after the program wrote the block.
#define FSCK_ORDERS 200
#define FSCK_REPLIES 201
#define FSCK_WRITTEN 202
#define FSCK_BLOCK 4096
