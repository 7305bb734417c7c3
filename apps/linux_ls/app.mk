# SPDX-License-Identifier: MIT
APP_linux_ls_LIBS := linux
