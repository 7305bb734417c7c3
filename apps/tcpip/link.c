// SPDX-License-Identifier: MIT
//
// The link: lwIP's network interface over the channel of the switch.
//
// A received frame stays in the sender's folio: a custom pbuf points into it, and closes the folio
// when lwIP is done. A frame to send is gathered once, into a folio of its own (frame_tx.c).
#include "apps/tcpip/frame_pbuf.h"
#include "apps/tcpip/frame_tx.h"
#include "apps/tcpip/share.h"
#include "apps/tcpip/tcpip.h"
#include "libs/abi/netdev.h"
#include "libs/base/decimal.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"
#include "lwip/dhcp.h"
#include "lwip/dns.h"
#include "lwip/etharp.h"
#include "lwip/ethip6.h"
#include "netif/ethernet.h"

#define MAX_UNSENT 1024
#define MAX_MTU 1500
// ARP's size. lwIP looks at the first bytes of an IP header before it asks whether they are there
// (frames_fuzz.c found it).
#define FRAME_MIN 42u
#define SOURCE_MAC 6
// Large frames of virtual machines are as good as many small ones, and better.
#define TSO_FEATURES (NETDEV_FEATURE_TSO4 | NETDEV_FEATURE_TSO6)
#define TAKEN_FEATURES (NETDEV_FEATURE_TX_CSUM | TSO_FEATURES)

struct unsent_frame {
	struct list entry;
	struct message message;
};

// --- Sending ---

// Keeps a frame until the device's channel is writable. A full queue drops it, as a network may.
static void keep_unsent(struct link *link, struct message *m)
{
	struct unsent_frame *unsent = NULL;

	if (link->num_unsent < MAX_UNSENT)
		unsent = heap_alloc(sizeof(*unsent));
	if (unsent == NULL) {
		message_discard(m);
		return;
	}
	unsent->message = *m;
	list_push_back(&link->unsent, &unsent->entry);
	link->num_unsent++;
	source_want_writable(&link->device, true);
}

// Sends a frame's message, or lets it wait.
static void send_frame(struct link *link, struct message *m)
{
	error_t err;

	if (!list_is_empty(&link->unsent)) {
		keep_unsent(link, m);
		return;
	}
	err = channel_send(link->device.handle, m);
	if (err == ERR_FULL)
		keep_unsent(link, m);
	else if (err)
		message_discard(m);
}

void link_flush(struct link *link)
{
	struct message m;

	if (link->gather.count > 0 &&
	    !gather_message(&link->gather, &m, link->takes_partial_checksums))
		send_frame(link, &m);
}

static err_t link_output(struct netif *netif, struct pbuf *p)
{
	struct link *link = netif->state;
	struct message m;

	if (link->device.handle == HANDLE_NONE)
		return ERR_IF;
	if (gather_add(&link->gather, p, link->takes_large))
		return ERR_OK;
	link_flush(link);
	if (gather_add(&link->gather, p, link->takes_large))
		return ERR_OK;
	if (frame_tx_message(&m, p, link->takes_partial_checksums))
		return ERR_MEM;
	send_frame(link, &m);
	return ERR_OK;
}

static void device_writable(struct loop *loop, struct source *source)
{
	struct link *link = source->context;
	struct list *entry;

	(void)loop;
	while ((entry = list_pop_front(&link->unsent)) != NULL) {
		struct unsent_frame *unsent = container_of(entry, struct unsent_frame, entry);
		error_t err = channel_send(source->handle, &unsent->message);

		if (err == ERR_FULL) {
			list_push_front(&link->unsent, &unsent->entry);
			return;
		}
		if (err)
			message_discard(&unsent->message);
		link->num_unsent--;
		heap_free(unsent);
	}
	source_want_writable(source, false);
}

static void drop_unsent(struct link *link)
{
	struct list *entry;

	gather_drop(&link->gather);
	while ((entry = list_pop_front(&link->unsent)) != NULL) {
		struct unsent_frame *unsent = container_of(entry, struct unsent_frame, entry);

		message_discard(&unsent->message);
		heap_free(unsent);
	}
	link->num_unsent = 0;
}

// --- The interface ---

static void status_changed(struct netif *netif)
{
	struct link *link = netif->state;

	if (!netif_is_up(netif) || ip4_addr_eq(&link->shown, netif_ip4_addr(netif)))
		return;
	link->shown = *netif_ip4_addr(netif);
	if (!ip4_addr_isany_val(link->shown))
		log_info("address %s", ip4addr_ntoa(netif_ip4_addr(netif)));
}

static err_t link_netif_init(struct netif *netif)
{
	netif->name[0] = 'e';
	netif->name[1] = 'n';
	netif->output = etharp_output;
	netif->output_ip6 = ethip6_output;
	netif->linkoutput = link_output;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		NETIF_FLAG_MLD6;
	netif_set_hostname(netif, "starina");
	return ERR_OK;
}

// The checksums that lwIP computes and checks; frame_tx.c does TCP's. What has been verified, or
// never left this machine, is not checked again.
static void set_checksums(struct link *link, bool verified)
{
	unsigned flags = NETIF_CHECKSUM_ENABLE_ALL & ~(unsigned)NETIF_CHECKSUM_GEN_TCP;

	if (verified)
		flags &= ~(unsigned)(NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP);
	NETIF_SET_CHECKSUM_CTRL(&link->netif, (u16_t)flags);
}

// The switch may send what its ports leave to others: a checksum that is not computed is not
// checked either.
static void accept_features(struct link *link)
{
	struct msg_netdev_accept accept = { .features = TAKEN_FEATURES };
	struct message m;
	error_t err = message_encode_netdev_accept(&m, &accept, NULL, 0);

	if (!err)
		err = channel_send(link->device.handle, &m);
	if (err)
		log_warn("cannot tell the switch what we take: %s", error_text(err));
}

// The device said what it is: the interface comes up, or back after the driver was restarted.
static void device_info(struct link *link, const struct msg_netdev_info *info)
{
	struct netif *netif = &link->netif;
	uint64_t timeout = 10;
	nsec_t now = 0;

	if (!link->netif_added) {
		if (netif_add_noaddr(netif, link, link_netif_init, ethernet_input) == NULL)
			assert_failed("netif_add", __FILE__, __LINE__);
		link->netif_added = true;
		netif_set_status_callback(netif, status_changed);
	}
	netif->hwaddr_len = sizeof(info->mac);
	memcpy(netif->hwaddr, info->mac, sizeof(info->mac));
	netif->mtu = info->mtu < 1280 || info->mtu > MAX_MTU ? MAX_MTU : info->mtu;
	netif->mtu6 = netif->mtu;
	link->takes_partial_checksums = (info->features & NETDEV_FEATURE_TX_CSUM) != 0;
	link->takes_large = (info->features & TSO_FEATURES) == TSO_FEATURES;
	link->told = (struct netdev_network){ 0 };
	set_checksums(link, false);
	accept_features(link);
	netif_set_default(netif);
	netif_set_link_up(netif);
	netif_set_up(netif);
	netif_create_ip6_linklocal_address(netif, 1);
	netif_set_ip6_autoconfig_enabled(netif, 1);
	if (dhcp_start(netif) != ERR_OK)
		log_warn("cannot start DHCP: using the static address");
	if (environ_config_u64(link->tcpip->env, "dhcp_timeout", &timeout) || timeout > 3600)
		timeout = 10;
	if (!clock_get(CLOCK_MONOTONIC, &now))
		link->fallback_at = now + timeout * NSEC_PER_SEC;
}

// "10.0.2.15/24" to an address and a mask.
static bool parse_cidr(const char *text, ip4_addr_t *addr, ip4_addr_t *mask)
{
	char copy[20];
	char *slash;
	uint64_t bits;

	if (text == NULL || str_copy(copy, text, sizeof(copy)) >= sizeof(copy))
		return false;
	slash = strchr(copy, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	if (!decimal_read(text_span(slash + 1), 32, &bits) || bits == 0 ||
	    !ip4addr_aton(copy, addr))
		return false;
	ip4_addr_set_u32(mask, lwip_htonl(0xffffffffu << (32 - bits)));
	return true;
}

static void take_static_address(struct link *link)
{
	const struct environ *env = link->tcpip->env;
	const char *gateway_text = environ_config(env, "gateway");
	const char *dns_text = environ_config(env, "dns");
	ip4_addr_t addr, mask, gateway;
	ip_addr_t dns;

	if (!parse_cidr(environ_config(env, "address"), &addr, &mask)) {
		log_error(
			"tcpip.address=%s is not ADDRESS/BITS as 10.0.2.15/24: the network stays down",
			environ_config(env, "address"));
		return;
	}
	if (gateway_text == NULL || !ip4addr_aton(gateway_text, &gateway))
		ip4_addr_set_zero(&gateway);
	log_warn("no answer from DHCP: taking the static address");
	dhcp_release_and_stop(&link->netif);
	netif_set_addr(&link->netif, &addr, &mask, &gateway);
	if (dns_text != NULL && ipaddr_aton(dns_text, &dns))
		dns_setserver(0, &dns);
}

nsec_t link_check_fallback(struct link *link, nsec_t now)
{
	if (link->fallback_at == NSEC_NEVER)
		return NSEC_NEVER;
	if (dhcp_supplied_address(&link->netif)) {
		link->fallback_at = NSEC_NEVER;
	} else if (now >= link->fallback_at) {
		link->fallback_at = NSEC_NEVER;
		take_static_address(link);
	}
	return link->fallback_at;
}

static void put_ip4(uint8_t out[4], const ip4_addr_t *addr)
{
	memcpy(out, &addr->addr, 4);
}

void link_tell_network(struct link *link)
{
	struct msg_netdev_network now = { 0 };
	const struct netif *netif = &link->netif;
	struct message m;

	if (link->device.handle == HANDLE_NONE || !link->netif_added ||
	    ip4_addr_isany(netif_ip4_addr(netif)))
		return;
	put_ip4(now.network.address, netif_ip4_addr(netif));
	put_ip4(now.network.gateway, netif_ip4_gw(netif));
	now.network.prefix_len = (uint32_t)__builtin_popcount(netif_ip4_netmask(netif)->addr);
	for (u8_t i = 0; i < 2; i++) {
		const ip_addr_t *server = dns_getserver(i);

		if (IP_IS_V4(server))
			put_ip4(now.network.dns[i], ip_2_ip4(server));
	}
	if (memcmp(&now.network, &link->told, sizeof(link->told)) == 0)
		return;
	// A full channel: at the next turn.
	if (message_encode_netdev_network(&m, &now, NULL, 0) == 0 &&
	    channel_send(link->device.handle, &m) == 0)
		link->told = now.network;
}

// --- Receiving ---

static void device_frame(struct link *link, struct message *m)
{
	struct msg_netdev_frame frame;
	const uint8_t *tail;
	size_t tail_len;
	struct pbuf *p = NULL;

	if (!link->netif_added || message_decode_netdev_frame(m, &frame, &tail, &tail_len)) {
		message_discard(m);
		return;
	}
	if (m->num_handles == 1) {
		p = frame_pbuf_make(m->handles[0], frame.offset, frame.length);
	} else if (frame.length == tail_len) {
		p = pbuf_alloc(PBUF_RAW, (u16_t)tail_len, PBUF_RAM);
		if (p != NULL)
			pbuf_take(p, tail, (u16_t)tail_len);
	}
	if (p == NULL)
		return;
	set_checksums(link,
	              (frame.flags & (NETDEV_FRAME_CSUM_VERIFIED | NETDEV_FRAME_NEEDS_CSUM)) != 0);
	if (p->tot_len < FRAME_MIN) {
		pbuf_free(p);
		return;
	}
	share_sender_set((frame.flags & NETDEV_FRAME_OF_PORT) != 0
	                         ? (const uint8_t *)p->payload + SOURCE_MAC
	                         : NULL);
	if (link->netif.input(p, &link->netif) != ERR_OK)
		pbuf_free(p);
	share_sender_clear();
}

static void device_message(struct loop *loop, struct source *source, struct message *m)
{
	struct link *link = source->context;
	struct msg_netdev_info info;
	struct msg_netdev_gone gone;
	const uint8_t *tail;
	size_t tail_len;

	(void)loop;
	if (m->type == MSG_NETDEV_FRAME) {
		device_frame(link, m);
		return;
	}
	if (!message_decode_netdev_info(m, &info, &tail, &tail_len))
		device_info(link, &info);
	else if (!message_decode_netdev_gone(m, &gone, &tail, &tail_len))
		shares_reset_peer(gone.mac, gone.address);
	message_discard(m);
}

// The switch went: the interface stays, with its link down, until there is a switch again.
static void device_closed(struct loop *loop, struct source *source)
{
	struct link *link = source->context;

	loop_close(loop, source);
	link->fallback_at = NSEC_NEVER;
	drop_unsent(link);
	if (link->netif_added)
		netif_set_link_down(&link->netif);
	if (service_client_again(&link->client))
		log_error("cannot connect to the switch any more");
}

static const struct source_ops device_ops = {
	.message = device_message,
	.writable = device_writable,
	.closed = device_closed,
};

static void device_connected(void *context, handle_t channel)
{
	struct link *link = context;

	if (loop_add(&link->tcpip->loop, &link->device, channel, &device_ops, link)) {
		log_error("cannot watch the switch");
		handle_close(channel);
		link->device.handle = HANDLE_NONE;
	}
}

error_t link_init(struct link *link, struct tcpip *tcpip)
{
	handle_t connector = environ_connector(tcpip->env, "ethernet");

	link->tcpip = tcpip;
	link->fallback_at = NSEC_NEVER;
	list_init(&link->unsent);
	if (connector == HANDLE_NONE) {
		log_warn("no network switch: only loopback works");
		return 0;
	}
	return service_client_start(&tcpip->loop, &link->client, connector, device_connected, link);
}
