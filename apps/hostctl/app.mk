# SPDX-License-Identifier: MIT
APP_hostctl_LIBS := files
# Apps ask it for things, and the host speaks to it.
APP_hostctl_ISOLATION := user
