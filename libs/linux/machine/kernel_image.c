// SPDX-License-Identifier: MIT

#include "libs/linux/machine/kernel_image.h"

#include "libs/abi/folio.h"

#define IMAGE_MAGIC2 0x05435352u  // "RSC\x05"
#define IMAGE_FLAG_BIG_ENDIAN 1u

error_t kernel_image_parse(struct span file, uint64_t file_size, uint64_t memory_size,
                           struct kernel_image *out)
{
	struct reader r = reader_make(file.data, file.len);
	uint32_t version, magic2;
	uint64_t flags;

	reader_skip(&r, 8);  // code0, code1
	out->text_offset = reader_le64(&r);
	out->image_size = reader_le64(&r);
	flags = reader_le64(&r);
	version = reader_le32(&r);
	reader_skip(&r, 4 + 8 + 8);  // res1, res2, magic
	magic2 = reader_le32(&r);
	if (reader_status(&r) < 0 || magic2 != IMAGE_MAGIC2 || version >> 16 != 0)
		return ERR_INVALID;
	if ((flags & IMAGE_FLAG_BIG_ENDIAN) != 0 || out->text_offset % BLOCK_SIZE != 0)
		return ERR_INVALID;
	if (out->image_size < file_size)
		out->image_size = file_size;
	if (!range_within(out->text_offset, out->image_size, memory_size))
		return ERR_TOO_LARGE;
	return 0;
}
