// SPDX-License-Identifier: MIT
#include "apps/autotest/devices/devices.h"
#include "libs/base/string.h"

error_t device_try_open(struct autotest *t, const char *service, const char *uri, handle_t *out)
{
	handle_t session = HANDLE_NONE;
	error_t err =
		service_connect_wait(environ_connector(t->env, service), test_deadline(), &session);

	if (err != 0)
		return err;
	err = open_wait(session, uri, test_deadline(), out);
	handle_close(session);
	return err;
}

handle_t device_open(struct autotest *t, const char *service, const char *uri)
{
	handle_t out = HANDLE_NONE;
	error_t err = device_try_open(t, service, uri, &out);

	if (err != 0)
		log_error("%s: %s", uri, error_text(err));
	expect(t, err == 0);
	return out;
}

void kill_app(struct autotest *t, const char *name)
{
	handle_t process = HANDLE_NONE;
	nsec_t deadline = test_deadline();

	// Not there for a moment while it restarts.
	while (system_find_process(t->system, name, strlen(name), &process) != 0 &&
	       test_now() < deadline)
		thread_yield();
	expect(t, process_kill(process) == 0);
	expect(t, handle_wait(process, READY_CLOSED, deadline) == 0);
	handle_close(process);
}

void pause_ms(unsigned ms)
{
	handle_t event;

	if (event_create(&event) != 0)
		return;
	if (handle_wait(event, READY_READABLE, test_now() + ms * NSEC_PER_MSEC) == 0)
		log_error("an event nobody signals is signalled");
	handle_close(event);
}
