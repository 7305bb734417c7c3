# SPDX-License-Identifier: MIT
APP_virtio_console_LIBS := virtio
