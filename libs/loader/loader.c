// SPDX-License-Identifier: MIT
#include "libs/loader/loader.h"

#include <stdarg.h>

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/loader/parse.h"

void app_file_say(struct app_file *app, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fmt_vwrite(app->error, sizeof(app->error), format, args);
	va_end(args);
}

static error_t check_text_address(struct app_file *app, uint64_t address, const char *what)
{
	const struct app_segment *text = &app->text;

	if (address < text->address || address - text->address >= text->size)
		return app_file_fail(
			app, ERR_INVALID,
			"%s (%#llx) is outside its text, which is %#llx bytes at %#llx", what,
			(unsigned long long)address, (unsigned long long)text->size,
			(unsigned long long)text->address);
	// RISC-V unprivileged specification, "C" extension: instructions are 2-aligned.
	if (address % 2 != 0)
		return app_file_fail(app, ERR_INVALID,
		                     "%s (%#llx) is not the address of an "
		                     "instruction: it is odd",
		                     what, (unsigned long long)address);
	return 0;
}

// What an app of its own program has.
static error_t check_program(struct app_file *app, uint64_t entry)
{
	error_t err;

	if (app->text.size == 0)
		return app_file_fail(app, ERR_INVALID, "it has no text");
	err = check_text_address(app, entry, "its entry");
	return err != 0
		? err
		: check_text_address(app, app->thread_return, "the thread return of its spec");
}

// What an app has that is a script: that, and nothing that its runtime has.
static error_t check_script(struct app_file *app, uint64_t entry)
{
	if (app->text.size != 0 || app->data.size != 0)
		return app_file_fail(app, ERR_INVALID,
		                     "it is a script for the runtime \"%s\", and has text or data "
		                     "of its own",
		                     app->spec.runtime);
	if (app->rodata.size == 0 || app->rodata.address != SCRIPT_ADDRESS)
		return app_file_fail(app, ERR_INVALID,
		                     "its script is %#llx bytes at %#llx; a script is read-only "
		                     "data at %#lx",
		                     (unsigned long long)app->rodata.size,
		                     (unsigned long long)app->rodata.address, SCRIPT_ADDRESS);
	if (entry != 0 || app->thread_return != 0)
		return app_file_fail(app, ERR_INVALID,
		                     "its entry (%#llx) and its thread return (%#llx) are not 0: "
		                     "its runtime has them",
		                     (unsigned long long)entry,
		                     (unsigned long long)app->thread_return);
	return 0;
}

static error_t read_sections(struct app_file *app, struct span file, const struct elf_header *elf)
{
	struct span section;
	error_t err = elf_section_find(app, file, elf, APP_FILE_SPEC_SECTION, &section);

	if (err == 0 && section.data == NULL)
		err = app_file_fail(app, ERR_INVALID,
		                    "it has no section " APP_FILE_SPEC_SECTION ": it is a program, "
		                    "but no app; apps are build/apps/NAME.app");
	if (err == 0)
		err = app_spec_read(app, section);
	if (err == 0)
		err = app->spec.runtime != NULL ? check_script(app, elf->entry)
						: check_program(app, elf->entry);
	if (err == 0)
		err = elf_section_find(app, file, elf, APP_FILE_SYMBOLS_SECTION, &section);
	if (err == 0 && section.data != NULL && app->spec.runtime != NULL)
		return app_file_fail(
			app, ERR_INVALID,
			"it is a script, and has the section " APP_FILE_SYMBOLS_SECTION);
	if (err == 0 && section.data != NULL)
		err = app_symbols_read(app, file, section);
	return err;
}

error_t app_file_read(struct app_file *app, struct span bytes)
{
	struct elf_header elf;
	error_t err;

	memset(app, 0, sizeof(*app));
	if (bytes.len > APP_FILE_MAX)
		return app_file_fail(app, ERR_INVALID, "it has %zu bytes; an app has at most %lu",
		                     bytes.len, APP_FILE_MAX);
	err = elf_header_read(app, bytes, &elf);
	if (err == 0)
		err = elf_segments_read(app, bytes, &elf);
	if (err == 0)
		err = read_sections(app, bytes, &elf);
	if (err != 0)
		return err;
	app->entry = elf.entry;
	app->spec.main = (void (*)(const struct environ *))(uintptr_t)elf.entry;
	return 0;
}
