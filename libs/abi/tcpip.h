// SPDX-License-Identifier: MIT
//
// The TCP/IP service, "tcpip": a connection to it takes MSG_OPEN, and the answer is a channel that
// is a socket.
//
//   tcp:HOST:PORT          a connection: MSG_DATA both ways, MSG_END for a half close, MSG_ABORT
//                          for a reset
//   tcp-listen:ADDR:PORT   a listener: sends MSG_CONNECT with the channel of each connection
//   udp:HOST:PORT          datagrams to and from one peer
//   udp-listen:ADDR:PORT   datagrams to and from anybody, from this address and port
//
// HOST is an address or a name, which is looked up; ADDR is an address of ours, 0.0.0.0, [::] or *
// (any). An IPv6 address is in brackets. A UDP socket is MSG_DATAGRAM both ways, one message a
// datagram. As in the network itself, one that is sent may be lost, and one that is received is
// lost when the channel is full.
#pragma once

#include "libs/abi/message.h"

// A datagram: in the range [offset, offset + length) of the folio that is the message's one handle,
// or inline as the tail when there is no handle.
struct msg_datagram {
	uint32_t offset;
	uint32_t length;  // at most DATAGRAM_MAX

	// The peer. In what is received: who sent it. In what is sent: to whom, on a udp-listen
	// socket; else not looked at.
	uint8_t address[16];  // network order; IPv4: the first 4
	uint16_t port;
	uint8_t ip_version;  // 4 or 6
	uint8_t reserved;
	// tail: the bytes, when there is no handle
};
#define DATAGRAM_INLINE_MAX (MESSAGE_MAX_DATA - sizeof(struct msg_datagram))
#define DATAGRAM_MAX 65507u

// From the client of a connection: its handle is an event (RIGHT_WRITE), which is signalled once
// everything that was sent before has been taken from the channel and given to the network. So a
// client can bound what its peer leaves unread.
struct msg_sync {
	uint32_t reserved;
};

// From the client of a connection: it takes so many more messages of the peer's. Before the first
// of these, as many are sent as the channel takes.
struct msg_window {
	uint32_t messages;
};

#define TCPIP_MESSAGES(X)                   \
	X(DATAGRAM, datagram, 80, 1, BYTES) \
	X(SYNC, sync, 81, 1, NONE)          \
	X(WINDOW, window, 82, 0, NONE)

enum { TCPIP_MESSAGES(MESSAGE_NUMBER) };
TCPIP_MESSAGES(MESSAGE_DECODER)
TCPIP_MESSAGES(MESSAGE_ENCODER)
