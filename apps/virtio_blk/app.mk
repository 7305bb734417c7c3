# SPDX-License-Identifier: MIT
APP_virtio_blk_LIBS := virtio
