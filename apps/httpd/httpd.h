// SPDX-License-Identifier: MIT
#pragma once

#include "apps/httpd/api/apps.h"
#include "apps/httpd/api/commands.h"
#include "apps/httpd/api/disks.h"
#include "apps/httpd/api/network.h"
#include "apps/httpd/api/page.h"
#include "apps/httpd/api/places.h"
#include "libs/abi/engine.h"
#include "libs/abi/look.h"
#include "libs/abi/web.h"
#include "libs/base/hex.h"
#include "libs/boot_files/boot_files.h"
#include "libs/files/files.h"
#include "libs/http/handler.h"
#include "libs/http/server.h"
#include "libs/starina/environ.h"

#define BOOT_ID_BYTES 8u

enum token_state {
	TOKEN_NONE,  // this system was started without one: nobody may use the API
	TOKEN_AWAITED,
	TOKEN_KNOWN,
};

struct httpd {
	struct loop loop;
	struct http_server server;
	handle_t system;  // HANDLE_NONE: the status page shows less
	handle_t look;    // HANDLE_NONE: the API shows less
	const struct environ *env;
	const char *share;  // that /files/ has; NULL: none
	struct files files;
	bool files_started;
	struct list files_jobs;
	// Of the API and its page (api/api.h).
	struct boot_files boot;
	struct boot_wanted wanted[3];
	enum token_state token_state;
	char token[WEB_TOKEN_TEXT_SIZE];
	char boot_id[HEX_SIZE(BOOT_ID_BYTES)];
	bool has_engine;
	uint8_t engine_secret[ENGINE_SECRET_SIZE];
	struct page page;
	struct list held;  // requests for it that came before it (held.c)
	struct apps_client apps;
	struct commands_client commands;
	struct file_places places;
	struct network network;
	struct disks disks;
	size_t look_sizes[LOOK_APPS + 1];  // bytes of the last snapshot of each kind
	struct wiring *wiring;             // api/wiring.c; NULL: not taken
	bool wiring_stays;
	unsigned num_lives;
	unsigned num_followers;  // of the log
	unsigned num_tracers;
};

// The status page and its figures as JSON (status.c).
void status_page(struct httpd *httpd, struct http_exchange *exchange);
void status_json(struct httpd *httpd, struct http_exchange *exchange);

// Answers with a file of the page; with the status page for "/" when there is no page (main.c).
void page_respond(struct httpd *httpd, struct http_exchange *exchange,
                  const struct http_request_head *head);
// Keeps a request until held_release() if the page is not read yet. Returns false when it is.
bool held_take(struct httpd *httpd, struct http_exchange *exchange,
               const struct http_request_head *head);
// Answers all that were kept.
void held_release(struct httpd *httpd);

// GET /files/PATH (files.c): a file or a folder of the share that httpd.files names, if it names
// one. `target` is the path as it came.
void files_init(struct httpd *httpd);
void files_request(struct httpd *httpd, struct http_exchange *exchange,
                   const struct http_request_head *head, struct span target);
void files_continue(struct http_exchange *exchange);
void files_gone(struct http_exchange *exchange);

// GET /bytes/N: N bytes of a known pattern (bytes.c): 64 KiB blocks that begin with their number,
// little-endian in 8 bytes, and go on with byte i being (i * 167 + i / 256) mod 256.
void bytes_start(struct http_exchange *exchange, struct span count);
void bytes_continue(struct http_exchange *exchange);

// POST /checksum: the body's length and its CRC-32 (that of zlib and Ethernet), in hex
// (checksum.c).
void checksum_start(struct http_exchange *exchange);
void checksum_body(struct http_exchange *exchange, struct span bytes);
void checksum_end(struct http_exchange *exchange);
