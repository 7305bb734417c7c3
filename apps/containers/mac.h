// SPDX-License-Identifier: MIT
//
// A container's MAC address, where it asks for one (mac_text.c reads it, mac.c is of containers). A
// virtual machine has one card, so it is one for all of its networks.
#pragma once

#include "apps/containers/settings.h"

#define MAC_LEN 6u
#define MAC_TEXT_MAX 18u

struct container;

// Reads "02:42:ac:11:00:02", with ':' or '-'. An empty text is none: all zero.
bool mac_read(const char *text, uint8_t out[static MAC_LEN]);
// "" for none.
void mac_write(const uint8_t mac[static MAC_LEN], char out[static MAC_TEXT_MAX]);
// Whether a card can have it, as a body says it. Errors: ERR_INVALID.
__must_check error_t mac_check(const char *text, char error[static SETTINGS_ERROR_MAX]);

// The one that a container asks for; NULL: none.
const uint8_t *mac_wanted(const struct container *c);
// The endpoint that is to have it (all zero: none) is one of the container's. Errors: ERR_INVALID
// (the card has another one already).
__must_check error_t mac_fits(const struct container *c, const uint8_t mac[static MAC_LEN],
                              char error[static SETTINGS_ERROR_MAX]);
// Whether nobody else who runs has it. Errors: ERR_EXISTS.
__must_check error_t mac_take(const struct container *c, char error[static SETTINGS_ERROR_MAX]);
// Of its card, or what that will have; "": that is not known yet.
void mac_show(const struct container *c, char out[static MAC_TEXT_MAX]);
