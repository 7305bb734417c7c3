# SPDX-License-Identifier: MIT
# What containers ask, and what a server of names beyond the uplink answers.
APP_dns_ISOLATION := user
