// SPDX-License-Identifier: MIT
//
// A container's MAC address, where it asks for one (mac_text.c reads it, mac.c is of containers). A
// virtual machine has one card, so it is one for all of its networks.
#pragma once

#include "apps/containers/settings.h"
#include "libs/abi/netdev.h"
#include "libs/json/json.h"

#define MAC_TEXT_MAX 18u

struct container;

// Reads "02:42:ac:11:00:02", with ':' or '-'. An empty text is none: all zero; and so is one that
// the switch gives (02:53).
bool mac_read(const char *text, uint8_t out[static NETDEV_MAC_LEN]);
// "" for none.
void mac_write(const uint8_t mac[static NETDEV_MAC_LEN], char out[static MAC_TEXT_MAX]);
// A member "Mac" of a record, with a comma before it, unless it is none; and what stands behind its
// key, which makes the reader bad when it is none.
void mac_write_record(struct json_writer *w, const uint8_t mac[static NETDEV_MAC_LEN]);
void mac_read_record(struct json_reader *r, uint8_t out[static NETDEV_MAC_LEN]);
// Whether a card can have it, as a body says it. Errors: ERR_INVALID.
__must_check error_t mac_check(const char *text, char error[static SETTINGS_ERROR_MAX]);

// The endpoint that is to have it (all zero: none) is one of the container's. Errors: ERR_INVALID
// (the card has another one already).
__must_check error_t mac_fits(const struct container *c, const uint8_t mac[static NETDEV_MAC_LEN],
                              char error[static SETTINGS_ERROR_MAX]);
// Gives it the one that an endpoint asks for: a card keeps it until mac_release, whatever becomes
// of that endpoint. Errors: ERR_EXISTS (another container has it).
__must_check error_t mac_take(struct container *c, char error[static SETTINGS_ERROR_MAX]);
void mac_release(struct container *c);
// Of its card, or what that will have; "": that is not known yet.
void mac_show(const struct container *c, char out[static MAC_TEXT_MAX]);
