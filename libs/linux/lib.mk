# SPDX-License-Identifier: MIT
LIB_linux_NEEDS := boot_files files json virtio fdt
