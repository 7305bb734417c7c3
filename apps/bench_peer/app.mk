# SPDX-License-Identifier: MIT
# In the image in which it and bench differ.
APP_bench_peer_ISOLATION := user
