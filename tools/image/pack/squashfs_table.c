// SPDX-License-Identifier: MIT
#include "tools/image/pack/squashfs_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER_SIZE 2
#define NOT_COMPRESSED 0x8000u

void squashfs_put(struct squashfs_bytes *bytes, const void *data, size_t size)
{
	if (size > bytes->room - bytes->size) {
		size_t room = (bytes->size + size) * 2;
		unsigned char *grown = realloc(bytes->data, room);

		if (!grown)
			abort();
		bytes->data = grown;
		bytes->room = room;
	}
	if (size > 0)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

static void put_number(struct squashfs_bytes *bytes, uint64_t value, unsigned size)
{
	unsigned char data[8];

	for (unsigned i = 0; i < size; i++)
		data[i] = (unsigned char)(value >> (8 * i));
	squashfs_put(bytes, data, size);
}

void squashfs_put16(struct squashfs_bytes *bytes, unsigned value)
{
	put_number(bytes, value, 2);
}

void squashfs_put32(struct squashfs_bytes *bytes, uint32_t value)
{
	put_number(bytes, value, 4);
}

void squashfs_put64(struct squashfs_bytes *bytes, uint64_t value)
{
	put_number(bytes, value, 8);
}

void squashfs_bytes_free(struct squashfs_bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct squashfs_bytes){ 0 };
}

uint64_t squashfs_reference(size_t offset)
{
	uint64_t block = offset / SQUASHFS_METADATA_SIZE * (SQUASHFS_METADATA_SIZE + HEADER_SIZE);

	return block << 16 | offset % SQUASHFS_METADATA_SIZE;
}

int squashfs_write(struct squashfs_file *file, const void *data, size_t size, struct error *err)
{
	const char *bytes = data;

	while (size > 0) {
		ssize_t written = pwrite(file->fd, bytes, size, (off_t)file->position);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return error_set_errno(err, written < 0 ? errno : ENOSPC,
			                       "cannot write the root image");
		bytes += written;
		size -= (size_t)written;
		file->position += (uint64_t)written;
	}
	return 0;
}

int squashfs_write_table(struct squashfs_file *file, const struct squashfs_bytes *table,
                         struct squashfs_bytes *index, struct error *err)
{
	for (size_t done = 0; done < table->size; done += SQUASHFS_METADATA_SIZE) {
		size_t left = table->size - done;
		size_t size = left < SQUASHFS_METADATA_SIZE ? left : SQUASHFS_METADATA_SIZE;
		struct squashfs_bytes header = { 0 };
		int result;

		if (index)
			squashfs_put64(index, file->position);
		squashfs_put16(&header, (unsigned)size | NOT_COMPRESSED);
		result = squashfs_write(file, header.data, header.size, err);
		squashfs_bytes_free(&header);
		if (result < 0 || squashfs_write(file, table->data + done, size, err) < 0)
			return -1;
	}
	return 0;
}

int squashfs_write_indexed(struct squashfs_file *file, const struct squashfs_bytes *table,
                           uint64_t *start, struct error *err)
{
	struct squashfs_bytes index = { 0 };
	int result = squashfs_write_table(file, table, &index, err);

	*start = file->position;
	if (result == 0)
		result = squashfs_write(file, index.data, index.size, err);
	squashfs_bytes_free(&index);
	return result;
}
