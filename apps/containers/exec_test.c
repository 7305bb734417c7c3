// SPDX-License-Identifier: MIT
//
// What is said of a process that was added, when its status is on its way.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
// After those that it needs.
#include <cmocka.h>

#include "apps/containers/containers.h"
#include "libs/starina/alloc.h"
#include "libs/starina/syscall.h"

#define REQUEST 7u

static struct containers all;
static struct container web;
static struct vmm_process vmm;
static struct image image = { .name = "x" };
static int client_place;
static struct client *const client = (struct client *)&client_place;

// What was answered last; 0: nothing.
static uint32_t status;
static char answer[4096];
// What the vmm was told and asked.
static uint32_t number;
static query_fn asked;
static void *asked_context;
static error_t ask_error;

// --- The system and the rest of the app ----------------------------------------------------------

error_t random_get(void *buf, size_t size)
{
	static uint32_t next = 2;

	memset(buf, 0, size);
	memcpy(buf, &next, sizeof(next));
	next++;
	return 0;
}

struct container *operation_find(struct request *request)
{
	(void)request;
	return &web;
}

bool operation_can_reach(struct request *request, const struct container *c)
{
	(void)request;
	(void)c;
	return true;
}

bool operation_take_size(struct request *request, struct msg_vmm_resize *out)
{
	(void)request;
	(void)out;
	return false;
}

const struct image *container_image(const struct container *c)
{
	(void)c;
	return &image;
}

void events_container(const struct container *c, const char *action, const char *more)
{
	(void)c;
	(void)action;
	(void)more;
}

bool health_told(struct container *c, const struct msg_vmm_process *process)
{
	(void)c;
	(void)process;
	return false;
}

error_t vmms_exec_order(struct message *m, struct msg_vmm_exec order, struct json_writer *process)
{
	(void)m;
	number = order.process;
	json_writer_deinit(process);
	return 0;
}

bool vmms_send(struct vmm_process *to, struct message *m)
{
	(void)to;
	(void)m;
	return true;
}

error_t query_ask(struct container *c, enum vmm_query what, int32_t value, struct client *asker,
                  uint32_t request, query_fn done, void *context)
{
	assert_ptr_equal(c, &web);
	assert_int_equal(what, VMM_QUERY_SYNC);
	assert_int_equal(value, 0);
	assert_ptr_equal(asker, client);
	assert_int_equal(request, REQUEST);
	if (ask_error < 0)
		return ask_error;
	assert_null(asked);
	asked = done;
	asked_context = context;
	return 0;
}

void reply_error(struct client *to, uint32_t request, uint32_t code, const char *format, ...)
{
	va_list args;

	assert_ptr_equal(to, client);
	assert_int_equal(request, REQUEST);
	status = code;
	va_start(args, format);
	vsnprintf(answer, sizeof(answer), format, args);
	va_end(args);
}

void reply_empty(struct client *to, uint32_t request, uint32_t code, uint32_t flags)
{
	(void)flags;
	reply_error(to, request, code, "%s", "");
}

void reply_json(struct client *to, uint32_t request, uint32_t code, struct json_writer *w)
{
	reply_error(to, request, code, "%s", json_writer_text(w));
	json_writer_deinit(w);
}

// --- Requests ------------------------------------------------------------------------------------

static void ask(void (*operation)(struct request *request), const char *id, const char *body)
{
	struct request request = { .all = &all,
		                   .client = client,
		                   .id = REQUEST,
		                   .body = { .data = (const uint8_t *)body, .len = strlen(body) } };

	status = 0;
	answer[0] = '\0';
	snprintf(request.target, sizeof(request.target), "%s", id);
	operation(&request);
}

// One that was created and, unless `body` is NULL, started with that.
static void make(char id[CONTAINER_ID_TEXT], const char *body)
{
	ask(operation_exec_create, "web", "{\"Cmd\":[\"true\"],\"AttachStdout\":true}");
	assert_int_equal(status, 201);
	assert_int_equal(sscanf(answer, "{\"Id\":\"%64[0-9a-f]\"}", id), 1);
	if (body == NULL)
		return;
	ask(operation_exec_start, id, body);
	assert_int_equal(status, 0);
}

static void tell(enum vmm_state state, int code)
{
	struct msg_vmm_process process = { .process = number, .state = state, .status = code };

	exec_told(&web, &process, "");
}

// The vmm answers; `asker` is NULL when that has gone.
static void sync_done(struct client *asker, error_t err)
{
	struct query_answer told = { .c = &web,
		                     .client = asker,
		                     .request = REQUEST,
		                     .error = err,
		                     .text = "" };
	query_fn done = asked;

	status = 0;
	asked = NULL;
	done(asked_context, &told);
}

static void assert_shown(bool runs, const char *exit_code)
{
	char text[64];

	assert_int_equal(status, 200);
	snprintf(text, sizeof(text), "\"Running\":%s,\"ExitCode\":%s,", runs ? "true" : "false",
	         exit_code);
	assert_non_null(strstr(answer, text));
}

static int set_up(void **state)
{
	(void)state;
	list_init(&all.containers);
	web = (struct container){ .all = &all,
		                  .vmm = &vmm,
		                  .state = CONTAINER_RUNNING,
		                  .started = true };
	list_init(&web.execs);
	list_push_back(&all.containers, &web.entry);
	asked = NULL;
	ask_error = 0;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	exec_free_all(&web);
	assert_int_equal(web.num_execs, 0);
	return 0;
}

// --- Tests ---------------------------------------------------------------------------------------

static void test_a_status_on_its_way_is_shown(void **state)
{
	char id[CONTAINER_ID_TEXT];

	(void)state;
	make(id, "{\"Detach\":true}");
	tell(VMM_RUNNING, 0);
	ask(operation_exec_inspect, id, "");
	assert_int_equal(status, 0);
	tell(VMM_ENDED, 37);
	assert_int_equal(status, 0);
	sync_done(client, 0);
	assert_shown(false, "37");
	// It is known from now on.
	ask(operation_exec_inspect, id, "");
	assert_null(asked);
	assert_shown(false, "37");
}

static void test_one_that_runs(void **state)
{
	char id[CONTAINER_ID_TEXT];

	(void)state;
	make(id, NULL);
	ask(operation_exec_inspect, id, "");
	assert_shown(false, "null");
	ask(operation_exec_start, id, "{\"Detach\":true}");
	ask(operation_exec_inspect, id, "");
	sync_done(client, 0);
	assert_shown(true, "null");
}

static void test_the_vmm_cannot_be_asked(void **state)
{
	char id[CONTAINER_ID_TEXT];

	(void)state;
	make(id, "{\"Detach\":true}");
	ask_error = ERR_LIMIT;
	ask(operation_exec_inspect, id, "");
	assert_shown(true, "null");
}

static void test_the_container_ends_meanwhile(void **state)
{
	char id[CONTAINER_ID_TEXT];

	(void)state;
	make(id, "{\"Detach\":true}");
	ask(operation_exec_inspect, id, "");
	exec_end_all(&web);
	sync_done(client, ERR_PEER_CLOSED);
	assert_shown(false, "137");
}

static void test_the_client_goes_meanwhile(void **state)
{
	char id[CONTAINER_ID_TEXT];

	(void)state;
	make(id, "{\"Detach\":true}");
	ask(operation_exec_inspect, id, "");
	tell(VMM_ENDED, 0);
	sync_done(NULL, 0);
	assert_int_equal(status, 0);
}

// The oldest that has ended makes room for a new one, but not while somebody waits to see it.
static void test_it_is_not_removed_meanwhile(void **state)
{
	char id[CONTAINER_ID_TEXT], other[CONTAINER_ID_TEXT];

	(void)state;
	make(id, "{\"Detach\":true}");
	ask(operation_exec_inspect, id, "");
	tell(VMM_ENDED, 3);
	for (int i = 0; i < 400; i++)
		make(other, NULL);
	sync_done(client, 0);
	assert_shown(false, "3");
	make(other, NULL);
	ask(operation_exec_inspect, id, "");
	assert_int_equal(status, 404);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_status_on_its_way_is_shown, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_one_that_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_vmm_cannot_be_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_the_container_ends_meanwhile, set_up,
		                                tear_down),
		cmocka_unit_test_setup_teardown(test_the_client_goes_meanwhile, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_it_is_not_removed_meanwhile, set_up,
		                                tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
