// SPDX-License-Identifier: MIT
//
// lwIP's configuration: raw API, one thread, IPv4 and IPv6. What is not here is lwIP's default.
#pragma once

#define NO_SYS 1
#define LWIP_TIMERS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_NETCONN 0
#define LWIP_SOCKET 0

// Memory: lwIP's heap is the app's; fixed-size objects come from static pools, which bounds what a
// peer can make us allocate. Received payloads are not in these pools: they stay in the driver's
// folios.
#define MEM_LIBC_MALLOC 1
#define MEM_ALIGNMENT 8
// One for each connection that apps/tcpip/share.h grants, and for each what it may have queued.
#define MEMP_NUM_TCP_PCB 1538
#define MEMP_NUM_TCP_PCB_LISTEN 32
#define MEMP_NUM_TCP_SEG 9344
#define MEMP_NUM_UDP_PCB 64
#define MEMP_NUM_RAW_PCB 8
#define MEMP_NUM_PBUF 4736
#define PBUF_POOL_SIZE 64
#define MEMP_NUM_REASSDATA 16
#define IP_REASS_MAX_PBUFS 64
#define MEMP_NUM_SYS_TIMEOUT 24
#define MEMP_NUM_ND6_QUEUE 16
#define MEMP_NUM_ARP_QUEUE 64

#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_IPV6_MLD 1
#define LWIP_IPV6_DHCP6 0
#define IPV6_FRAG_COPYHEADER 1
#define IP_DEFAULT_TTL 64
#define LWIP_ICMP 1
#define LWIP_RAW 1
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define LWIP_DNS 1
#define DNS_TABLE_SIZE 16
#define LWIP_IGMP 0
#define LWIP_ACD 0
#define ARP_QUEUEING 1
// More neighbours than virtual machines.
#define ARP_TABLE_SIZE 48
#define LWIP_ND6_NUM_NEIGHBORS 48
#define LWIP_ND6_NUM_DESTINATIONS 48
#define ETHARP_SUPPORT_STATIC_ENTRIES 0
#define LWIP_NETIF_HOSTNAME 1
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_HAVE_LOOPIF 1
#define LWIP_LOOPBACK_MAX_PBUFS 256

// TCP: windows of 256 KiB want scaling. Data that an app sends is referenced, not copied, so the
// send buffer costs only segments.
#define LWIP_TCP 1
#define TCP_MSS 1460
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 3
#define TCP_WND (180 * TCP_MSS)
#define TCP_SND_BUF (180 * TCP_MSS)
#define TCP_SND_QUEUELEN 1024
#define TCP_SNDLOWAT (TCP_MSS * 4)
// Half-open connections are bounded by shares, not by listeners, where one sender could hold them
// all.
#define TCP_LISTEN_BACKLOG 0
#define LWIP_TCP_PCB_NUM_EXT_ARGS 1
#define TCP_QUEUE_OOSEQ 1
// The user of the stack says how many buffers that came out of order a pcb may hold.
struct tcp_pcb;
unsigned short lwip_port_ooseq_limit(const struct tcp_pcb *pcb);
#define TCP_OOSEQ_PBUFS_LIMIT(pcb) lwip_port_ooseq_limit(pcb)
// Both windows are shut, and the peer says only what is known. lwIP would answer each of these: to
// it no sequence number is in an empty window, not even the next one, which RFC 9293 3.10.7.4
// accepts. Our own number stands behind the byte that probed the peer's window, so that the peer
// answers, too, and the two go on as fast as they can. `seqno`, `ackno`, `tcplen` and `flags` are
// those of tcp_in.c; what it does first with all segments is done here.
#define LWIP_HOOK_TCP_INPACKET_PCB(pcb, hdr, optlen, opt1len, opt2, p)                          \
	((pcb)->state >= ESTABLISHED && (pcb)->rcv_wnd == 0 && (pcb)->snd_wnd == 0 &&           \
	                 (hdr)->wnd == 0 && tcplen == 0 && (flags & TCP_RST) == 0 &&            \
	                 seqno == (pcb)->rcv_nxt && ackno == (pcb)->lastack                     \
	         ? ((pcb)->tmr = tcp_ticks, (pcb)->keep_cnt_sent = 0, (pcb)->persist_probe = 0, \
	            ERR_ABRT)                                                                   \
	         : ERR_OK)
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_KEEPALIVE 1
#define TCP_OVERSIZE TCP_MSS
// A listener takes a port that connections of one before it still have.
#define SO_REUSE 1
// Its check of TCP_WND against PBUF_POOL does not hold here: received frames are not in that pool.
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1
// A connection that we closed must not keep its port busy for minutes on a server that comes and
// goes.
#define TCP_MSL 1000u

#define LWIP_CHECKSUM_ON_COPY 0
#define CHECKSUM_CHECK_IP 1
#define LWIP_CHECKSUM_CTRL_PER_NETIF 1
#define LWIP_CHKSUM(data, len) checksum_sum(data, (size_t)(len))

#define LWIP_STATS 0
#define LWIP_ERRNO_INCLUDE "lwip/errno.h"
