// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

// Makes the checksum of a superblock (its 1024 bytes) right again after a change in its first 512
// bytes, if it has one; call it at the end of each change. The checksum itself lies in the second
// 512 bytes, and a power cut may tear the two apart: so it stays what it is, and a field of the
// first half that nobody uses (s_snapshot_id) takes what makes it fit.
void super_seal(uint8_t *super);
