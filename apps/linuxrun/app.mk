# SPDX-License-Identifier: MIT
APP_linuxrun_LIBS := linux
# It handles bytes from outside.
APP_linuxrun_ISOLATION := user
