# SPDX-License-Identifier: MIT
APP_hostfs_LIBS := linux
# It handles bytes from outside.
APP_hostfs_ISOLATION := user
