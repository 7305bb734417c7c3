# SPDX-License-Identifier: MIT
LIB_requests_NEEDS := http json
