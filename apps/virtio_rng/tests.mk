# SPDX-License-Identifier: MIT
HOST_FUZZERS += apps/virtio_rng/virtio_rng_fuzz
virtio_rng_fuzz_SRCS := $(patsubst %,libs/virtio/%.c,mmio_fake queue dma) $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
