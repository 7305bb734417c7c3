# SPDX-License-Identifier: MIT
APP_fs_LIBS := ext4 locks
# It handles bytes from outside.
APP_fs_ISOLATION := user
