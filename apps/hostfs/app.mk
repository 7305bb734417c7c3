# SPDX-License-Identifier: MIT
# It handles bytes from outside.
APP_hostfs_ISOLATION := user
