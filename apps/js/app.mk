# SPDX-License-Identifier: MIT
# What runs apps in TypeScript (docs/typescript.md).
APP_js_LIBS := quickjs files http
APP_js_ONLY := user
$(BUILD)/obj/apps/js/%.o: EXTRA_CFLAGS += $(QUICKJS_CFLAGS) $(QUICKJS_TUNED)

# The API's modules, as bytecode of the same QuickJS built for the host.
JS_LIB := $(wildcard apps/js/lib/*.js)
JS_HOST_OBJS := $(patsubst %.c,$(BUILD)/host/%.o,$(filter third_party/quickjs/%,$(LIB_quickjs_SRCS)))
APP_js_GENERATED := $(BUILD)/gen/js/lib.o
$(BUILD)/host/third_party/quickjs/%.o: third_party/quickjs/%.c
	$(call say,HOSTCC,$<)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -O1 -w -D_GNU_SOURCE -DCONFIG_VERSION='"host"' -c -o $@ $<
$(BUILD)/host/js_compile_lib: tools/js/compile_lib.c $(JS_HOST_OBJS)
	$(call say,HOSTCC,$@)
	$(Q)$(HOSTCC) -std=gnu11 -O1 -Wall -Wextra -Werror -isystem $(QUICKJS) -o $@ $^ -lm -lpthread
$(BUILD)/gen/js/lib.c: $(BUILD)/host/js_compile_lib $(JS_LIB) $(call stamp,$(BUILD)/gen/js/libs,$(JS_LIB))
	$(call say,JS,$@)
	$(Q)$< $(JS_LIB) >$@
$(BUILD)/gen/js/lib.o: $(BUILD)/gen/js/lib.c $(FLAGS_STAMP)
	$(Q)$(CC) $(CFLAGS) $(DEPFLAGS) -c -o $@ $<
