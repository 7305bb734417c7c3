# SPDX-License-Identifier: MIT
APP_fuzz_caller_a_LIBS := call_fuzz
