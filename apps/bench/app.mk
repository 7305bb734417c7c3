# SPDX-License-Identifier: MIT
APP_bench_LIBS := linux
