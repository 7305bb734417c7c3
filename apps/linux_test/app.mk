# SPDX-License-Identifier: MIT
APP_linux_test_LIBS := linux files
