// SPDX-License-Identifier: MIT
//
// The segments of an app file.
#include "libs/abi/folio.h"
#include "libs/loader/parse.h"

#define HEADER_SIZE 56u

#define TYPE_LOAD 1u
#define TYPE_DYNAMIC 2u
#define TYPE_INTERPRETER 3u
#define TYPE_TLS 7u

#define FLAG_EXECUTE 1u
#define FLAG_WRITE 2u
#define FLAG_READ 4u

struct header {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;
	uint64_t address;
	uint64_t file_size;
	uint64_t size;
};

static struct header header_at(struct span file, uint64_t offset)
{
	struct reader r = reader_make(file.data + offset, HEADER_SIZE);
	struct header header;

	header.type = reader_le32(&r);
	header.flags = reader_le32(&r);
	header.offset = reader_le64(&r);
	header.address = reader_le64(&r);
	reader_skip(&r, 8);  // the physical address
	header.file_size = reader_le64(&r);
	header.size = reader_le64(&r);
	return header;
}

// Which segment of the app it is.
static error_t find_kind(struct app_file *app, const struct header *header,
                         struct app_segment **segment, const char **name)
{
	unsigned long long address = header->address;

	if ((header->flags & FLAG_WRITE) != 0 && (header->flags & FLAG_EXECUTE) != 0)
		return app_file_fail(app, ERR_INVALID,
		                     "its segment at %#llx is writable and executable", address);
	switch (header->flags) {
	case FLAG_READ | FLAG_EXECUTE:
		*segment = &app->text;
		*name = "text";
		break;
	case FLAG_READ:
		*segment = &app->rodata;
		*name = "read-only data";
		break;
	case FLAG_READ | FLAG_WRITE:
		*segment = &app->data;
		*name = "data";
		break;
	default:
		return app_file_fail(
			app, ERR_INVALID,
			"its segment at %#llx is neither text, nor read-only data, nor "
			"data (flags %#x)",
			address, header->flags);
	}
	if ((*segment)->size != 0)
		return app_file_fail(app, ERR_INVALID, "it has %s twice, at %#llx and %#llx", *name,
		                     (unsigned long long)(*segment)->address, address);
	return 0;
}

static error_t check_sizes(struct app_file *app, struct span file, const struct header *header,
                           const char *name)
{
	if (header->file_size > header->size)
		return app_file_fail(app, ERR_INVALID,
		                     "its %s has %#llx bytes in the file, and %#llx in memory",
		                     name, (unsigned long long)header->file_size,
		                     (unsigned long long)header->size);
	if ((header->flags & FLAG_WRITE) == 0 && header->file_size != header->size)
		return app_file_fail(app, ERR_INVALID, "its %s is not in the file as a whole",
		                     name);
	if (!range_within(header->offset, header->file_size, file.len))
		return app_file_fail(app, ERR_INVALID,
		                     "its %s is %#llx bytes at %#llx of the file, which has %#zx",
		                     name, (unsigned long long)header->file_size,
		                     (unsigned long long)header->offset, file.len);
	return 0;
}

static error_t check_place(struct app_file *app, const struct header *header, const char *name)
{
	if (header->address % PAGE_SIZE != 0)
		return app_file_fail(app, ERR_INVALID,
		                     "its %s begins at %#llx, which is not a page", name,
		                     (unsigned long long)header->address);
	if (header->file_size > 0 && header->offset % PAGE_SIZE != 0)
		return app_file_fail(app, ERR_INVALID,
		                     "its %s begins at %#llx of the file, which is not a page",
		                     name, (unsigned long long)header->offset);
	if (header->address < APP_FILE_ADDRESS_MIN || header->address >= APP_FILE_ADDRESS_END ||
	    header->size > APP_FILE_ADDRESS_END - header->address)
		return app_file_fail(app, ERR_INVALID,
		                     "its %s is %#llx bytes at %#llx; an app lies in %#lx to %#lx",
		                     name, (unsigned long long)header->size,
		                     (unsigned long long)header->address, APP_FILE_ADDRESS_MIN,
		                     APP_FILE_ADDRESS_END);
	return 0;
}

static uint64_t whole_pages(uint64_t size)
{
	return (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

// Whether the pages of two ranges meet. Both are page-aligned, and far from the end of all
// addresses.
static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + whole_pages(b_size) && b < a + whole_pages(a_size);
}

static error_t check_pair(struct app_file *app, struct span file, const struct app_segment *a,
                          const struct app_segment *b, const char *names)
{
	if (a->size == 0 || b->size == 0)
		return 0;
	if (overlap(a->address, a->size, b->address, b->size))
		return app_file_fail(app, ERR_INVALID, "its %s share a page: %#llx and %#llx",
		                     names, (unsigned long long)a->address,
		                     (unsigned long long)b->address);
	if (a->bytes.len != 0 && b->bytes.len != 0 &&
	    overlap((uint64_t)(a->bytes.data - file.data), a->bytes.len,
	            (uint64_t)(b->bytes.data - file.data), b->bytes.len))
		return app_file_fail(app, ERR_INVALID, "its %s share a page of the file", names);
	return 0;
}

static error_t check_all(struct app_file *app, struct span file)
{
	uint64_t total = whole_pages(app->text.size) + whole_pages(app->rodata.size) +
		whole_pages(app->data.size);
	error_t err;

	if (total > APP_FILE_MEMORY_MAX)
		return app_file_fail(app, ERR_INVALID,
		                     "its segments take %llu MiB of memory; %lu are the most",
		                     (unsigned long long)total >> 20, APP_FILE_MEMORY_MAX >> 20);
	err = check_pair(app, file, &app->text, &app->rodata, "text and read-only data");
	if (err == 0)
		err = check_pair(app, file, &app->text, &app->data, "text and data");
	if (err == 0)
		err = check_pair(app, file, &app->rodata, &app->data, "read-only data and data");
	return err;
}

static error_t read_segment(struct app_file *app, struct span file, const struct header *header)
{
	struct app_segment *segment = NULL;
	const char *name = "";
	error_t err = find_kind(app, header, &segment, &name);

	if (err == 0)
		err = check_sizes(app, file, header, name);
	if (err == 0)
		err = check_place(app, header, name);
	if (err != 0)
		return err;
	segment->address = header->address;
	segment->size = header->size;
	if (header->file_size > 0)
		segment->bytes = span_part(file, header->offset, header->file_size);
	return 0;
}

error_t elf_segments_read(struct app_file *app, struct span file, const struct elf_header *elf)
{
	for (uint16_t i = 0; i < elf->num_segments; i++) {
		struct header header = header_at(file, elf->segments_at + i * HEADER_SIZE);
		error_t err = 0;

		if (header.type == TYPE_DYNAMIC || header.type == TYPE_INTERPRETER)
			err = app_file_fail(
				app, ERR_INVALID,
				"it wants a dynamic linker: an app is linked statically");
		else if (header.type == TYPE_TLS)
			err = app_file_fail(app, ERR_INVALID,
			                    "it has thread-local storage, which apps cannot have");
		else if (header.type == TYPE_LOAD && header.size > 0)
			err = read_segment(app, file, &header);
		if (err != 0)
			return err;
	}
	return check_all(app, file);
}
