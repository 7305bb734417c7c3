# SPDX-License-Identifier: MIT
# The driver's side.
HOST_TESTS += libs/virtio/queue_test libs/virtio/mmio_test
queue_test_SRCS := libs/virtio/queue.c libs/virtio/dma.c libs/starina/alloc.c libs/starina/log.c libs/base/fmt.c
mmio_test_SRCS := libs/virtio/mmio.c $(queue_test_SRCS)
