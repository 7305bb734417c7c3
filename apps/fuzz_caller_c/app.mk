# SPDX-License-Identifier: MIT
APP_fuzz_caller_c_LIBS := call_fuzz
