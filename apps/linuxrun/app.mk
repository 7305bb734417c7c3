# SPDX-License-Identifier: MIT
APP_linuxrun_LIBS := linux files
# It handles bytes from outside.
APP_linuxrun_ISOLATION := user
