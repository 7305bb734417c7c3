# SPDX-License-Identifier: MIT
APP_syscall_fuzz_LIBS := call_fuzz
