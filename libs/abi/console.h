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
