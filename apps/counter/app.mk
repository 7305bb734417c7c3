# SPDX-License-Identifier: MIT
APP_counter_LIBS := files
