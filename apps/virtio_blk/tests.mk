# SPDX-License-Identifier: MIT
HOST_TESTS += apps/virtio_blk/client_test apps/virtio_blk/session_test
client_test_SRCS := apps/virtio_blk/client.c libs/base/span.c libs/base/string.c
blk_FILES := $(patsubst %,apps/virtio_blk/%.c,disk client session counts) $(patsubst %,libs/virtio/%.c,mmio_fake queue dma) \
	$(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
session_test_SRCS := $(blk_FILES)
HOST_FUZZERS += apps/virtio_blk/virtio_blk_fuzz
virtio_blk_fuzz_SRCS := $(blk_FILES)
