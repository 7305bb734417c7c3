// SPDX-License-Identifier: MIT
//
// An app of the OS that asks the host (libs/host) for what the engine's apps will: tests of
// test_engine.py put a path in place of FOLDER and a port in place of TAKEN.
#include "libs/abi/app.h"
#include "libs/base/string.h"
#include "libs/files/files.h"
#include "libs/host/host.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

static struct loop loop;
static struct host host;
static struct files files;
static const struct environ *environment;
static struct source timer;

#define NUM_CALLS 6
static struct host_call calls[NUM_CALLS];
static const uint8_t loopback[4] = { 127, 0, 0, 1 };
static const uint8_t own[4] = { 10, 0, 2, 15 };

static char content[64];

static void file_read_done(void *context, error_t error, size_t count)
{
	(void)context;
	if (error == 0)
		log_info("read: %.*s", (int)count, content);
	else
		log_info("read: %s", error_text(error));
}

static void file_opened(void *context, error_t error, struct file *file)
{
	(void)context;
	if (error == 0)
		error = file_read(file, 0, content, sizeof(content), file_read_done, NULL);
	if (error != 0)
		log_info("opened: %s", error_text(error));
}

static void folder_made(uint32_t number)
{
	char uri[] = "files:host/+?/";

	uri[12] = (char)('0' + number);
	files_start(&files, &loop, environ_connector(environment, "files"), uri);
	if (files_open(&files, "0/hello", FILE_READ, file_opened, NULL) != 0)
		log_info("cannot open");
}

static void told(struct host_call *call, error_t error, uint32_t value, struct span text)
{
	int number = (int)(call - calls);

	if (error != 0)
		log_info("call %d: refused: %.*s", number, (int)text.len, (const char *)text.data);
	else
		log_info("call %d: value %u", number, value);
	if (number == 0 && error == 0)
		host_publish(&host, &calls[5], HOST_TCP, loopback, (uint16_t)value, own, 81);
	if (number == 2 && error == 0)
		folder_made(value);
}

static void ended(struct loop *l, struct source *source)
{
	(void)l;
	(void)source;
	log_info("all has ended");
	host_stopped(&host);
	if (timer_set(timer.handle, NSEC_NEVER) != 0)
		log_info("no timer");
}

static const struct source_ops timer_ops = { .signalled = ended };

static void stop(void *context)
{
	nsec_t now = 0;

	(void)context;
	log_info("asked to stop");
	host_stop_takes(&host, 30);
	if (clock_get(CLOCK_MONOTONIC, &now) != 0 ||
	    timer_set(timer.handle, now + NSEC_PER_SEC) != 0)
		log_info("no timer");
}

static const struct host_ops ops = { .stop = stop };

#define BIND(call, path, make) \
	host_bind(&host, call, (struct span){ (const uint8_t *)(path), sizeof(path) - 1 }, make)

static void engine_client_main(const struct environ *env)
{
	handle_t handle;
	error_t err = loop_init(&loop);

	environment = env;
	if (err == 0)
		err = timer_create(&handle);
	if (err == 0)
		err = loop_add(&loop, &timer, handle, &timer_ops, NULL);
	if (err == 0)
		err = host_start(&host, &loop, environ_connector(env, "host"), &ops, NULL);
	if (err != 0)
		process_exit(1);
	for (unsigned i = 0; i < NUM_CALLS; i++)
		calls[i].done = told;
	host_publish(&host, &calls[0], HOST_TCP, loopback, 0, own, 80);
	host_publish(&host, &calls[1], HOST_TCP, loopback, TAKEN, own, 80);
	BIND(&calls[2], FOLDER "/inside/" LONG_NAME, true);
	BIND(&calls[3], FOLDER "/../outside", true);
	BIND(&calls[4], FOLDER "/missing", false);
	loop_run(&loop);
}

APP(engine_client, .main = engine_client_main,
    .needs = { { .kind = NEED_SERVICE, .name = "host" },
               { .kind = NEED_SERVICE, .name = "files" } });
