// SPDX-License-Identifier: MIT
//
// The steps of app_file_read(). Each returns 0, or an error after it has written app->error.
#pragma once

#include "libs/loader/loader.h"

// What an ELF header says of a file. System V ABI, "ELF Header".
struct elf_header {
	uint64_t entry;
	uint64_t segments_at;  // offset of the program headers
	uint64_t sections_at;  // offset of the section headers
	uint16_t num_segments;
	uint16_t num_sections;
	uint16_t names_index;  // the section with the names of sections
};

// Writes app->error in the way of printf.
void app_file_say(struct app_file *app, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
// The same, and its value is `error`, as the analyser can see.
#define app_file_fail(app, error, ...) (app_file_say(app, __VA_ARGS__), (error))

// elf.c: reads the header and checks that it is one of a program for this machine. System V ABI,
// "ELF Header".
__must_check error_t elf_header_read(struct app_file *app, struct span file,
                                     struct elf_header *elf);
// segments.c: fills in the segments. System V ABI, "Program Loading".
__must_check error_t elf_segments_read(struct app_file *app, struct span file,
                                       const struct elf_header *elf);
// elf.c: finds the section `name`; `*out` is empty without data when there is none. System V ABI,
// "Sections".
__must_check error_t elf_section_find(struct app_file *app, struct span file,
                                      const struct elf_header *elf, const char *name,
                                      struct span *out);
// spec.c: reads the spec into app->spec, name and needs included, and app->thread_return.
// docs/app-format.md, "The spec".
__must_check error_t app_spec_read(struct app_file *app, struct span section);
// symbols.c: checks the table of function names. docs/app-format.md, "The names of functions".
__must_check error_t app_symbols_read(struct app_file *app, struct span file, struct span section);

// The bytes [offset, offset + len) of `all`, which has them.
static inline struct span span_part(struct span all, uint64_t offset, uint64_t len)
{
	return (struct span){ .data = all.data + offset, .len = (size_t)len };
}
