# SPDX-License-Identifier: MIT
# The driver's side.
HOST_TESTS += libs/virtio/queue_test libs/virtio/mmio_test
queue_test_SRCS := libs/virtio/queue.c libs/virtio/dma.c libs/starina/alloc.c libs/starina/log.c libs/base/fmt.c
mmio_test_SRCS := libs/virtio/mmio.c $(queue_test_SRCS)
# SPDX-License-Identifier: MIT
VIRTIO_DEVICE_SRCS := libs/virtio/device_queue.c libs/virtio/device_mmio.c libs/base/span.c
HOST_TESTS += libs/virtio/device_queue_test libs/virtio/device_console_test libs/virtio/device_blk_test
device_queue_test_SRCS := $(VIRTIO_DEVICE_SRCS)
device_console_test_SRCS := $(VIRTIO_DEVICE_SRCS) libs/virtio/device_console.c
device_blk_test_SRCS := $(VIRTIO_DEVICE_SRCS) libs/virtio/device_blk.c
HOST_FUZZERS += libs/virtio/device_queue_fuzz libs/virtio/device_console_fuzz libs/virtio/device_blk_fuzz
device_queue_fuzz_SRCS := libs/virtio/second_hart_fake.c $(VIRTIO_DEVICE_SRCS) libs/virtio/device_rng.c
device_console_fuzz_SRCS := libs/virtio/second_hart_fake.c $(VIRTIO_DEVICE_SRCS) libs/virtio/device_console.c
device_blk_fuzz_SRCS := libs/virtio/second_hart_fake.c $(VIRTIO_DEVICE_SRCS) libs/virtio/device_blk.c
HOST_TESTS += libs/virtio/device_net_test libs/virtio/device_net_offload_test
HOST_FUZZERS += libs/virtio/device_net_fuzz
device_net_fuzz_SRCS := libs/virtio/second_hart_fake.c $(VIRTIO_DEVICE_SRCS) libs/virtio/device_net.c libs/virtio/device_net_header.c
device_net_test_SRCS := libs/virtio/device_net_fake.c $(VIRTIO_DEVICE_SRCS) libs/virtio/device_net.c libs/virtio/device_net_header.c
device_net_offload_test_SRCS := $(device_net_test_SRCS)
HOST_TESTS += libs/virtio/device_balloon_test
HOST_FUZZERS += libs/virtio/device_balloon_fuzz
device_balloon_test_SRCS := $(VIRTIO_DEVICE_SRCS) libs/virtio/device_balloon.c
device_balloon_fuzz_SRCS := libs/virtio/second_hart_fake.c $(VIRTIO_DEVICE_SRCS) libs/virtio/device_balloon.c
HOST_TESTS += libs/virtio/device_fs_test
HOST_FUZZERS += libs/virtio/device_fs_fuzz
device_fs_test_SRCS := $(VIRTIO_DEVICE_SRCS) libs/virtio/device_fs.c
device_fs_fuzz_SRCS := libs/virtio/second_hart_fake.c $(VIRTIO_DEVICE_SRCS) libs/virtio/device_fs.c
