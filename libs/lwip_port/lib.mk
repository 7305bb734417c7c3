# SPDX-License-Identifier: MIT
# lwIP as it comes (fetched by setup.sh, never changed), over the port files of this folder.
LWIP_DIR := third_party/lwip/src
LWIP_CFLAGS := -isystem libs/lwip_port/include -isystem $(LWIP_DIR)/include
LIB_lwip_port_SRCS += \
	$(addprefix $(LWIP_DIR)/core/,def.c dns.c inet_chksum.c init.c ip.c mem.c memp.c netif.c pbuf.c raw.c stats.c \
		sys.c tcp.c tcp_in.c tcp_out.c timeouts.c udp.c) \
	$(addprefix $(LWIP_DIR)/core/ipv4/,acd.c dhcp.c etharp.c icmp.c igmp.c ip4.c ip4_addr.c ip4_frag.c) \
	$(addprefix $(LWIP_DIR)/core/ipv6/,ethip6.c icmp6.c inet6.c ip6.c ip6_addr.c ip6_frag.c mld6.c nd6.c) \
	$(LWIP_DIR)/netif/ethernet.c
$(BUILD)/obj/third_party/lwip/%.o $(BUILD)/obj/libs/lwip_port/%.o: EXTRA_CFLAGS += $(LWIP_CFLAGS)
