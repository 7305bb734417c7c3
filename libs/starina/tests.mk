# SPDX-License-Identifier: MIT
HOST_TESTS += libs/starina/loop_test libs/starina/alloc_test libs/starina/environ_test \
	libs/starina/payload_test libs/starina/service_test libs/starina/mutex_test
loop_test_SRCS := libs/starina/loop_fake.c libs/starina/log_fake.c libs/starina/loop.c libs/starina/log.c libs/base/fmt.c
alloc_test_SRCS := libs/starina/alloc.c libs/starina/log.c libs/base/fmt.c
environ_test_SRCS := libs/starina/environ.c
payload_test_SRCS := libs/starina/payload.c libs/base/span.c
service_test_SRCS := libs/starina/folio_fake.c libs/starina/service.c libs/starina/payload.c libs/base/span.c
