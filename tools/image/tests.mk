# SPDX-License-Identifier: MIT
IMAGE_TEST_SRCS := $(filter-out tools/image/main.c %_test.c %_fuzz.c,$(wildcard tools/image/*.c tools/image/*/*.c)) \
	$(filter-out %_test.c,$(wildcard tools/common/*.c))

HOST_TESTS += tools/image/spool_test
spool_test_SRCS := $(IMAGE_TEST_SRCS)
spool_test_CFLAGS := -D_GNU_SOURCE
spool_test_LIBS := -larchive -ljansson -lcrypto

HOST_TESTS += tools/image/tree/layer_test
layer_test_SRCS := $(IMAGE_TEST_SRCS)
layer_test_CFLAGS := -D_GNU_SOURCE
layer_test_LIBS := -larchive -ljansson -lcrypto

HOST_FUZZERS += tools/image/tree/layer_fuzz tools/image/config/bundle_fuzz
layer_fuzz_SRCS := $(IMAGE_TEST_SRCS)
layer_fuzz_CFLAGS := -D_GNU_SOURCE
layer_fuzz_LIBS := -larchive -ljansson -lcrypto
bundle_fuzz_SRCS := $(IMAGE_TEST_SRCS)
bundle_fuzz_CFLAGS := -D_GNU_SOURCE
bundle_fuzz_LIBS := -larchive -ljansson -lcrypto

HOST_TESTS += tools/image/config/bundle_test
bundle_test_SRCS := $(IMAGE_TEST_SRCS)
bundle_test_CFLAGS := -D_GNU_SOURCE
bundle_test_LIBS := -larchive -ljansson -lcrypto

HOST_TESTS += tools/image/pack/squashfs_test
squashfs_test_SRCS := $(IMAGE_TEST_SRCS)
squashfs_test_CFLAGS := -D_GNU_SOURCE -include tools/image/pack/count_compares.h
squashfs_test_LIBS := -larchive -ljansson -lcrypto

HOST_TESTS += tools/image/pack/index_test
index_test_SRCS := $(IMAGE_TEST_SRCS)
index_test_CFLAGS := -D_GNU_SOURCE
index_test_LIBS := -larchive -ljansson -lcrypto

HOST_FUZZERS += tools/image/source/oci_fuzz tools/image/source/archive_fuzz
oci_fuzz_SRCS := $(IMAGE_TEST_SRCS)
oci_fuzz_CFLAGS := -D_GNU_SOURCE
oci_fuzz_LIBS := -larchive -ljansson -lcrypto
archive_fuzz_SRCS := $(IMAGE_TEST_SRCS)
archive_fuzz_CFLAGS := -D_GNU_SOURCE
archive_fuzz_LIBS := -larchive -ljansson -lcrypto
archive_fuzz_SLOWER := 20
