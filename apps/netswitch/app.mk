# SPDX-License-Identifier: MIT
APP_netswitch_LIBS := offload
