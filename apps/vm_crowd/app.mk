# SPDX-License-Identifier: MIT
APP_vm_crowd_LIBS := linux
