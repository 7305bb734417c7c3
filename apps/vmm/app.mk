# SPDX-License-Identifier: MIT
APP_vmm_LIBS := linux files logs
# Its guest is hostile, and each has a process of its own.
APP_vmm_ISOLATION := user
