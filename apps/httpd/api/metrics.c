// SPDX-License-Identifier: MIT
//
// GET metrics: the numbers of the system, as JSON or as Prometheus' text (exposition format 0.0.4).
#include "apps/httpd/api/look.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/starina/syscall.h"

#define LINE_SIZE 192

__attribute__((format(printf, 2, 3))) static void line(struct json_writer *w, const char *format,
                                                       ...)
{
	char text[LINE_SIZE];
	va_list args;

	va_start(args, format);
	fmt_vwrite(text, sizeof(text), format, args);
	va_end(args);
	json_write_raw(w, text);
}

static void head_write(struct json_writer *w, const char *name, const char *type, const char *help)
{
	line(w, "# HELP starina_%s %s\n# TYPE starina_%s %s\n", name, help, name, type);
}

// A value of seconds.
static void seconds_write(struct json_writer *w, uint64_t ns)
{
	line(w, "%llu.%09llu\n", (unsigned long long)(ns / NSEC_PER_SEC),
	     (unsigned long long)(ns % NSEC_PER_SEC));
}

// Names of apps have letters, digits, "_", "-" and "." only; what else there were is "_".
static void label_write(struct json_writer *w, const char *metric, const struct look_process *p)
{
	char name[APP_NAME_MAX];

	str_copy(name, p->name, sizeof(name));
	for (char *c = name; *c != '\0'; c++) {
		bool fits = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			(*c >= '0' && *c <= '9') || strchr("_-.", *c) != NULL;

		*c = fits ? *c : '_';
	}
	line(w, "starina_%s{process=\"%s\",id=\"%u\"} ", metric, name, p->id);
}

static void processes_text(struct json_writer *w, const struct look_buffer *buffer)
{
	size_t count;
	const struct look_process *all = look_process_records(buffer, &count);

	head_write(w, "process_cpu_seconds_total", "counter", "CPU time of a process");
	for (size_t i = 0; i < count; i++) {
		label_write(w, "process_cpu_seconds_total", &all[i]);
		seconds_write(w, all[i].cpu_ns);
	}
	head_write(w, "process_memory_bytes", "gauge", "memory of a process");
	for (size_t i = 0; i < count; i++) {
		label_write(w, "process_memory_bytes", &all[i]);
		line(w, "%llu\n", (unsigned long long)all[i].memory);
	}
	head_write(w, "process_handles", "gauge", "handles of a process");
	for (size_t i = 0; i < count; i++) {
		label_write(w, "process_handles", &all[i]);
		line(w, "%u\n", all[i].handles);
	}
	head_write(w, "process_restarts_total", "counter", "how often an app was started again");
	for (size_t i = 0; i < count; i++) {
		label_write(w, "process_restarts_total", &all[i]);
		line(w, "%u\n", all[i].restarts);
	}
}

static void harts_text(struct json_writer *w, const struct look_buffer *buffer)
{
	size_t count;
	const struct look_hart *all = look_hart_records(buffer, &count);

	head_write(w, "hart_idle_seconds_total", "counter", "time that a hart had nothing to do");
	for (size_t i = 0; i < count; i++) {
		line(w, "starina_hart_idle_seconds_total{hart=\"%u\"} ", all[i].id);
		seconds_write(w, all[i].idle_ns);
	}
	head_write(w, "hart_switches_total", "counter", "switches of threads");
	for (size_t i = 0; i < count; i++)
		line(w, "starina_hart_switches_total{hart=\"%u\"} %llu\n", all[i].id,
		     (unsigned long long)all[i].switches);
	head_write(w, "hart_interrupts_total", "counter", "interrupts that a hart took");
	for (size_t i = 0; i < count; i++)
		line(w, "starina_hart_interrupts_total{hart=\"%u\"} %llu\n", all[i].id,
		     (unsigned long long)all[i].interrupts);
}

static void system_text(struct httpd *httpd, struct json_writer *w)
{
	struct system_info info;

	if (httpd->system == HANDLE_NONE || system_info(httpd->system, &info) != 0)
		return;
	head_write(w, "uptime_seconds", "gauge", "time since power-on");
	line(w, "starina_uptime_seconds ");
	seconds_write(w, info.uptime_ns);
	head_write(w, "memory_total_bytes", "gauge", "memory of the machine");
	line(w, "starina_memory_total_bytes %llu\n",
	     (unsigned long long)info.total_pages * PAGE_SIZE);
	head_write(w, "memory_free_bytes", "gauge", "memory that nobody uses");
	line(w, "starina_memory_free_bytes %llu\n",
	     (unsigned long long)info.free_pages * PAGE_SIZE);
	head_write(w, "http_requests_total", "counter", "requests that httpd took");
	line(w, "starina_http_requests_total %llu\n",
	     (unsigned long long)httpd->server.service.num_requests);
	head_write(w, "http_connections", "gauge", "connections of httpd's clients");
	line(w, "starina_http_connections %llu\n",
	     (unsigned long long)httpd->server.service.num_connections);
}

void metrics_prometheus(struct httpd *httpd, struct http_exchange *exchange)
{
	struct look_buffer processes = { 0 }, harts = { 0 };
	struct json_writer w = { 0 };
	error_t err = snapshot(httpd, LOOK_PROCESSES, 0, &processes);

	if (err == 0)
		err = snapshot(httpd, LOOK_HARTS, 0, &harts);
	if (err == 0) {
		system_text(httpd, &w);
		harts_text(&w, &harts);
		processes_text(&w, &processes);
		api_reply_text(exchange, "text/plain; version=0.0.4; charset=utf-8", &w);
	} else {
		api_failed(exchange, err, "the metrics");
	}
	look_buffer_free(&harts);
	look_buffer_free(&processes);
}

API_START(metrics_get)
{
	static resource_write *const parts[] = { status_write, memory_write, harts_write,
		                                 processes_write };
	static const char *const names[] = { "status", "memory", "harts", "processes" };
	struct json_writer w = { 0 };
	char format[16] = "";
	error_t err = http_query_value(match->query, "format", 0, format, sizeof(format));

	(void)head;
	if (err == 0 && strcmp(format, "prometheus") == 0) {
		metrics_prometheus(context, exchange);
		return;
	}
	if (err != ERR_NOT_FOUND && strcmp(format, "json") != 0) {
		api_error(exchange, 400, "invalid", "format is json or prometheus");
		return;
	}
	write_open(&w, NULL, "{");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		(void)parts[i](context, &w, names[i]);
	write_close(&w, "}");
	api_reply(exchange, 200, &w);
}
