// SPDX-License-Identifier: MIT
//
// What a guest boots from: the header of a kernel that the user brings, and the device tree that is
// written for any machine.
#include "libs/linux/machine/guest_fdt.h"

#include <libfdt.h>
#include <stdlib.h>
#include <string.h>

#include "libs/linux/machine/kernel_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

// A header, mostly with the magic number in its place.
static void parse_header(struct reader *r)
{
	uint8_t how = reader_u8(r);
	uint64_t file_size = reader_le32(r), memory_size = (uint64_t)reader_le16(r) << 20;
	struct kernel_image image = { 0 };
	size_t len = how % 80;
	uint8_t *header = malloc(len + 1);

	memset(header, 0, len + 1);
	reader_copy(r, header, r->rest.len < len ? r->rest.len : len);
	if ((how & 0x80) == 0 && len >= KERNEL_IMAGE_HEADER_SIZE)
		memcpy(header + 56, "RSC\x05", 4);
	if (kernel_image_parse((struct span){ .data = header, .len = len }, file_size, memory_size,
	                       &image) == 0) {
		check(len >= 60 && image.image_size >= file_size);
		check(range_within(image.text_offset, image.image_size, memory_size));
	}
	free(header);
}

static void write_tree(struct reader *r)
{
	uint8_t seed[64] = { 0 };
	char bootargs[256];
	struct guest_fdt_config config = { .num_cpus = reader_u8(r) % 16 + 1,
		                           .num_virtio = reader_u8(r) % 32 };
	size_t room = reader_le16(r) % 9000, len = 0;
	uint8_t *tree = malloc(room + 1);
	size_t args = reader_u8(r);
	error_t err;

	config.plic_sources = config.num_virtio;
	config.hart_features = config.num_cpus;
	config.timebase_hz = reader_le32(r);
	config.memory_start = reader_le64(r);
	config.memory_size = reader_le64(r);
	config.initrd_start = reader_le64(r);
	config.initrd_end = reader_le64(r);
	config.plic_start = config.virtio_start = reader_le32(r);
	config.plic_size = config.virtio_stride = config.virtio_size = reader_le32(r);
	config.rng_seed = (struct span){ .data = seed, .len = reader_u8(r) % sizeof(seed) };
	memset(bootargs, 'x', sizeof(bootargs));
	bootargs[args] = '\0';
	config.bootargs = bootargs;
	err = guest_fdt_write(&config, (struct mut_span){ .data = tree, .len = room }, &len);
	check(err == 0 || err == ERR_TOO_LARGE);
	if (err == 0) {
		check(len <= room && fdt_check_full(tree, len) == 0);
		check(fdt_path_offset(tree, "/chosen") >= 0 &&
		      fdt_path_offset(tree, "/cpus/cpu@0") >= 0);
	} else {
		check(room < 9000);
	}
	free(tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_make(data, size);

	if (reader_u8(&r) % 2 == 0)
		parse_header(&r);
	else
		write_tree(&r);
	return 0;
}
