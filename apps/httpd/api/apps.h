// SPDX-License-Identifier: MIT
//
// The app manager, as a client of it.
#pragma once

#include "apps/httpd/api/client.h"
#include "libs/abi/apps.h"
#include "libs/base/list.h"

struct httpd;

// Requests without an answer, all clients together.
#define APPS_CALLS_MAX 64u

struct apps_client {
	struct api_client client;
	uint32_t last_id;
	unsigned num_calls;
	struct list calls;  // struct apps_call
};

struct http_exchange;

// Answers with the apps of the image, and `num_entries` of the manager.
void apps_list_answer(struct httpd *httpd, struct http_exchange *exchange,
                      const struct apps_entry *entries, size_t num_entries);
// Connects, if the image has an app manager.
void apps_client_start(struct httpd *httpd);
