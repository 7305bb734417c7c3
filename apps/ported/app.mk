# SPDX-License-Identifier: MIT
APP_ported_LIBS := c
$(BUILD)/obj/apps/ported/%.o: EXTRA_CFLAGS += $(C_CFLAGS)
