# SPDX-License-Identifier: MIT
APP_js_test_LIBS := quickjs
$(BUILD)/obj/apps/js_test/%.o: EXTRA_CFLAGS += $(QUICKJS_CFLAGS)
# It carries QuickJS's own tests.
$(BUILD)/obj/apps/js_test/files.o: EXTRA_CFLAGS += -Wa,-I$(QUICKJS)/tests
