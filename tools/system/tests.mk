# SPDX-License-Identifier: MIT
SYSTEM_TEST_SRCS := $(filter-out tools/system/main.c tools/system/hash_md.c %_test.c %_fuzz.c,$(wildcard tools/system/*.c)) \
	$(IMAGE_TEST_SRCS)

HOST_TESTS += tools/system/load_test tools/system/registry_words_test tools/system/remote_test
load_test_SRCS := $(SYSTEM_TEST_SRCS)
load_test_CFLAGS := -D_GNU_SOURCE
load_test_LIBS := -larchive -ljansson -lcrypto

registry_words_test_SRCS := $(SYSTEM_TEST_SRCS)
registry_words_test_CFLAGS := -D_GNU_SOURCE
registry_words_test_LIBS := -larchive -ljansson -lcrypto

remote_test_SRCS := $(filter-out tools/system/proxy.c,$(SYSTEM_TEST_SRCS))
remote_test_CFLAGS := -D_GNU_SOURCE
remote_test_LIBS := -larchive -ljansson -lcrypto

HOST_FUZZERS += tools/system/load_fuzz
load_fuzz_SRCS := $(SYSTEM_TEST_SRCS)
load_fuzz_CFLAGS := -D_GNU_SOURCE
load_fuzz_LIBS := -larchive -ljansson -lcrypto
load_fuzz_SLOWER := 40

HOST_TESTS += tools/system/commit_test
commit_test_SRCS := $(SYSTEM_TEST_SRCS)
commit_test_CFLAGS := -D_GNU_SOURCE
commit_test_LIBS := -larchive -ljansson -lcrypto

HOST_FUZZERS += tools/system/change_fuzz
change_fuzz_SRCS := $(SYSTEM_TEST_SRCS)
change_fuzz_CFLAGS := -D_GNU_SOURCE
change_fuzz_LIBS := -larchive -ljansson -lcrypto
change_fuzz_SLOWER := 4

HOST_TESTS += tools/system/manifest_digest_test
manifest_digest_test_SRCS := $(SYSTEM_TEST_SRCS)
manifest_digest_test_CFLAGS := -D_GNU_SOURCE
manifest_digest_test_LIBS := -larchive -ljansson -lcrypto
