// SPDX-License-Identifier: MIT
//
// The API of the system (docs/api.md), below /api/v1, and the page that is a client of it. Its
// files:
//   api.c        which request is what, and who may ask
//   auth.c       the token; Host and Origin
//   reply.c      answers and errors
//   write.c      JSON
//   boot.c       the token and the page, from the boot disk
//   page.c       the page's files, page_files.c which there are
//   client.c     connections to services; asked.c documents that these tell
//   words.c      what clients say of a program to run; number.c
//   a file for each resource
//
// Every container and every user of the host reaches this port. So all but the page's files and a
// status without names needs the token of this boot.
#pragma once

#include "apps/httpd/api/write.h"
#include "apps/httpd/httpd.h"
#include "apps/httpd/job.h"
#include "libs/http/router.h"
#include "libs/http/websocket.h"

#define API_PREFIX "/api/v1"
#define API_PROTOCOL "starina.v1"  // of WebSockets

struct api_job;

// What an exchange of the API hears. NULL: nothing.
struct api_job_ops {
	void (*body)(struct api_job *job, struct span bytes);
	void (*body_end)(struct api_job *job);
	void (*writable)(struct api_job *job);
	// Before the job is freed.
	void (*gone)(struct api_job *job);
	// The answer may take as long as it likes, and costs something meanwhile: it is given up
	// when the client has ended its direction.
	bool lasts;
};

// The beginning of what an exchange that lasts has as its `user`.
struct api_job {
	enum job_kind kind;
	const struct api_job_ops *ops;
	struct httpd *httpd;
	struct http_exchange *exchange;
};

// A zeroed job of `size` bytes for the exchange, which owns it. NULL: the exchange was given up.
void *api_job_create(struct httpd *httpd, struct http_exchange *exchange, size_t size,
                     const struct api_job_ops *ops);

// Whether it is a request for a WebSocket of ours; if not, it was answered.
bool api_wants_websocket(struct http_exchange *exchange, const struct http_request_head *head);

// Answers a request whose path is the API's. Returns false when it is not.
bool api_request(struct httpd *httpd, struct http_exchange *exchange,
                 const struct http_request_head *head);
// Reads token and page.
void api_start(struct httpd *httpd);

// --- auth.c ---

// Whether the Host is one that was dialled (a name that leads here may be anybody's: DNS
// rebinding), and the Origin, if there is one, is this server.
bool auth_is_local(const struct http_request_head *head);
// Whether it has the token, as "Authorization: Bearer" (RFC 6750 2.1) or, for a WebSocket, among
// its subprotocols. In constant time.
bool auth_has_token(const struct http_request_head *head, const char *token);

// --- reply.c ---

// Fields that all answers of the API have.
#define API_FIELDS                                                                         \
	"Cache-Control: no-store\r\n"                                                      \
	"X-Content-Type-Options: nosniff\r\n"                                              \
	"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; sandbox\r\n" \
	"Cross-Origin-Resource-Policy: same-origin\r\n"                                    \
	"Referrer-Policy: no-referrer\r\n"
#define API_JSON "Content-Type: application/json\r\n"

// Answers with a document, which is freed.
void api_reply(struct http_exchange *exchange, unsigned status, struct json_writer *w);
// The same of text of another type.
void api_reply_text(struct http_exchange *exchange, const char *type, struct json_writer *w);
// Answers without a body: 204.
void api_reply_empty(struct http_exchange *exchange);
// Answers with {"error":{"code":...,"message":...}}: what is wrong, where, and what to do.
void api_error(struct http_exchange *exchange, unsigned status, const char *code,
               const char *format, ...) __attribute__((format(printf, 4, 5)));
// The same of an error of a call; `what` is what could not be done.
void api_failed(struct http_exchange *exchange, error_t error, const char *what);

// --- The resources ---

#define API_START(name)                                          \
	void name(void *context, struct http_exchange *exchange, \
	          const struct http_request_head *head, const struct http_match *match)

API_START(status_get);
API_START(live_get);
API_START(process_get);
API_START(process_kill_post);
API_START(handles_get);
API_START(logs_get);
API_START(apps_get);
API_START(apps_post);
API_START(app_put);
API_START(app_start_post);
API_START(app_stop_post);
API_START(app_delete);
API_START(commands_post);
API_START(terminal_get);
API_START(volume_list_get);
API_START(volume_file_get);
API_START(volume_file_put);
API_START(volume_file_delete);
API_START(volume_rename_post);
API_START(volume_mkdir_post);
API_START(openapi_get);
API_START(trace_get);
API_START(containers_get);
API_START(container_attach_get);
API_START(exec_start_get);
API_START(metrics_get);
API_START(network_get);
API_START(disks_get);
// The same as Prometheus' text.
void metrics_prometheus(struct httpd *httpd, struct http_exchange *exchange);
// A request of docker's API, `target`, goes to the engine.
void engine_request(struct httpd *httpd, struct http_exchange *exchange,
                    const struct http_request_head *head, struct span target);
// Says to the kernel what of it is looked at: counting costs nothing while nobody does.
void watch_update(const struct httpd *httpd);
// The description of all routes (OpenAPI 3.1).
void openapi_write(struct json_writer *w);
// GET NAME, of `resources`.
API_START(resource_get);

// Writes a document as a member `name` of the object at hand, or, when that is NULL, as it is. On
// errors nothing was written.
typedef error_t resource_write(struct httpd *httpd, struct json_writer *w, const char *name);
resource_write status_write, processes_write, threads_write, harts_write, memory_write,
	interrupts_write, services_write, channels_write, vms_write, network_write, disks_write;

// From one to the other, services and channels are of one moment: they are taken once (wiring.c).
void wiring_keep(struct httpd *httpd);
void wiring_forget(struct httpd *httpd);

struct resource {
	const char *name;
	resource_write *write;
};

#define NUM_RESOURCES 11u
extern const struct resource resources[NUM_RESOURCES];

// --- page.c ---

struct page;
// Answers with a file of the page. Returns false when there is none at `target`, or it is not taken
// as it is there, by gzip.
bool page_request(struct page *page, struct http_exchange *exchange,
                  const struct http_request_head *head);
