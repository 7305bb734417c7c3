// SPDX-License-Identifier: MIT
//
// Private to libs/requests.
#pragma once

#include "libs/requests/requests.h"

// Sends what waits for room in the client's channel.
void client_send_unsent(struct client *client);
// Frees it, when the client has gone.
void client_drop_unsent(struct client *client);
