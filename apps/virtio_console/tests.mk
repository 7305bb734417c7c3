# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/virtio_console/virtio_console_fuzz
virtio_console_fuzz_SRCS := $(patsubst %,apps/virtio_console/%.c,device console_port control session) \
	$(patsubst %,libs/virtio/%.c,mmio_fake queue dma) $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,fmt span string)
virtio_console_fuzz_SLOWER := 4
