// SPDX-License-Identifier: MIT
#include "kernel/mm/page_fake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

int pages_out;
int pages_left = -1;

error_t page_alloc(unsigned order, paddr_t *out)
{
	size_t size = PAGE_SIZE << order;
	void *page;

	if (pages_left == 0)
		return ERR_NO_MEMORY;
	pages_left--;
	page = aligned_alloc(size, size);
	assert_non_null(page);
	memset(page, 0, size);
	pages_out++;
	*out = (paddr_t)(uintptr_t)page;
	return 0;
}

void page_free(paddr_t page, unsigned order)
{
	(void)order;
	pages_out--;
	free((void *)(uintptr_t)page);
}

void *page_to_virt(paddr_t paddr)
{
	return (void *)(uintptr_t)paddr;
}

paddr_t page_from_virt(const void *virt)
{
	return (paddr_t)(uintptr_t)virt;
}
