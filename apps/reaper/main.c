// SPDX-License-Identifier: MIT
//
// A test app: kills another app again and again, and sees after each time that httpd answers over
// loopback. Boot arguments: reaper.target=APP reaper.count=N reaper.pause=MILLISECONDS, at least,
// between two. With reaper.orders=1 it is told over HTTP whom to kill, and when. Without either it
// does nothing.
#include "apps/reaper/reaper.h"

#include "libs/base/string.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/service.h"
#include "libs/starina/syscall.h"

#define ANSWER_TIMEOUT (2 * NSEC_PER_SEC)
#define GIVE_UP_AFTER (300 * NSEC_PER_SEC)
#define UP_FOR 4u  // times as long as the last return took
#define RETRY_PAUSE (20 * NSEC_PER_MSEC)

static nsec_t now(void)
{
	nsec_t t;

	if (clock_get(CLOCK_MONOTONIC, &t))
		assert_failed("clock_get", __FILE__, __LINE__);
	return t;
}

static void sleep_for(nsec_t duration)
{
	struct poll_event event;
	size_t num_events;
	handle_t poll;

	if (poll_create(&poll))
		return;
	if (poll_wait(poll, &event, 1, now() + duration, &num_events) != ERR_TIMED_OUT)
		log_warn("an empty poll was ready");
	handle_close(poll);
}

static error_t request(handle_t connection, nsec_t deadline)
{
	static const char get[] = "GET /status.json HTTP/1.0\r\n\r\n";
	struct payload payload;
	struct message m;
	bool ok;
	error_t err = payload_make(&m, get, sizeof(get) - 1);

	if (!err)
		err = channel_send(connection, &m);
	if (!err)
		err = recv_wait(connection, deadline, &m);
	if (err)
		return err;
	if (m.type != MSG_DATA || payload_open(&m, &payload)) {
		message_discard(&m);
		return ERR_PROTOCOL;
	}
	ok = payload.bytes.len >= 15 && memcmp(payload.bytes.data, "HTTP/1.1 200 OK", 15) == 0;
	payload_release(&payload);
	return ok ? 0 : ERR_PROTOCOL;
}

// One request on a connection of its own.
static error_t try_httpd(handle_t connector, nsec_t patience)
{
	nsec_t deadline = now() + patience;
	handle_t tcpip;
	handle_t connection;
	error_t err = service_connect_wait(connector, deadline, &tcpip);

	if (err)
		return err;
	err = open_wait(tcpip, "tcp:127.0.0.1:80", deadline, &connection);
	if (!err) {
		err = request(connection, deadline);
		handle_close(connection);
	}
	handle_close(tcpip);
	return err;
}

static error_t wait_for_httpd(handle_t connector)
{
	nsec_t give_up = now() + GIVE_UP_AFTER;

	// A machine may be too slow for the first answer to come in time.
	for (nsec_t patience = ANSWER_TIMEOUT;; patience *= 2) {
		error_t err = try_httpd(connector, patience);

		if (!err || now() > give_up)
			return err;
		sleep_for(RETRY_PAUSE);
	}
}

error_t reaper_kill(handle_t system, const char *name)
{
	handle_t process;
	error_t err = system_find_process(system, name, strlen(name), &process);

	if (!err) {
		err = process_kill(process);
		handle_close(process);
	}
	return err;
}

static error_t kill_app(handle_t system, const char *name)
{
	nsec_t give_up = now() + GIVE_UP_AFTER;
	error_t err;

	for (;;) {
		err = reaper_kill(system, name);
		// It may still be on its way back from the last time.
		if ((err != ERR_NOT_FOUND && err != ERR_BAD_STATE) || now() > give_up)
			return err;
		sleep_for(RETRY_PAUSE);
	}
}

static void reaper_main(const struct environ *env)
{
	const char *target = environ_config(env, "target");
	handle_t connector = environ_connector(env, "tcpip");
	uint64_t count = 0;
	uint64_t pause = 0;
	nsec_t took = 0;
	const char *by_order = environ_config(env, "orders");
	error_t err;

	if (by_order != NULL && by_order[0] == '1')
		orders_serve(env);
	if (target == NULL || target[0] == '\0')
		return;
	if (environ_config_u64(env, "count", &count) || environ_config_u64(env, "pause", &pause)) {
		log_error("reaper.count and reaper.pause must be numbers");
		return;
	}
	pause *= NSEC_PER_MSEC;
	err = wait_for_httpd(connector);
	for (uint64_t i = 0; i < count && !err; i++) {
		nsec_t killed_at;

		// On a slow machine, too, most of the time is there for what the others do.
		sleep_for(UP_FOR * took > pause ? UP_FOR * took : pause);
		killed_at = now();
		err = kill_app(environ_system(env), target);
		if (err)
			log_error("cannot kill %s: %s", target, error_text(err));
		else
			err = wait_for_httpd(connector);
		took = now() - killed_at;
		if (!err)
			log_info("killed %s %llu times", target, (unsigned long long)(i + 1));
	}
	if (err)
		log_error("httpd did not answer: %s", error_text(err));
	else
		log_info("done: httpd answered each time");
}

APP(reaper, .main = reaper_main,
    .needs = {
	    { NEED_SYSTEM, "control", NULL, 0 },
	    { NEED_SERVICE, "tcpip", NULL, 0 },
	    { NEED_SERVICE, "host", NULL, 1 },
	    { NEED_SERVICE, "apps", NULL, 1 },
	    { NEED_CONFIG, "orders", "", 0 },
	    { NEED_CONFIG, "target", "", 0 },
	    { NEED_CONFIG, "count", "100", 0 },
	    { NEED_CONFIG, "pause", "200", 0 },
    });
