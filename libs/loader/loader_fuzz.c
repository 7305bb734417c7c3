// SPDX-License-Identifier: MIT
//
// App files. An input that begins as ELF does is the file; any other is a list of changes to a good
// file, of a script when its first byte says so. What is accepted holds what loader.h promises.
#include <stdlib.h>
#include <string.h>

#include "libs/base/text.h"
#include "libs/loader/app_file_fake.h"
#include "libs/loader/loader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct app_file app;

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void check_segment(const struct app_segment *segment, struct span file)
{
	if (segment->size == 0)
		return;
	must(segment->address >= APP_FILE_ADDRESS_MIN && segment->address % 4096 == 0);
	must(segment->size <= APP_FILE_MEMORY_MAX &&
	     segment->address + segment->size <= APP_FILE_ADDRESS_END);
	must(segment->bytes.len <= segment->size);
	if (segment->bytes.len > 0)
		must(segment->bytes.data >= file.data &&
		     (segment->bytes.data - file.data) % 4096 == 0 &&
		     segment->bytes.len <= (size_t)(file.data + file.len - segment->bytes.data));
}

static void check_apart(const struct app_segment *a, const struct app_segment *b)
{
	if (a->size == 0 || b->size == 0)
		return;
	must(a->address + app_segment_pages(a) <= b->address ||
	     b->address + app_segment_pages(b) <= a->address);
}

static void check_string(const char *text, size_t max)
{
	must(text >= app.strings && text < app.strings + APP_FILE_STRINGS_MAX &&
	     strnlen(text, max) < max);
}

static void check_spec(void)
{
	const struct app_spec *spec = &app.spec;

	check_string(spec->name, APP_NAME_MAX);
	must(spec->abi_version == APP_ABI_VERSION && spec->restart <= RESTART_ALWAYS);
	for (size_t i = 0; i < APP_MAX_NEEDS && spec->needs[i].kind != 0; i++) {
		must(spec->needs[i].kind <= NEED_LOOK);
		if (spec->needs[i].name != NULL)
			check_string(spec->needs[i].name, ENV_NAME_MAX);
		else
			must(spec->needs[i].kind == NEED_SYSTEM ||
			     spec->needs[i].kind == NEED_LAUNCHER ||
			     spec->needs[i].kind == NEED_LOOK);
		if (spec->needs[i].fallback != NULL)
			check_string(spec->needs[i].fallback, ENV_VALUE_MAX);
	}
	for (size_t i = 0; i < APP_MAX_PROVIDES && spec->provides[i] != NULL; i++)
		check_string(spec->provides[i], ENV_NAME_MAX);
}

static void check_symbols(void)
{
	struct reader r = reader_make(app.symbols.data, app.symbols.len);
	uint32_t count = reader_le32(&r);

	if (app.symbols.len == 0)
		return;
	reader_skip(&r, 4);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t offset = reader_le32(&r);
		uint32_t name = reader_le32(&r);

		must(offset < app.text.size && name < app.symbols.len);
		must(memchr(app.symbols.data + name, 0, app.symbols.len - name) != NULL);
	}
	must(reader_status(&r) == 0);
}

static void check_accepted(struct span file)
{
	must(app.error[0] == '\0');
	check_segment(&app.text, file);
	check_segment(&app.rodata, file);
	check_segment(&app.data, file);
	check_apart(&app.text, &app.rodata);
	check_apart(&app.text, &app.data);
	check_apart(&app.rodata, &app.data);
	must(app.text.bytes.len == app.text.size && app.rodata.bytes.len == app.rodata.size);
	if (app.spec.runtime != NULL) {
		check_string(app.spec.runtime, APP_NAME_MAX);
		must(app.text.size == 0 && app.data.size == 0 && app.symbols.len == 0);
		must(app.rodata.size > 0 && app.rodata.address == SCRIPT_ADDRESS);
		must(app.entry == 0 && app.thread_return == 0);
	} else {
		must(app.text.size > 0 && app.entry - app.text.address < app.text.size);
		must(app.thread_return - app.text.address < app.text.size);
	}
	check_spec();
	check_symbols();
}

static void check_refused(error_t err)
{
	must((err == ERR_INVALID || err == ERR_NOT_SUPPORTED) && app.error[0] != '\0');
	must(strlen(app.error) < APP_FILE_ERROR_MAX - 1);
	for (size_t i = 0; app.error[i] != '\0'; i++)
		must(text_visible(app.error + i, 1) == 1);
}

// Each change is a place (2 bytes), how many bytes come there (1), and these; or the file ends
// there. Returns the size of the file.
static size_t change(uint8_t *bytes, const uint8_t *data, size_t size)
{
	struct reader r = reader_make(data, size);
	size_t total = FAKE_SIZE;

	while (r.rest.len > 3) {
		size_t at = reader_le16(&r);
		uint8_t how = reader_u8(&r);
		size_t len = 1 + how % 8;
		struct span value = reader_bytes(&r, len < r.rest.len ? len : r.rest.len);

		if (how >= 0xf0)
			total = at < FAKE_SIZE ? at : FAKE_SIZE;
		else if (at + value.len <= FAKE_SIZE && value.len > 0)
			memcpy(bytes + at, value.data, value.len);
	}
	return total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool whole = size >= 4 &&
		memcmp(data,
	               "\x7f"
	               "ELF",
	               4) == 0;
	size_t total = whole ? size : FAKE_SIZE;
	uint8_t *bytes = malloc(total);
	struct span file;
	uint8_t *exact;
	error_t err;

	if (whole) {
		memcpy(bytes, data, size);
	} else {
		app_file_fake(bytes);
		if (size > 0 && data[0] == 0xff)
			app_file_fake_script(bytes);
		total = change(bytes, data, size);
	}
	exact = malloc(total > 0 ? total : 1);
	memcpy(exact, bytes, total);
	file = (struct span){ .data = exact, .len = total };
	err = app_file_read(&app, file);
	if (err == 0)
		check_accepted(file);
	else
		check_refused(err);
	free(exact);
	free(bytes);
	return 0;
}
