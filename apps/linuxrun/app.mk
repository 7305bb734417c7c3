# SPDX-License-Identifier: MIT
APP_linuxrun_LIBS := linux
