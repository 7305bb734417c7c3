APP_tcpip_LIBS := lwip_port
$(BUILD)/obj/apps/tcpip/%.o: EXTRA_CFLAGS += $(LWIP_CFLAGS)
# It handles bytes from outside.
APP_tcpip_ISOLATION := user
