# SPDX-License-Identifier: MIT
APP_app_manager_LIBS := loader
# It reads files from outside.
APP_app_manager_ISOLATION := user
