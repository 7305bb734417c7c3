# SPDX-License-Identifier: MIT
APP_gateway_LIBS := linux http
# It handles bytes from outside.
APP_gateway_ISOLATION := user
