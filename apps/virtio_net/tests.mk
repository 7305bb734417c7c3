# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/virtio_net/virtio_net_fuzz
virtio_net_fuzz_SRCS := $(patsubst %,apps/virtio_net/%.c,fail rx tx) libs/offload/offload.c $(patsubst %,libs/virtio/%.c,mmio_fake queue dma) \
	$(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,checksum fmt span string)
virtio_net_fuzz_SLOWER := 10
