// SPDX-License-Identifier: MIT
//
// GET status: open to all who reach the port, so it has no names.
#include "apps/httpd/api/api.h"
#include "libs/starina/syscall.h"

#define VERSION "0.1"

error_t status_write(struct httpd *httpd, struct json_writer *w, const char *name)
{
	struct system_info info = { 0 };
	nsec_t now = 0;

	if (httpd->system != HANDLE_NONE && system_info(httpd->system, &info) != 0)
		info = (struct system_info){ 0 };
	if (clock_get(CLOCK_MONOTONIC, &now) != 0)
		now = info.uptime_ns;
	write_open(w, name, "{");
	write_text(w, "version", VERSION);
	write_text(w, "boot_id", httpd->boot_id);
	write_number(w, "uptime_ms", now / NSEC_PER_MSEC);
	write_number(w, "harts", info.num_harts);
	write_open(w, "memory", "{");
	write_number(w, "total", info.total_pages * PAGE_SIZE);
	write_number(w, "free", info.free_pages * PAGE_SIZE);
	write_close(w, "}");
	write_number(w, "processes", info.num_processes);
	write_flag(w, "hypervisor", info.has_hypervisor != 0);
	write_close(w, "}");
	return 0;
}

API_START(status_get)
{
	struct json_writer w = { 0 };

	(void)head;
	(void)match;
	if (status_write(context, &w, NULL) == 0)
		api_reply(exchange, 200, &w);
}
