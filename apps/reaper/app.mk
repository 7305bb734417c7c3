# SPDX-License-Identifier: MIT
APP_reaper_LIBS := http host json
