# SPDX-License-Identifier: MIT
APP_gateway_LIBS := linux http
