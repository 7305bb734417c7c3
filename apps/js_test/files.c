// SPDX-License-Identifier: MIT
//
// QuickJS's own tests, as they come with it, and what they import.
#include "apps/js_test/js_test.h"

// Each ends with NUL, as JS_Eval wants it.
#define FILE_OF(symbol, name)                                                                \
	__asm__(".pushsection .rodata\n" #symbol ": .incbin \"" name "\"\n.byte 0\n" #symbol \
	        "_end:\n.popsection");                                                       \
	extern const char symbol[], symbol##_end[]

FILE_OF(file_assert, "assert.js");
FILE_OF(file_fixture, "fixture_cyclic_import.js");
FILE_OF(file_bigint, "test_bigint.js");
FILE_OF(file_builtin, "test_builtin.js");
FILE_OF(file_closure, "test_closure.js");
FILE_OF(file_cyclic_import, "test_cyclic_import.js");
FILE_OF(file_language, "test_language.js");
FILE_OF(file_loop, "test_loop.js");

static const struct {
	const char *name;
	const char *text;
	const char *end;
} files[] = {
	{ "assert.js", file_assert, file_assert_end },
	{ "fixture_cyclic_import.js", file_fixture, file_fixture_end },
	{ "test_bigint.js", file_bigint, file_bigint_end },
	{ "test_builtin.js", file_builtin, file_builtin_end },
	{ "test_closure.js", file_closure, file_closure_end },
	{ "test_cyclic_import.js", file_cyclic_import, file_cyclic_import_end },
	{ "test_language.js", file_language, file_language_end },
	{ "test_loop.js", file_loop, file_loop_end },
};

const char *test_file(const char *name, size_t *len)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (strcmp(files[i].name, name) != 0)
			continue;
		*len = (size_t)(files[i].end - files[i].text) - 1;
		return files[i].text;
	}
	return NULL;
}
