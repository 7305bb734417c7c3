# SPDX-License-Identifier: MIT
# The engine as the host has it: without the sanitizers, which see what the natives do.
JS_TEST_SRCS := $(patsubst %,apps/js/runtime/%.c,js_fake handle jobs values waiters) $(SYSTEM_FAKE_SRCS) \
	$(patsubst %,libs/base/%.c,fmt span string utf8)
JS_CHANNEL_SRCS := $(patsubst %,apps/js/native/%.c,channel channel_receive channel_send message_decode message_encode \
	message_names message_table folio)
HOST_TESTS += $(patsubst %,apps/js/native/%,device_test js_channel_test js_http_test js_service_test)
HOST_FUZZERS += $(patsubst %,apps/js/native/%,js_channel_fuzz js_http_fuzz js_native_fuzz)
device_test_SRCS := $(patsubst %,apps/js/native/%.c,device folio interrupt registers) $(JS_TEST_SRCS)
js_channel_test_SRCS := $(JS_CHANNEL_SRCS) $(JS_TEST_SRCS)
js_service_test_SRCS := apps/js/native/service.c $(js_channel_test_SRCS)
js_channel_fuzz_SRCS := $(js_service_test_SRCS)
js_channel_fuzz_SLOWER := 10
js_native_fuzz_SRCS := $(patsubst %,apps/js/native/%.c,device file files_request folder folio interrupt log registers text timers usage) \
	$(FILES_SRCS) $(JS_TEST_SRCS)
js_native_fuzz_SLOWER := 40
js_http_fuzz_SRCS := $(patsubst %,apps/js/native/%.c,http_exchange http_parse http_server http_websocket) \
	$(patsubst %,libs/http/%.c,tcpip_fake server websocket websocket_input sha1) libs/base/base64.c $(JS_TEST_SRCS) \
	$(filter-out $(JS_TEST_SRCS),$(HTTP_SRCS))
js_http_test_SRCS := $(js_http_fuzz_SRCS)
js_http_fuzz_SLOWER := 20
define js_test
$(notdir $(1))_CFLAGS := -isystem third_party/quickjs
$(notdir $(1))_LIBS := -lm -lpthread
$(BUILD)/host-tests/$(1): $(JS_HOST_OBJS)
endef
$(foreach test,device_test js_channel_test js_http_test js_service_test js_channel_fuzz js_http_fuzz js_native_fuzz,$(eval $(call js_test,apps/js/native/$(test))))
