// SPDX-License-Identifier: MIT
//
// The header of an ELF file, and its sections.
#include "libs/base/string.h"
#include "libs/loader/parse.h"

#define IDENT_SIZE 16u
#define HEADER_SIZE 64u
#define SEGMENT_HEADER_SIZE 56u
#define SECTION_HEADER_SIZE 64u
#define MAX_SEGMENTS 16u
#define MAX_SECTIONS 64u

#define CLASS_64 2u
#define LITTLE_ENDIAN 1u
#define VERSION_CURRENT 1u
#define TYPE_EXECUTABLE 2u
#define MACHINE_RISCV 243u
// RISC-V ELF psABI, "File Header": what other code than that of rv64gc with lp64d says of itself.
#define FLAG_FLOAT_ABI 0x6u
#define FLAG_FLOAT_DOUBLE 0x4u
#define FLAG_RVE 0x8u

#define SECTION_NULL 0u
#define SECTION_NOBITS 8u

static error_t check_ident(struct app_file *app, struct span ident)
{
	static const uint8_t magic[] = { 0x7f, 'E', 'L', 'F' };

	if (ident.len < sizeof(magic) || memcmp(ident.data, magic, sizeof(magic)) != 0)
		return app_file_fail(app, ERR_INVALID,
		                     "it is not an ELF file; apps are build/apps/NAME.app");
	if (ident.len < IDENT_SIZE)
		return app_file_fail(app, ERR_INVALID, "it ends within its header");
	if (ident.data[4] != CLASS_64)
		return app_file_fail(app, ERR_INVALID, "it is not an ELF file of 64 bits");
	if (ident.data[5] != LITTLE_ENDIAN)
		return app_file_fail(app, ERR_INVALID, "it is not little-endian");
	if (ident.data[6] != VERSION_CURRENT)
		return app_file_fail(app, ERR_NOT_SUPPORTED, "it is ELF of version %u, not 1",
		                     ident.data[6]);
	return 0;
}

static error_t check_kind(struct app_file *app, uint16_t type, uint16_t machine, uint32_t flags)
{
	if (machine != MACHINE_RISCV)
		return app_file_fail(app, ERR_INVALID,
		                     "it is for another machine (%u) than RISC-V (243)", machine);
	if (type != TYPE_EXECUTABLE)
		return app_file_fail(
			app, ERR_INVALID,
			"it is not a linked program at fixed addresses (type %u, not 2)", type);
	if ((flags & FLAG_FLOAT_ABI) != FLAG_FLOAT_DOUBLE || (flags & FLAG_RVE) != 0)
		return app_file_fail(app, ERR_INVALID, "it has another ABI than lp64d (flags %#x)",
		                     flags);
	return 0;
}

static error_t check_table(struct app_file *app, struct span file, uint64_t offset, uint64_t size,
                           const char *what)
{
	if (!range_within(offset, size, file.len))
		return app_file_fail(
			app, ERR_INVALID,
			"its table of %s is %#llx bytes at %#llx, and the file has %#zx", what,
			(unsigned long long)size, (unsigned long long)offset, file.len);
	return 0;
}

static error_t check_tables(struct app_file *app, struct span file, const struct elf_header *elf,
                            uint16_t segment_size, uint16_t section_size)
{
	error_t err;

	if (elf->num_segments > MAX_SEGMENTS || elf->num_sections > MAX_SECTIONS)
		return app_file_fail(app, ERR_INVALID,
		                     "it has %u segments and %u sections; %u and %u are the most",
		                     elf->num_segments, elf->num_sections, MAX_SEGMENTS,
		                     MAX_SECTIONS);
	if ((elf->num_segments > 0 && segment_size != SEGMENT_HEADER_SIZE) ||
	    (elf->num_sections > 0 && section_size != SECTION_HEADER_SIZE))
		return app_file_fail(app, ERR_INVALID,
		                     "its tables have entries of unknown sizes (%u and %u bytes)",
		                     segment_size, section_size);
	err = check_table(app, file, elf->segments_at, elf->num_segments * SEGMENT_HEADER_SIZE,
	                  "segments");
	if (err != 0)
		return err;
	return check_table(app, file, elf->sections_at, elf->num_sections * SECTION_HEADER_SIZE,
	                   "sections");
}

error_t elf_header_read(struct app_file *app, struct span file, struct elf_header *elf)
{
	struct reader r = reader_make(file.data, file.len);
	uint16_t type, machine, segment_size, section_size;
	uint32_t flags;
	error_t err;

	err = check_ident(app, span_part(file, 0, file.len < IDENT_SIZE ? file.len : IDENT_SIZE));
	if (err != 0)
		return err;
	reader_skip(&r, IDENT_SIZE);
	type = reader_le16(&r);
	machine = reader_le16(&r);
	reader_skip(&r, 4);  // the version once more
	elf->entry = reader_le64(&r);
	elf->segments_at = reader_le64(&r);
	elf->sections_at = reader_le64(&r);
	flags = reader_le32(&r);
	reader_skip(&r, 2);  // the size of this header
	segment_size = reader_le16(&r);
	elf->num_segments = reader_le16(&r);
	section_size = reader_le16(&r);
	elf->num_sections = reader_le16(&r);
	elf->names_index = reader_le16(&r);
	if (reader_status(&r) != 0)
		return app_file_fail(app, ERR_INVALID, "it ends within its header");
	err = check_kind(app, type, machine, flags);
	return err != 0 ? err : check_tables(app, file, elf, segment_size, section_size);
}

// --- Sections -----------------------------------------------------------------------------------

struct section {
	uint32_t name;  // offset in the section with the names
	uint32_t type;
	uint64_t offset;
	uint64_t size;
};

// The header number `index`, which is less than elf->num_sections.
static struct section section_at(struct span file, const struct elf_header *elf, uint16_t index)
{
	struct span header = span_part(file, elf->sections_at + index * SECTION_HEADER_SIZE,
	                               SECTION_HEADER_SIZE);
	struct reader r = reader_make(header.data, header.len);
	struct section section;

	section.name = reader_le32(&r);
	section.type = reader_le32(&r);
	reader_skip(&r, 16);  // flags, address
	section.offset = reader_le64(&r);
	section.size = reader_le64(&r);
	return section;
}

static error_t section_bytes(struct app_file *app, struct span file, const struct section *section,
                             const char *what, struct span *out)
{
	if (section->type == SECTION_NULL || section->type == SECTION_NOBITS)
		return app_file_fail(app, ERR_INVALID, "its section %s has no bytes (type %u)",
		                     what, section->type);
	if (!range_within(section->offset, section->size, file.len))
		return app_file_fail(
			app, ERR_INVALID,
			"its section %s is %#llx bytes at %#llx, and the file has %#zx", what,
			(unsigned long long)section->size, (unsigned long long)section->offset,
			file.len);
	*out = span_part(file, section->offset, section->size);
	return 0;
}

// Whether the string at `offset` of `names` is `name`. One that does not end is not.
static bool is_name(struct span names, uint32_t offset, const char *name)
{
	size_t len = strlen(name) + 1;

	return range_within(offset, len, names.len) && memcmp(names.data + offset, name, len) == 0;
}

error_t elf_section_find(struct app_file *app, struct span file, const struct elf_header *elf,
                         const char *name, struct span *out)
{
	struct section names_header;
	struct span names;
	error_t err;

	*out = (struct span){ 0 };
	if (elf->num_sections == 0)
		return 0;
	if (elf->names_index >= elf->num_sections)
		return app_file_fail(
			app, ERR_INVALID,
			"section %u, with the names of its %u sections, is none of them",
			elf->names_index, elf->num_sections);
	names_header = section_at(file, elf, elf->names_index);
	err = section_bytes(app, file, &names_header, "of names", &names);
	for (uint16_t i = 0; err == 0 && i < elf->num_sections; i++) {
		struct section section = section_at(file, elf, i);

		if (section.type == SECTION_NULL || !is_name(names, section.name, name))
			continue;
		if (out->data != NULL)
			return app_file_fail(app, ERR_INVALID, "it has the section %s twice", name);
		err = section_bytes(app, file, &section, name, out);
	}
	return err;
}
