// SPDX-License-Identifier: MIT
#include "libs/ext4/seal.h"

#include "libs/ext4/crc32c.h"

#define RO_COMPAT 0x64u
#define RO_COMPAT_METADATA_CSUM 0x400u
#define SNAPSHOT_ID 0x184u
#define CHECKSUM 0x3fcu

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void super_seal(uint8_t *super)
{
	uint32_t four;

	if ((le32(super + RO_COMPAT) & RO_COMPAT_METADATA_CSUM) == 0)
		return;
	four = crc32c_force(~0u, super, CHECKSUM, SNAPSHOT_ID, le32(super + CHECKSUM));
	for (uint32_t i = 0; i < 4; i++)
		super[SNAPSHOT_ID + i] = (uint8_t)(four >> 8 * i);
}
