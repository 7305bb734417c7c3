# SPDX-License-Identifier: MIT
# The engine as the host has it: without the sanitizers, which see what the natives do.
JS_TEST_SRCS := $(patsubst %,apps/js/runtime/%.c,js_fake handle jobs values) $(SYSTEM_FAKE_SRCS) $(patsubst %,libs/base/%.c,fmt span string)
HOST_TESTS += apps/js/native/device_test
device_test_SRCS := $(patsubst %,apps/js/native/%.c,device folio interrupt registers) $(JS_TEST_SRCS)
device_test_CFLAGS := -isystem third_party/quickjs
device_test_LIBS := -lm -lpthread
$(BUILD)/host-tests/apps/js/native/device_test: $(JS_HOST_OBJS)
