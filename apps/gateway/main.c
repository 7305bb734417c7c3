// SPDX-License-Identifier: MIT
//
// An example: a native HTTP server that answers itself, but for /api/*, which a Linux container
// does.
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/http/server.h"
#include "libs/linux/container_http.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

#define API "/api/"
#define API_PORT 8000

struct gateway {
	struct loop loop;
	struct http_server server;
	struct linux_runtime *runtime;
	struct container *api;
};

static void on_request(void *context, struct http_exchange *exchange,
                       const struct http_request_head *head)
{
	static const char native[] = "This page is Starina's own; /api/ is a container's.\n";
	struct gateway *gateway = context;

	if (head->target.len >= strlen(API) && memcmp(head->target.data, API, strlen(API)) == 0)
		http_proxy(exchange, head, gateway->api, API_PORT);
	else
		http_respond(exchange, 200, "text/plain; charset=utf-8", native, strlen(native));
}

static const struct http_handler handler = { .request = on_request };

static void api_ended(void *context, struct container *container, int status, const char *error)
{
	(void)context;
	(void)container;
	log_error("the container has ended with status %d%s%s", status, error != NULL ? ": " : "",
	          error != NULL ? error : "");
}

// busybox's web server with a script that answers with what it is sent: anything that serves HTTP
// will do.
static const char api_script[] =
	"mkdir -p /www/api && cd /www && "
	"printf '%s\\n' 'printf \"Content-Type: text/plain\\r\\n\\r\\n\"' 'echo \"$REQUEST_METHOD $QUERY_STRING\"' cat >api/echo.sh && "
	"echo Hello from Linux >api/hello && dd if=/dev/zero of=api/large bs=1M count=8 2>/dev/null && "
	"echo '*.sh:/bin/sh' >/etc/httpd.conf && exec httpd -f -p 8000 -h /www";

static void gateway_main(const struct environ *env)
{
	static struct gateway gateway;

	if (loop_init(&gateway.loop) < 0 ||
	    linux_runtime_open(&gateway.loop, env, &gateway.runtime) < 0)
		process_exit(1);
	gateway.api = container_new(gateway.runtime, environ_config(env, "image"));
	container_entrypoint(gateway.api, "/bin/sh");
	container_args(gateway.api, "-c", api_script, NULL);
	container_stdout(gateway.api, COMMAND_INHERIT);
	container_stderr(gateway.api, COMMAND_INHERIT);
	container_wait(gateway.api, api_ended, NULL);
	if (container_run(gateway.api) < 0 ||
	    http_server_start(&gateway.loop, &gateway.server, environ_connector(env, "tcpip"),
	                      environ_config(env, "listen"), &handler, &gateway) < 0) {
		log_error("cannot start");
		process_exit(1);
	}
	loop_run(&gateway.loop);
}

APP(gateway, .main = gateway_main, .memory_limit = 256ul * 1024 * 1024,
    .needs = { LINUX_NEEDS,
               { NEED_CONFIG, "image", "builtin", 0 },
               { NEED_CONFIG, "listen", "tcp-listen:0.0.0.0:80", 0 } });
