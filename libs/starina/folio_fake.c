// SPDX-License-Identifier: MIT
//
// Folios for host tests that need none: there is no memory for them.
#include "libs/starina/syscall.h"

error_t folio_create(size_t size, uint32_t flags, handle_t *out)
{
	(void)size;
	(void)flags;
	(void)out;
	return ERR_NO_MEMORY;
}

error_t folio_create_with(const void *bytes, size_t len, handle_t *out)
{
	(void)bytes;
	(void)len;
	(void)out;
	return ERR_NO_MEMORY;
}

error_t folio_map(handle_t folio, uint32_t prot, void **out)
{
	(void)folio;
	(void)prot;
	(void)out;
	return ERR_BAD_HANDLE;
}

error_t folio_info(handle_t folio, struct folio_info *out)
{
	(void)folio;
	(void)out;
	return ERR_BAD_HANDLE;
}
