// SPDX-License-Identifier: MIT
#include "apps/httpd/httpd.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define PAGE_BYTES 1536
#define JSON_BYTES 512

struct status {
	struct system_info system;
	uint64_t uptime_seconds;
	uint64_t free_mib;
	uint64_t total_mib;
};

static void collect(const struct httpd *httpd, struct status *status)
{
	*status = (struct status){ 0 };
	if (httpd->system == HANDLE_NONE || system_info(httpd->system, &status->system))
		return;
	status->uptime_seconds = status->system.uptime_ns / NSEC_PER_SEC;
	status->free_mib = status->system.free_pages * PAGE_SIZE >> 20;
	status->total_mib = status->system.total_pages * PAGE_SIZE >> 20;
}

void status_page(struct httpd *httpd, struct http_exchange *exchange)
{
	struct status s;
	char page[PAGE_BYTES];
	size_t len;

	collect(httpd, &s);
	len = fmt_write(
		page, sizeof(page),
		"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Starina</title>\n"
		"<style>body{font-family:system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 1em}"
		"td{padding:.2em 1.5em .2em 0}td+td{font-variant-numeric:tabular-nums}</style></head>\n"
		"<body><h1>Starina is up</h1>\n<table>\n"
		"<tr><td>Uptime<td>%llu s\n<tr><td>Harts<td>%u\n<tr><td>Processes<td>%u\n"
		"<tr><td>Memory free<td>%llu of %llu MiB\n<tr><td>Kernel objects<td>%llu\n"
		"<tr><td>Handles<td>%llu\n<tr><td>Context switches<td>%llu\n"
		"<tr><td>Virtual machines<td>%s\n<tr><td>Requests served<td>%llu\n"
		"</table>\n<p>The same as <a href=\"/status.json\">JSON</a>.</p></body></html>\n",
		(unsigned long long)s.uptime_seconds, s.system.num_harts, s.system.num_processes,
		(unsigned long long)s.free_mib, (unsigned long long)s.total_mib,
		(unsigned long long)s.system.kernel_objects, (unsigned long long)s.system.handles,
		(unsigned long long)s.system.context_switches,
		s.system.has_hypervisor ? "yes" : "no (the machine lacks the H extension)",
		(unsigned long long)httpd->server.service.num_requests);
	http_respond(exchange, 200, "text/html; charset=utf-8", page,
	             len < sizeof(page) ? len : sizeof(page) - 1);
}

void status_json(struct httpd *httpd, struct http_exchange *exchange)
{
	struct status s;
	char json[JSON_BYTES];
	size_t len;

	collect(httpd, &s);
	len = fmt_write(
		json, sizeof(json),
		"{\"uptime_ns\":%llu,\"harts\":%u,\"processes\":%u,\"free_pages\":%llu,\"total_pages\":%llu,"
		"\"kernel_objects\":%llu,\"handles\":%llu,\"context_switches\":%llu,\"idle_wakeups\":%llu,"
		"\"hypervisor\":%s,\"requests\":%llu,\"connections\":%llu}\n",
		(unsigned long long)s.system.uptime_ns, s.system.num_harts, s.system.num_processes,
		(unsigned long long)s.system.free_pages, (unsigned long long)s.system.total_pages,
		(unsigned long long)s.system.kernel_objects, (unsigned long long)s.system.handles,
		(unsigned long long)s.system.context_switches,
		(unsigned long long)s.system.idle_wakeups,
		s.system.has_hypervisor ? "true" : "false",
		(unsigned long long)httpd->server.service.num_requests,
		(unsigned long long)httpd->server.service.num_connections);
	http_respond(exchange, 200, "application/json", json,
	             len < sizeof(json) ? len : sizeof(json) - 1);
}
