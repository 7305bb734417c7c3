# SPDX-License-Identifier: MIT
APP_vmm_LIBS := linux files
# Its guest is hostile, and each has a process of its own.
APP_vmm_ISOLATION := user
