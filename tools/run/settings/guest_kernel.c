// SPDX-License-Identifier: MIT
#include "tools/run/settings/guest_kernel.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SIZE (512ll << 20)
#define BLOCK_SIZE (2u << 20)  // what such a kernel is aligned to
#define FLAG_BIG_ENDIAN 1u

struct image_header {
	uint32_t code[2];
	uint64_t text_offset;
	uint64_t image_size;
	uint64_t flags;
	uint32_t version;
	uint32_t reserved;
	uint64_t reserved2;
	char magic[8];   // "RISCV"
	char magic2[4];  // "RSC\5"
	uint32_t reserved3;
};

static int header_check(const struct image_header *header, const char *path, struct error *err)
{
	static const char *const hints[][2] = {
		{ "\x7f"
		  "ELF",
		  "an ELF file; the file to give is arch/riscv/boot/Image" },
		{ "\x1f\x8b",
		  "compressed; the file to give is arch/riscv/boot/Image, not Image.gz" },
		{ "MZ", "no RISC-V kernel, or one for EFI only" },
	};

	if (memcmp(header->magic, "RISCV\0\0", 8) == 0 && memcmp(header->magic2, "RSC\5", 4) == 0) {
		if (le64toh(header->flags) & FLAG_BIG_ENDIAN)
			return error_set(err, "%s is a kernel for big-endian machines", path);
		if (le64toh(header->image_size) > (uint64_t)MAX_SIZE ||
		    le64toh(header->text_offset) > (uint64_t)MAX_SIZE ||
		    le64toh(header->text_offset) % BLOCK_SIZE != 0)
			return error_set(err,
			                 "%s is a damaged kernel: its header has impossible sizes",
			                 path);
		return 0;
	}
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (memcmp(header, hints[i][0], strlen(hints[i][0])) == 0)
			return error_set(err, "%s is %s", path, hints[i][1]);
	return error_set(err, "%s is not a RISC-V Linux Image (arch/riscv/boot/Image)", path);
}

int guest_kernel_check(const char *path, struct error *err)
{
	struct image_header header = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat stat;
	ssize_t length;

	if (fd < 0)
		return error_set_errno(err, errno, "cannot open %s", path);
	if (fstat(fd, &stat) < 0 || !S_ISREG(stat.st_mode) || stat.st_size > MAX_SIZE) {
		close(fd);
		return error_set(err, "%s is not a file, or larger than 512 MiB", path);
	}
	length = read(fd, &header, sizeof(header));
	close(fd);
	if (length != (ssize_t)sizeof(header))
		return error_set(err,
		                 "%s is too short for a RISC-V Linux Image (arch/riscv/boot/Image)",
		                 path);
	return header_check(&header, path, err);
}
