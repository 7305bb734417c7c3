# SPDX-License-Identifier: MIT
APP_containers_LIBS := linux files host requests filters ext4 logs
# It reads what clients of the engine send.
APP_containers_ISOLATION := user
