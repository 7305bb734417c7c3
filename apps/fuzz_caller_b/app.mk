# SPDX-License-Identifier: MIT
APP_fuzz_caller_b_LIBS := call_fuzz
