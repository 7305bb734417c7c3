# SPDX-License-Identifier: MIT
APP_commands_LIBS := linux requests
# Its guests are hostile.
APP_commands_ISOLATION := user
