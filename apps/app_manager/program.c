// SPDX-License-Identifier: MIT
#include "apps/app_manager/manager.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

// What is wrong with the file, as its own program says it.
static error_t read_file(struct program *program, char *text)
{
	error_t error = app_file_read(&program->file,
	                              (struct span){ program->bytes, (size_t)program->size });

	if (error != 0)
		fmt_write(text, APPS_TEXT_MAX, "the app file cannot be loaded: %s",
		          program->file.error);
	return error;
}

error_t program_reload(handle_t folio, uint64_t size, struct program **out, char *text)
{
	struct program *program = heap_alloc(sizeof(*program));
	void *bytes = NULL;
	error_t error = program == NULL ? ERR_NO_MEMORY : folio_map(folio, PROT_READ, &bytes);

	if (error == 0) {
		program->users = 1;
		program->folio = folio;
		program->size = size;
		program->bytes = bytes;
		error = read_file(program, text);
	} else {
		fmt_write(text, APPS_TEXT_MAX, "no memory for the app");
	}
	if (error != 0) {
		handle_close(folio);
		heap_free(program);
		return error;
	}
	*out = program;
	return 0;
}

// A folio of its own, to which nobody can write again. Errors: folio_create's.
static error_t copy_bytes(struct span bytes, handle_t *out)
{
	handle_t folio;
	void *to;
	error_t error = folio_create(bytes.len, FOLIO_CONTIGUOUS, &folio);

	if (error != 0)
		return error;
	error = folio_map(folio, PROT_READ | PROT_WRITE, &to);
	if (error == 0) {
		memcpy(to, bytes.data, bytes.len);
		error = handle_duplicate(folio, RIGHTS_SAME, out);
	}
	handle_close(folio);
	return error;
}

error_t program_load(handle_t folio, uint64_t size, struct program **out, char *text)
{
	struct payload payload;
	handle_t own;
	error_t error;

	if (size == 0 || size > APP_FILE_MAX) {
		handle_close(folio);
		fmt_write(text, APPS_TEXT_MAX, "an app file has 1 to %lu bytes, this one %lu",
		          (unsigned long)APP_FILE_MAX, (unsigned long)size);
		return ERR_TOO_LARGE;
	}
	error = payload_open_folio(folio, 0, (uint32_t)size, &payload);
	if (error != 0) {
		fmt_write(text, APPS_TEXT_MAX, "the app file is not in its folio");
		return error;
	}
	error = copy_bytes(payload.bytes, &own);
	payload_release(&payload);
	if (error != 0) {
		fmt_write(text, APPS_TEXT_MAX, "no memory for an app file of %lu bytes",
		          (unsigned long)size);
		return error;
	}
	return program_reload(own, size, out, text);
}

void program_put(struct program *program)
{
	if (program == NULL || --program->users > 0)
		return;
	handle_close(program->folio);
	heap_free(program);
}
