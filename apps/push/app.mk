# SPDX-License-Identifier: MIT
# It handles bytes from outside.
APP_push_ISOLATION := user
