// SPDX-License-Identifier: MIT
#include "libs/loader/app_file_fake.h"

#include <assert.h>
#include <string.h>

#include "libs/loader/loader.h"

void fake_put16(uint8_t *bytes, size_t at, uint16_t value)
{
	struct writer w = writer_make(bytes + at, 2);

	writer_le16(&w, value);
}

void fake_put32(uint8_t *bytes, size_t at, uint32_t value)
{
	struct writer w = writer_make(bytes + at, 4);

	writer_le32(&w, value);
}

void fake_put64(uint8_t *bytes, size_t at, uint64_t value)
{
	struct writer w = writer_make(bytes + at, 8);

	writer_le64(&w, value);
}

static void put_header(struct writer *w)
{
	writer_bytes(w,
	             "\x7f"
	             "ELF\x02\x01\x01",
	             7);
	writer_zero(w, 9);
	writer_le16(w, 2);
	writer_le16(w, 243);
	writer_le32(w, 1);
	writer_le64(w, 0x10010);
	writer_le64(w, FAKE_SEGMENT(0));
	writer_le64(w, FAKE_SECTION(0));
	writer_le32(w, 5);  // compressed instructions, double floats
	writer_le16(w, 64);
	writer_le16(w, 56);
	writer_le16(w, 4);
	writer_le16(w, 64);
	writer_le16(w, 4);
	writer_le16(w, 1);
}

static void put_segment(struct writer *w, uint32_t type, uint32_t flags, uint64_t offset,
                        uint64_t address, uint64_t file_size, uint64_t size)
{
	writer_le32(w, type);
	writer_le32(w, flags);
	writer_le64(w, offset);
	writer_le64(w, address);
	writer_le64(w, address);
	writer_le64(w, file_size);
	writer_le64(w, size);
	writer_le64(w, 0x1000);
}

static void put_section(struct writer *w, uint32_t name, uint32_t type, uint64_t offset,
                        uint64_t size)
{
	writer_le32(w, name);
	writer_le32(w, type);
	writer_zero(w, 16);
	writer_le64(w, offset);
	writer_le64(w, size);
	writer_zero(w, 24);
}

static void put_need(struct writer *w, uint32_t kind, uint32_t name, uint32_t fallback,
                     uint32_t optional)
{
	writer_le32(w, kind);
	writer_le32(w, name);
	writer_le32(w, fallback);
	writer_le32(w, optional);
}

static void put_spec(struct writer *w)
{
	static const char strings[FAKE_STRINGS_SIZE] =
		"fake\0echo\0virtio,mmio\0greeting\0good morning\0fake\0fake:control\0\0\0\0\0\0";
	const uint32_t s = FAKE_STRINGS;

	writer_bytes(w, "AppS", 4);
	writer_le16(w, APP_FILE_SPEC_VERSION);
	writer_le16(w, 80);
	writer_le32(w, FAKE_STRINGS + FAKE_STRINGS_SIZE);
	writer_le32(w, APP_ABI_VERSION);
	writer_le64(w, 1 << 20);
	writer_le64(w, 1 << 16);
	writer_le32(w, 100);
	writer_le32(w, RESTART_ON_FAULT);
	writer_le64(w, 0x10100);
	writer_le32(w, s);
	writer_le32(w, 80);
	writer_le32(w, 4);
	writer_le32(w, 144);
	writer_le32(w, 2);
	writer_le32(w, s);
	writer_le32(w, FAKE_STRINGS_SIZE);
	writer_le32(w, 0);
	put_need(w, NEED_SERVICE, s + 5, 0, 0);
	put_need(w, NEED_DEVICE, s + 10, 0, 1);
	put_need(w, NEED_CONFIG, s + 22, s + 31, 0);
	put_need(w, NEED_SYSTEM, 0, 0, 0);
	writer_le32(w, s + 44);
	writer_le32(w, s + 49);
	writer_bytes(w, strings, sizeof(strings));
}

static void put_symbols(struct writer *w)
{
	writer_le32(w, 2);
	writer_le32(w, 0);
	writer_le32(w, 0x10);
	writer_le32(w, 24);
	writer_le32(w, 0x100);
	writer_le32(w, 24 + 10);
	writer_bytes(w, "fake_main\0returns", 18);
}

void app_file_fake(uint8_t *bytes)
{
	static const char names[] = "\0.names\0" APP_FILE_SPEC_SECTION
				    "\0" APP_FILE_SYMBOLS_SECTION;
	struct writer head = writer_make(bytes, FAKE_TEXT);
	struct writer spec = writer_make(bytes + FAKE_SPEC, FAKE_SYMBOLS - FAKE_SPEC);
	struct writer symbols = writer_make(bytes + FAKE_SYMBOLS, FAKE_SECTIONS - FAKE_SYMBOLS);
	struct writer sections = writer_make(bytes + FAKE_SECTIONS, FAKE_SIZE - FAKE_SECTIONS);

	memset(bytes, 0, FAKE_SIZE);
	put_header(&head);
	put_segment(&head, 1, 5, FAKE_TEXT, 0x10000, 0x200, 0x200);
	put_segment(&head, 1, 4, FAKE_RODATA, 0x11000, 0x100, 0x100);
	put_segment(&head, 1, 6, FAKE_DATA, 0x12000, 0x80, 0x2080);
	put_segment(&head, 0x70000003, 4, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX);
	put_spec(&spec);
	put_symbols(&symbols);
	memcpy(bytes + FAKE_NAMES, names, sizeof(names));
	put_section(&sections, 0, 0, 0, 0);
	put_section(&sections, 1, 3, FAKE_NAMES, sizeof(names));
	put_section(&sections, 8, 1, FAKE_SPEC, spec.len);
	put_section(&sections, 22, 1, FAKE_SYMBOLS, symbols.len);
	assert(!head.bad && !spec.bad && !symbols.bad && !sections.bad);
}

void app_file_fake_script(uint8_t *bytes)
{
	fake_put32(bytes, FAKE_SEGMENT(0), 0);
	fake_put32(bytes, FAKE_SEGMENT(2), 0);
	fake_put64(bytes, FAKE_SEGMENT(1) + 16, SCRIPT_ADDRESS);
	fake_put64(bytes, 24, 0);
	fake_put64(bytes, FAKE_SPEC + 40, 0);
	fake_put32(bytes, FAKE_SPEC + 76, FAKE_STRINGS);
	fake_put32(bytes, FAKE_SECTION(3) + 4, 0);
}
