# SPDX-License-Identifier: MIT
APP_virtio_net_LIBS := virtio offload
