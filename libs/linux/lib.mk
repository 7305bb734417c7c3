# SPDX-License-Identifier: MIT
LIB_linux_NEEDS := json virtio fdt
