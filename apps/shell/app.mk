# SPDX-License-Identifier: MIT
APP_shell_LIBS := boot_files http json
# What is typed, and what httpd tells.
APP_shell_ISOLATION := user
