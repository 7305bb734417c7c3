// SPDX-License-Identifier: MIT
//
// A document that is made of what a service tells when it is asked. A request waits for the
// answer; the live view shows what was told last, and asks for the next.
#pragma once

#include "apps/httpd/api/client.h"
#include "libs/base/list.h"

struct asked_document;
struct http_exchange;
struct json_writer;

struct asked_ops {
	const char *service;
	const char *what;  // the document, for people
	// Asks; the answer comes as a message of the service, or asked_failed is called.
	error_t (*ask)(struct asked_document *document);
	// Takes the answer; false: it is none.
	bool (*take)(struct asked_document *document, struct message *m);
	// Writes what was told last (struct resource).
	error_t (*write)(struct httpd *httpd, struct json_writer *w, const char *name);
};

struct asked_document {
	struct api_client client;
	const struct asked_ops *ops;
	struct httpd *httpd;
	nsec_t time;  // when it was told last; 0: never
	// Private.
	bool is_asked;     // an answer is awaited
	struct list jobs;  // requests that wait for it
};

// Connects, if the image has the service. `lacks` as api_client_start's.
void asked_start(struct httpd *httpd, struct asked_document *document, const struct asked_ops *ops,
                 const char *lacks);
// Asks, unless an answer is awaited or the service is not there.
void asked_refresh(struct asked_document *document);
// No answer comes: what waits is told so.
void asked_failed(struct asked_document *document, error_t error);
// Answers the exchange with the document, once the service has.
void asked_get(struct asked_document *document, struct http_exchange *exchange);
