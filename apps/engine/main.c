// SPDX-License-Identifier: MIT
#include "apps/engine/engine.h"
#include "libs/abi/app.h"
#include "libs/abi/host.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/payload.h"
#include "libs/starina/syscall.h"

#define TEXT(number) TEXT_OF(number)
#define TEXT_OF(number) #number
#define LISTEN "tcp-listen:0.0.0.0:" TEXT(ENGINE_PORT)

static struct engine engine_state;

// --- The host is told ----------------------------------------------------------------------------

static void host_tell(void)
{
	struct msg_host_ready ready = { .ready = engine_state.listens };
	struct message m;
	error_t err;

	if (engine_state.host_source.handle == HANDLE_NONE)
		return;  // when it is there
	err = message_encode_host_ready(&m, &ready, NULL, 0);
	if (err == 0)
		err = channel_send(engine_state.host_source.handle, &m);
	if (err != 0 && err != ERR_PEER_CLOSED)
		log_error("cannot tell the host of docker's clients: %s", error_text(err));
}

static void server_listens(void *context, bool now)
{
	(void)context;
	engine_state.listens = now;
	host_tell();
}

static void host_message(struct loop *loop, struct source *source, struct message *m)
{
	(void)loop;
	(void)source;
	message_discard(m);
}

static void host_closed(struct loop *loop, struct source *source)
{
	loop_close(loop, source);
	if (service_client_again(&engine_state.client) != 0)
		process_exit(1);
}

static const struct source_ops host_ops = { .message = host_message, .closed = host_closed };

static void host_connected(void *context, handle_t channel)
{
	(void)context;
	if (loop_add(&engine_state.loop, &engine_state.host_source, channel, &host_ops, NULL) !=
	    0) {
		log_error("cannot follow \"host\"");
		process_exit(1);
	}
	host_tell();
}

// --- Start ---------------------------------------------------------------------------------------

static void secret_was_read(void *context, error_t error)
{
	struct http_server_options options = { .gate = engine_state.secret,
		                               .host_optional = true,
		                               .listens = server_listens };

	(void)context;
	if (error == 0)
		error = boot_file_take(&engine_state.secret_file, engine_state.secret,
		                       sizeof(engine_state.secret));
	if (error == ERR_NOT_FOUND) {
		log_debug("run.sh serves no engine");
		process_exit(0);
	}
	if (error != 0) {
		log_error("the engine's secret could not be read: %s", error_text(error));
		process_exit(1);
	}
	error = http_server_start(&engine_state.loop, &engine_state.server, engine_state.tcpip,
	                          LISTEN, &engine_handler, &engine_state);
	if (error == 0) {
		http_server_configure(&engine_state.server, &options);
		error = service_client_start(&engine_state.loop, &engine_state.client,
		                             engine_state.host, host_connected, NULL);
	}
	if (error != 0) {
		log_error("cannot start: %s", error_text(error));
		process_exit(1);
	}
}

static void engine_main(const struct environ *env)
{
	error_t err = loop_init(&engine_state.loop);

	assert(err == 0);
	engine_state.tcpip = environ_connector(env, "tcpip");
	engine_state.host = environ_connector(env, "host");
	err = calls_start(&engine_state, env);
	assert(err == 0);
	engine_state.secret_file =
		(struct boot_wanted){ .name = ENGINE_SECRET_FILE, .max = ENGINE_SECRET_SIZE };
	boot_files_read(&engine_state.boot, &engine_state.loop, environ_connector(env, "blkdev"),
	                &engine_state.secret_file, 1, secret_was_read, NULL);
	loop_run(&engine_state.loop);
}

APP(engine, .main = engine_main, .restart = RESTART_ON_FAULT, .memory_limit = 64ul * 1024 * 1024,
    .handle_limit = 8192,
    .needs = {
	    { .kind = NEED_SERVICE, .name = "tcpip" },
	    { .kind = NEED_SERVICE, .name = "host" },
	    { .kind = NEED_SERVICE, .name = "containers" },
	    { .kind = NEED_SERVICE, .name = "images" },
	    { .kind = NEED_SERVICE, .name = "blkdev" },
    });
