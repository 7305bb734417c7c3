// SPDX-License-Identifier: MIT
//
// The console service ("console"), provided by virtio_console: named byte streams to the host. Open
// "console:NAME" (a virtio-serial port name as "org.starina.stdout") with MSG_OPEN; the reply's
// channel carries MSG_DATA both ways. MSG_END from the device: the host closed its side. A port is
// open once at a time; closing the channel closes the port toward the host once all that was
// written has gone out.
#pragma once

#include "libs/abi/message.h"

#define CONSOLE_PORT_STDIN "org.starina.stdin"
#define CONSOLE_PORT_STDOUT "org.starina.stdout"
#define CONSOLE_PORT_STDERR "org.starina.stderr"
#define CONSOLE_PORT_CONTROL "org.starina.control"

// Apps from the host to apps/push. Lines, each ended by a newline, numbers decimal. From the OS:
//   starina-apps 1 NONCE   the beginning: whatever the host said before is void
//   ok ID TEXT             the answer to a request
//   error ID TEXT
// From the host, one request at a time:
//   sync NONCE             first, with the nonce of the OS's last beginning
//   start ID SIZE          and SIZE bytes, an app file: it is started
//   replace ID SIZE        the same, in place of the app of that name if there is one
#define CONSOLE_PORT_APPS "org.starina.apps"
