// SPDX-License-Identifier: MIT
//
// The way of apps into the OS: from those of --app and from clients of a socket (tools/push), one
// at a time, to apps/push over the port org.starina.apps. libs/abi/console.h has the protocol; a
// client says "replace SIZE" and so many bytes, and gets "ok TEXT" or "error TEXT".
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/common/line_reader.h"

#define APP_PORT_NUM_FDS 2
#define APP_PORT_LINE_MAX 512

// An app file that is started once the OS is up.
struct boot_app {
	const char *path;
	char *bytes;
	size_t size;
};

enum app_port_state {
	APP_PORT_IDLE,
	APP_PORT_READS,  // what the client asks
	APP_PORT_WAITS,  // for the OS to come up
	APP_PORT_ASKS,   // the OS
};

struct app_port {
	int channel;   // to the OS, not blocking
	int listener;  // -1: none
	bool absent;   // the image has nobody who takes apps
	const struct boot_app *apps;
	size_t num_apps;
	size_t next_app;
	// Private.
	enum app_port_state state;
	bool ready;       // the OS has said hello
	int client;       // -1: none; the request is of --app
	uint32_t id;      // of the newest request
	uint64_t due_at;  // in clock_ms() terms
	char *request;    // the client's line and file
	size_t request_length;
	char *out;  // for the OS
	size_t out_length;
	size_t out_done;
	char line[APP_PORT_LINE_MAX];  // of the OS, unfinished
	struct line_reader lines;
	const struct boot_app *told;        // whose end is to be told; NULL: none
	bool told_well;                     // it was started
	char told_text[APP_PORT_LINE_MAX];  // what the OS says of it, printable
};

// `listener` (-1: none) and `channel` stay the caller's, as does what is set in `port` besides:
// `absent` and `apps`.
void app_port_init(struct app_port *port, int channel, int listener);
// Tells the client that the OS has ended.
void app_port_deinit(struct app_port *port);
// What to wait for.
void app_port_prepare(const struct app_port *port, struct pollfd fds[APP_PORT_NUM_FDS]);
// When to call app_port_move() at the latest, in clock_ms() terms; UINT64_MAX: never.
uint64_t app_port_due(const struct app_port *port);
// Does what can be done without blocking, after poll(). `may_log`: no line of the OS's log is
// unfinished on the terminal, so that it may be told what became of an app of --app.
void app_port_move(struct app_port *port, const struct pollfd fds[APP_PORT_NUM_FDS], bool may_log);

// Makes the socket "apps.sock" in the folder `directory`, which only this user can enter, and
// listens there. Only this user can connect. Returns it, or -1 with errno.
int app_socket_open(int directory);
