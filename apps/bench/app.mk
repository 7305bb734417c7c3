# SPDX-License-Identifier: MIT
APP_bench_LIBS := linux
# In the image in which the two differ.
APP_bench_ISOLATION := kernel
