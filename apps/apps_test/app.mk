# SPDX-License-Identifier: MIT
# It carries the files that it has the app manager load.
$(BUILD)/obj/apps/apps_test/files.o: EXTRA_CFLAGS += -Wa,-I$(BUILD)/apps
$(BUILD)/obj/apps/apps_test/files.o: $(BUILD)/apps/managed.app $(BUILD)/apps/managed_user.app
