# SPDX-License-Identifier: MIT
APP_engine_LIBS := boot_files http json
# What docker's clients say.
APP_engine_ISOLATION := user
