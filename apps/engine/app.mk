# SPDX-License-Identifier: MIT
APP_engine_LIBS := http json
# What docker's clients say.
APP_engine_ISOLATION := user
