// SPDX-License-Identifier: MIT
#include "apps/apps_test/apps_test.h"

__asm__(".pushsection .rodata.files, \"a\", @progbits\n"
        ".global managed_file, managed_file_end, managed_user_file, managed_user_file_end\n"
        "managed_file: .incbin \"managed.app\"\n"
        "managed_file_end:\n"
        "managed_user_file: .incbin \"managed_user.app\"\n"
        "managed_user_file_end:\n"
        ".popsection\n");

extern const uint8_t managed_file[], managed_file_end[];
extern const uint8_t managed_user_file[], managed_user_file_end[];

// The compiler is not to know that these are two objects.
static struct span between(uintptr_t start, uintptr_t end)
{
	return (struct span){ (const uint8_t *)start, end - start };
}

struct span file_of(enum file file)
{
	if (file == FILE_MANAGED)
		return between((uintptr_t)managed_file, (uintptr_t)managed_file_end);
	return between((uintptr_t)managed_user_file, (uintptr_t)managed_user_file_end);
}
