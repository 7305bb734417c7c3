# SPDX-License-Identifier: MIT
# QuickJS as it comes (fetched by setup.sh, never changed), over libs/c. Its command line tools, and what they have of an
# operating system (quickjs-libc), are not in it.
QUICKJS := third_party/quickjs
QUICKJS_CFLAGS := $(C_CFLAGS) -isystem $(QUICKJS)
LIB_quickjs_NEEDS := c
LIB_quickjs_SRCS := $(patsubst %,$(QUICKJS)/%.c,cutils dtoa libregexp libunicode quickjs)
$(BUILD)/obj/third_party/quickjs/%.o: EXTRA_CFLAGS += $(C_CFLAGS) -fhosted -D_GNU_SOURCE -DCONFIG_VERSION='"$(shell cat $(QUICKJS)/VERSION 2>/dev/null)"'
