# SPDX-License-Identifier: MIT
APP_virtio_rng_LIBS := virtio
