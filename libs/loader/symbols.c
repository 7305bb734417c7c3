// SPDX-License-Identifier: MIT
//
// The names of an app's functions. A debugger's lookups trust the table: all of it is checked here.
#include "libs/base/string.h"
#include "libs/loader/parse.h"

#define HEADER_SIZE 8u
#define ENTRY_SIZE 8u
#define ALIGNMENT 8u

// The length of the name at `offset`; 0 when it is none.
static size_t name_length(struct span section, uint32_t offset)
{
	size_t len = 0;

	while (offset + len < section.len && len < APP_FILE_FUNCTION_MAX) {
		uint8_t byte = section.data[offset + len];

		if (byte == 0)
			return len;
		if (byte <= ' ' || byte > '~')
			return 0;
		len++;
	}
	return 0;
}

static error_t check_entry(struct app_file *app, struct span section, uint32_t index,
                           uint64_t names_at, uint64_t *next)
{
	struct reader r =
		reader_make(section.data + HEADER_SIZE + index * (uint64_t)ENTRY_SIZE, ENTRY_SIZE);
	uint32_t offset = reader_le32(&r);
	uint32_t name = reader_le32(&r);

	if (offset < *next)
		return app_file_fail(app, ERR_INVALID,
		                     "its function names are not in ascending order (number %u)",
		                     index);
	if (offset >= app->text.size)
		return app_file_fail(
			app, ERR_INVALID,
			"its function name %u is of %#x bytes into the text, which has "
			"%#llx",
			index, offset, (unsigned long long)app->text.size);
	if (name < names_at || name_length(section, name) == 0)
		return app_file_fail(app, ERR_INVALID,
		                     "its function name %u, at %#x of its section, is no name",
		                     index, name);
	*next = (uint64_t)offset + 1;
	return 0;
}

error_t app_symbols_read(struct app_file *app, struct span file, struct span section)
{
	struct reader r = reader_make(section.data, section.len);
	uint32_t count = reader_le32(&r);
	uint32_t reserved = reader_le32(&r);
	uint64_t next = 0;
	error_t err = 0;

	if (reader_status(&r) != 0 || reserved != 0)
		return app_file_fail(app, ERR_INVALID, "its table of function names has no header");
	if ((uint64_t)(section.data - file.data) % ALIGNMENT != 0)
		return app_file_fail(app, ERR_INVALID,
		                     "its table of function names is not aligned to %u bytes",
		                     ALIGNMENT);
	if (count > (section.len - HEADER_SIZE) / ENTRY_SIZE)
		return app_file_fail(app, ERR_INVALID,
		                     "its table of %u function names is larger than its section",
		                     count);
	for (uint32_t i = 0; err == 0 && i < count; i++)
		err = check_entry(app, section, i, HEADER_SIZE + count * (uint64_t)ENTRY_SIZE,
		                  &next);
	if (err == 0)
		app->symbols = section;
	return err;
}
