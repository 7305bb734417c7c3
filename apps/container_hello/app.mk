# SPDX-License-Identifier: MIT
APP_container_hello_LIBS := linux
