// SPDX-License-Identifier: MIT
//
// Kills by order. When one comes is counted in switches of threads, not in time: on a machine that
// is slow or busy it comes at the same step.
#include "apps/reaper/reaper.h"

#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/host/host.h"
#include "libs/http/handler.h"
#include "libs/http/router.h"
#include "libs/http/server.h"
#include "libs/json/json.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define LISTEN "tcp-listen:0.0.0.0:82"
#define PORT 82u
#define MAX_SWITCHES 1000000u
// An idle machine switches no threads.
#define GIVE_UP_AFTER (2 * NSEC_PER_SEC)

static struct {
	struct loop loop;
	struct http_server server;
	struct host host;
	struct host_call publish;
	struct source timer;  // due when there is an order
	handle_t system;
	handle_t manager;
	char name[APP_NAME_MAX];  // of the order; "": none
	uint64_t after;
	uint64_t kills;
	uint64_t failed;
} orders;

// --- Carrying one out ----------------------------------------------------------------------------

static struct system_info look(void)
{
	struct system_info info = { 0 };
	error_t err = system_info(orders.system, &info);

	assert(err == 0);
	return info;
}

static void carry_out(struct loop *loop, struct source *source)
{
	struct system_info begin = look(), now = begin;
	error_t err = timer_set(source->handle, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	while (now.context_switches - begin.context_switches < orders.after &&
	       now.uptime_ns - begin.uptime_ns < GIVE_UP_AFTER)
		now = look();
	err = reaper_kill(orders.system, orders.name);
	if (err == ERR_NOT_FOUND)
		err = instance_kill(orders.manager, orders.name);
	log_info("%s: killed after %llu switches: %s", orders.name,
	         (unsigned long long)(now.context_switches - begin.context_switches),
	         error_text(err));
	orders.kills += err == 0;
	orders.failed += err != 0;
	orders.name[0] = '\0';
}

static const struct source_ops timer_ops = { .signalled = carry_out };

// --- Requests ------------------------------------------------------------------------------------

static void answer(struct http_exchange *exchange, unsigned status, const char *text)
{
	http_respond(exchange, status, "application/json", text, strlen(text));
}

static uint64_t read_count(struct span query, const char *name)
{
	char text[16];
	uint64_t count = 0;

	if (http_query_value(query, name, 0, text, sizeof(text)) < 0)
		return 0;
	for (const char *c = text; *c >= '0' && *c <= '9' && count < MAX_SWITCHES; c++)
		count = count * 10 + (uint64_t)(*c - '0');
	return count;
}

static void start_kill(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head, const struct http_match *match)
{
	error_t err;

	(void)context;
	(void)head;
	// Who has not got the answer sends the order again, and means one kill.
	if (orders.name[0] != '\0' ||
	    read_count(match->query, "number") < orders.kills + orders.failed) {
		answer(exchange, 202, "{}");
		return;
	}
	str_copy(orders.name, match->params[0], sizeof(orders.name));
	orders.after = read_count(match->query, "after");
	err = timer_set(orders.timer.handle, 0);
	assert(err == 0);
	answer(exchange, 202, "{}");
}

static void start_kills(void *context, struct http_exchange *exchange,
                        const struct http_request_head *head, const struct http_match *match)
{
	char text[96];

	(void)context;
	(void)head;
	(void)match;
	fmt_write(text, sizeof(text), "{\"kills\":%llu,\"failed\":%llu}",
	          (unsigned long long)orders.kills, (unsigned long long)orders.failed);
	answer(exchange, 200, text);
}

static void start_process(void *context, struct http_exchange *exchange,
                          const struct http_request_head *head, const struct http_match *match)
{
	struct process_info info = { 0 };
	handle_t process;
	char text[160];
	error_t err = system_find_process(orders.system, match->params[0], strlen(match->params[0]),
	                                  &process);

	(void)context;
	(void)head;
	if (err == 0) {
		err = process_info(process, &info);
		handle_close(process);
	}
	if (err < 0) {
		answer(exchange, 404, "{\"message\":\"there is no such process\"}");
		return;
	}
	fmt_write(text, sizeof(text), "{\"memory\":%llu,\"kernel_memory\":%llu,\"handles\":%u}",
	          (unsigned long long)info.memory, (unsigned long long)info.kernel_memory,
	          info.handles);
	answer(exchange, 200, text);
}

static void add_instance(void *context, const struct apps_entry *entry)
{
	struct json_writer *w = context;

	if (entry->state != APPS_RUNNING)
		return;
	json_write_raw(w, w->len > 1 ? "," : "");
	json_write_string(w, entry->name);
	json_write_raw(w, ":");
	json_write_i64(w, (int64_t)entry->memory);
}

static void start_instances(void *context, struct http_exchange *exchange,
                            const struct http_request_head *head, const struct http_match *match)
{
	struct json_writer w = { 0 };

	(void)context;
	(void)head;
	(void)match;
	json_write_raw(&w, "{");
	if (instances_look(orders.manager, add_instance, &w) < 0) {
		answer(exchange, 503, "{\"message\":\"the app manager does not answer\"}");
	} else {
		json_write_raw(&w, "}");
		answer(exchange, 200, json_writer_text(&w));
	}
	json_writer_deinit(&w);
}

static const struct http_route routes[] = {
	{ "POST", "/kill/{}", start_kill },
	{ "GET", "/kills", start_kills },
	{ "GET", "/processes/{}", start_process },
	{ "GET", "/instances", start_instances },
};

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	struct http_match match;
	error_t err =
		http_route_find(routes, sizeof(routes) / sizeof(routes[0]), false, head, &match);

	if (err < 0)
		answer(exchange, 404, "{\"message\":\"there is no such order\"}");
	else
		match.route->start(context, exchange, head, &match);
}

static const struct http_handler handler = { .request = on_request };

// --- Start ---------------------------------------------------------------------------------------

static void published(struct host_call *call, error_t error, uint32_t port, struct span text)
{
	(void)call;
	if (error < 0)
		log_error("no port of the host: %.*s", (int)text.len, (const char *)text.data);
	else
		log_info("orders are taken at http://127.0.0.1:%u", port);
}

void orders_serve(const struct environ *env)
{
	static const struct host_ops nothing_to_end;
	static const uint8_t loopback[4] = { 127, 0, 0, 1 }, own[4] = { 10, 0, 2, 15 };
	handle_t timer;
	error_t err = loop_init(&orders.loop);

	orders.system = environ_system(env);
	orders.manager = environ_connector(env, "apps");
	orders.publish.done = published;
	if (err == 0)
		err = timer_create(&timer);
	if (err == 0)
		err = loop_add(&orders.loop, &orders.timer, timer, &timer_ops, NULL);
	if (err == 0)
		err = http_server_start(&orders.loop, &orders.server,
		                        environ_connector(env, "tcpip"), LISTEN, &handler, NULL);
	if (err == 0)
		err = host_start(&orders.host, &orders.loop, environ_connector(env, "host"),
		                 &nothing_to_end, NULL);
	if (err < 0) {
		log_error("cannot take orders: %s", error_text(err));
		process_exit(1);
	}
	host_publish(&orders.host, &orders.publish, HOST_TCP, loopback, 0, own, PORT);
	loop_run(&orders.loop);
}
