# SPDX-License-Identifier: MIT
HOST_TESTS += apps/virtio_blk/client_test
client_test_SRCS := apps/virtio_blk/client.c libs/base/span.c
HOST_FUZZERS += apps/virtio_blk/virtio_blk_fuzz
virtio_blk_fuzz_SRCS := apps/virtio_blk/disk.c apps/virtio_blk/client.c $(patsubst %,libs/virtio/%.c,mmio_fake queue dma) \
	$(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
