# SPDX-License-Identifier: MIT
HOST_TESTS += apps/virtio_blk/client_test
client_test_SRCS := apps/virtio_blk/client.c libs/base/span.c
