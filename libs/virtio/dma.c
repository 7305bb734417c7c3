// SPDX-License-Identifier: MIT
#include "libs/virtio/dma.h"

#include "libs/starina/syscall.h"

error_t dma_alloc(size_t size, struct dma_buffer *out)
{
	struct dma_buffer buffer = { 0 };
	struct folio_info info;
	void *base;
	error_t err;

	err = folio_create(size, FOLIO_CONTIGUOUS, &buffer.folio);
	if (err != 0)
		return err;
	err = folio_info(buffer.folio, &info);
	if (err == 0)
		err = folio_map(buffer.folio, PROT_READ | PROT_WRITE, &base);
	if (err != 0) {
		handle_close(buffer.folio);
		return err;
	}
	buffer.bytes = base;
	buffer.paddr = info.paddr;
	buffer.size = info.size;
	*out = buffer;
	return 0;
}

void dma_free(struct dma_buffer *buffer)
{
	if (buffer->folio != HANDLE_NONE)
		handle_close(buffer->folio);
	*buffer = (struct dma_buffer){ 0 };
}
