# SPDX-License-Identifier: MIT
LIB_linux_NEEDS := files json virtio fdt
