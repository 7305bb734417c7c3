# SPDX-License-Identifier: MIT
APP_containers_LIBS := linux files host http filters
# It reads what clients of the engine send.
APP_containers_ISOLATION := user
