# SPDX-License-Identifier: MIT
# It gives away addresses of the kernel's half, and looks at memory where the kernel has it.
APP_adversary_test_ONLY := kernel
