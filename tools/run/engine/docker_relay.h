// SPDX-License-Identifier: MIT
//
// The way of docker's clients into the OS: each connection to the socket becomes one to the port of
// 127.0.0.1 that QEMU forwards to the OS's engine, which asks for the secret first. Bytes go both
// ways, no faster than their reader, and so does the end of either direction.
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "libs/abi/engine.h"
#include "tools/common/error.h"

// Connections at a time. More wait in the socket's queue. The OS's share of connections
// (SHARE_UPLINK_CONNECTIONS in apps/tcpip/share.h) has room for these and the status page's.
#define DOCKER_RELAY_MAX 240u
// Of these, so many may be on their way into the OS, which takes at most 128 half-open ones
// (SHARE_HALF_OPEN_PART there), at a time. One is until the OS says something, and for
// DOCKER_RELAY_YOUNG_MS at most: it may have nothing to say.
#define DOCKER_RELAY_YOUNG 64u
#define DOCKER_RELAY_YOUNG_MS 1000u

struct docker_relay;

// Relays what comes to `listener`, which listens, does not block and stays the caller's, to `port`
// of 127.0.0.1. It accepts nothing yet. NULL with `err`. Released by docker_relay_destroy().
struct docker_relay *docker_relay_create(int listener, unsigned port,
                                         const uint8_t secret[ENGINE_SECRET_SIZE],
                                         struct error *err);
// Closes all connections. NULL is fine.
void docker_relay_destroy(struct docker_relay *relay);
// Readable when there is something for docker_relay_move(), for poll(2).
int docker_relay_fd(const struct docker_relay *relay);
// When to call docker_relay_move() at the latest, in clock_ms() terms; UINT64_MAX: never.
uint64_t docker_relay_due(const struct docker_relay *relay);
// Whether somebody in the OS listens: what comes meanwhile waits in the socket's queue.
void docker_relay_accept(struct docker_relay *relay, bool accepts);
// Whom they led to is gone: closes all connections, so that no client waits for ever. A network
// stack that has died tells nobody.
void docker_relay_drop(struct docker_relay *relay);
// Does what can be done without blocking.
void docker_relay_move(struct docker_relay *relay);
// Connections that are open.
unsigned docker_relay_count(const struct docker_relay *relay);
