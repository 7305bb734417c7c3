# SPDX-License-Identifier: MIT
# QuickJS as it comes (fetched by setup.sh, never changed), over libs/c. Its command line tools, and what they have of an
# operating system (quickjs-libc), are not in it.
QUICKJS := third_party/quickjs
QUICKJS_CFLAGS := $(C_CFLAGS) -isystem $(QUICKJS)
# JSValue is a struct of 16 bytes with an alignment of 8. With -mstrict-align the compiler keeps each one that it copies in
# memory, in a place of its own: the frame of JS_CallInternal, one for each call of a script, is 4,944 bytes then, and 528
# in pairs of registers. For the processor that it tunes for, it makes no access that is not aligned all the same.
QUICKJS_TUNED := -mno-strict-align
LIB_quickjs_NEEDS := c
LIB_quickjs_SRCS := $(patsubst %,$(QUICKJS)/%.c,cutils dtoa libregexp libunicode quickjs)
$(BUILD)/obj/third_party/quickjs/%.o: EXTRA_CFLAGS += $(C_CFLAGS) $(QUICKJS_TUNED) -fhosted -D_GNU_SOURCE -DCONFIG_VERSION='"$(shell cat $(QUICKJS)/VERSION 2>/dev/null)"'
$(call objects,$(LIB_quickjs_SRCS)): libs/quickjs/lib.mk
