// SPDX-License-Identifier: MIT
// Host tool: writes the guest's initramfs, an uncompressed cpio archive ("newc", see the Linux
// source's Documentation/driver-api/early-userspace/buffer-format.rst). The output depends on the
// input alone. Usage: initramfs OUTPUT INIT
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MODE_DIRECTORY 0040755u
#define MODE_PROGRAM 0100755u

static unsigned int next_inode = 1;

static void pad(FILE *out, size_t size)
{
	static const char zeros[4];

	fwrite(zeros, 1, (4 - size % 4) % 4, out);
}

static void add(FILE *out, const char *name, unsigned int mode, const uint8_t *data, size_t size)
{
	size_t name_size = strlen(name) + 1;

	// The kernel copies the data to whole pages, byte by byte unless both are aligned alike:
	// NULs behind the name move it.
	while ((ftell(out) + 110 + (long)name_size) % 8 != 0)
		name_size++;
	// magic, inode, mode, uid, gid, links, mtime, size, device (2), rdevice (2), name size,
	// checksum
	fprintf(out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", next_inode++,
	        mode, 0u, 0u, 1u, 0u, (unsigned int)size, 0u, 0u, 0u, 0u, (unsigned int)name_size,
	        0u);
	fwrite(name, 1, strlen(name), out);
	for (size_t i = strlen(name); i < name_size; i++)
		fputc('\0', out);
	pad(out, 110 + name_size);
	fwrite(data, 1, size, out);
	pad(out, size);
}

static uint8_t *read_file(const char *path, size_t *size)
{
	uint8_t *data = NULL;
	FILE *in = fopen(path, "rb");

	if (in == NULL)
		return NULL;
	if (fseek(in, 0, SEEK_END) == 0) {
		long length = ftell(in);

		rewind(in);
		*size = length > 0 ? (size_t)length : 0;
		data = *size > 0 ? malloc(*size) : NULL;
		if (data != NULL && fread(data, 1, *size, in) != *size) {
			free(data);
			data = NULL;
		}
	}
	fclose(in);
	return data;
}

int main(int argc, char **argv)
{
	static const char *const directories[] = { "dev", "lower", "writable", "rootfs" };
	static const uint8_t empty[1];
	size_t size = 0;

	if (argc != 3) {
		fprintf(stderr, "usage: initramfs OUTPUT INIT\n");
		return 2;
	}
	uint8_t *init = read_file(argv[2], &size);
	if (init == NULL) {
		fprintf(stderr, "initramfs: cannot read %s\n", argv[2]);
		return 1;
	}
	FILE *out = fopen(argv[1], "wb");
	if (out == NULL) {
		perror(argv[1]);
		free(init);
		return 1;
	}
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		add(out, directories[i], MODE_DIRECTORY, empty, 0);
	add(out, "init", MODE_PROGRAM, init, size);
	add(out, "TRAILER!!!", 0, empty, 0);
	free(init);

	int failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		fprintf(stderr, "initramfs: cannot write %s\n", argv[1]);
		remove(argv[1]);
		return 1;
	}
	return 0;
}
