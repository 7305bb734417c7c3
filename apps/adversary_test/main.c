// SPDX-License-Identifier: MIT
//
// Starts the adversary again and again, tells it what to do, and looks at how it ends and at
// everything else: the system goes on, and has what it had before. The machine goes off then, with
// 0 if all was well. tools/test/adversary.sh runs it.
#include "apps/adversary_test/judge.h"
#include "libs/abi/echo.h"
#include "libs/base/string.h"

#define SLACK 50

static const struct test *const suites[] = { memory_tests, call_tests, race_tests };

void test_failed(struct judge *j, const char *what, const char *file, int line)
{
	j->failed = true;
	log_error("%s:%d: not so: %s", file, line, what);
}

nsec_t test_now(void)
{
	nsec_t now = 0;

	assert(clock_get(CLOCK_MONOTONIC, &now) == 0);
	return now;
}

nsec_t test_deadline(void)
{
	return test_now() + 120 * NSEC_PER_SEC;
}

uint64_t config_address(struct judge *j, const char *name)
{
	uint64_t value = 0;

	expect(j, environ_config_u64(j->env, name, &value) == 0 && value != 0);
	return value;
}

// --- The adversary ---

static handle_t accept_one(struct judge *j)
{
	handle_t service = environ_service(j->env, "adversary_test");
	handle_t channel = HANDLE_NONE;
	error_t error;

	while ((error = service_accept(service, &channel)) == ERR_EMPTY) {
		if (handle_wait(service, READY_READABLE, test_deadline()) != 0)
			break;
	}
	expect(j, error == 0);
	return channel;
}

static bool tell(struct judge *j, const struct msg_adversary_do *deed, handle_t channel)
{
	struct message m;

	expect(j, message_encode_adversary_do(&m, deed, NULL, 0) == 0);
	expect(j, channel_send(channel, &m) == 0);
	return !j->failed;
}

bool adversary_start(struct judge *j, const struct msg_adversary_do *deed, struct adversary *out)
{
	*out = (struct adversary){ 0 };
	expect(j, system_start_app(j->system, "adversary", 9, &out->process) == 0);
	if (j->failed)
		return false;
	j->num_starts++;
	out->channel = accept_one(j);
	return out->channel != HANDLE_NONE && tell(j, deed, out->channel);
}

static bool ended_as(const struct process_info *info, enum ending ending)
{
	switch (ending) {
	case ENDS_BY_FAULT: return info->end == PROCESS_END_FAULT;
	case ENDS_KILLED: return info->end == PROCESS_END_KILLED;
	default: return info->end == PROCESS_END_EXIT && info->status == ADVERSARY_DONE;
	}
}

int adversary_end(struct judge *j, struct adversary *adversary, enum ending ending)
{
	struct process_info info = { 0 };
	bool ended;

	if (adversary->process == HANDLE_NONE)
		return ADVERSARY_HARMLESS;
	ended = handle_wait(adversary->process, READY_CLOSED, test_deadline()) == 0;
	expect(j, ended);
	expect(j, process_info(adversary->process, &info) == 0);
	if (!ended)
		expect(j, process_kill(adversary->process) == 0);
	handle_close(adversary->process);
	handle_close(adversary->channel);
	if (ended && ended_as(&info, ending))
		return ADVERSARY_DONE;
	return info.end == PROCESS_END_EXIT ? info.status : ADVERSARY_HARMLESS;
}

int adversary_does(struct judge *j, uint32_t deed, uint64_t address, uint32_t rounds,
                   enum ending ending)
{
	struct msg_adversary_do msg = { .deed = deed, .rounds = rounds, .address = address };
	struct adversary adversary;
	int status;

	(void)adversary_start(j, &msg, &adversary);
	status = adversary_end(j, &adversary, ending);
	if (status != ADVERSARY_DONE && status != ADVERSARY_NO_SUCH) {
		log_error("deed %u, address %#llx, rounds %u: status %d", deed,
		          (unsigned long long)address, rounds, status);
		j->failed = true;
	}
	return status;
}

// --- The rest of the system ---

void expect_peer_answers(struct judge *j)
{
	struct msg_echo msg = { .id = 7 };
	struct message m;

	expect(j, message_encode_echo(&m, &msg, "peer", 4) == 0);
	expect(j, channel_send(j->peer, &m) == 0);
	expect(j, recv_wait(j->peer, test_deadline(), &m) == 0);
	expect(j, m.len >= 4 && memcmp(m.data + m.len - 4, "peer", 4) == 0);
}

static bool all_are(const volatile uint64_t *words, size_t count, uint64_t value)
{
	for (size_t i = 0; i < count; i++) {
		if (words[i] != value)
			return false;
	}
	return true;
}

void expect_memory_is_ours(struct judge *j, size_t size)
{
	size_t count = size / sizeof(uint64_t);
	volatile uint64_t *words;
	handle_t folio;
	void *at;

	if (folio_create(size, 0, &folio) != 0)
		return;
	expect(j, folio_map(folio, PROT_READ | PROT_WRITE, &at) == 0);
	words = at;
	expect(j, all_are(words, count, 0));
	for (size_t i = 0; i < count; i++)
		words[i] = ADVERSARY_SECRET;
	for (unsigned i = 0; i < 4; i++)
		expect(j, all_are(words, count, ADVERSARY_SECRET));
	handle_close(folio);
}

static struct system_info info(struct judge *j)
{
	struct system_info i = { 0 };

	expect(j, system_info(j->system, &i) == 0);
	return i;
}

static void expect_settles(struct judge *j, const struct system_info *before)
{
	nsec_t deadline = test_deadline();
	struct system_info now;

	do {
		thread_yield();
		now = info(j);
		if (now.free_pages + SLACK >= before->free_pages &&
		    now.handles <= before->handles && now.kernel_objects <= before->kernel_objects)
			return;
	} while (test_now() < deadline);
	log_error("free pages %llu, were %llu; handles %llu, were %llu; objects %llu, were %llu",
	          (unsigned long long)now.free_pages, (unsigned long long)before->free_pages,
	          (unsigned long long)now.handles, (unsigned long long)before->handles,
	          (unsigned long long)now.kernel_objects,
	          (unsigned long long)before->kernel_objects);
	test_failed(j, "all was given back", __FILE__, __LINE__);
}

// --- The tests ---

static void run(struct judge *j, const struct test *test)
{
	j->failed = false;
	test->run(j);
	expect_peer_answers(j);
	if (j->failed)
		j->num_failed++;
	else
		j->num_passed++;
	log_info("%s %s", j->failed ? "FAIL" : "ok", test->name);
}

static void run_suites(struct judge *j)
{
	const char *only = environ_config(j->env, "only");

	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		for (const struct test *test = suites[i]; test->name != NULL; test++) {
			if (strncmp(test->name, only, strlen(only)) == 0)
				run(j, test);
		}
	}
}

// The one that the kernel started at boot is sent home; so are a few more, that what they leave in
// caches is no leak.
static void warm_up(struct judge *j)
{
	struct msg_adversary_do msg = { .deed = ADVERSARY_EXIT };
	handle_t process = HANDLE_NONE;
	handle_t channel = accept_one(j);

	expect(j, system_find_process(j->system, "adversary", 9, &process) == 0);
	(void)tell(j, &msg, channel);
	expect(j, handle_wait(process, READY_CLOSED, test_deadline()) == 0);
	handle_close(process);
	handle_close(channel);
	for (unsigned i = 0; i < 4; i++)
		(void)adversary_does(j, ADVERSARY_EXIT, 0, 0, ENDS_DONE);
	expect(j,
	       service_connect_wait(environ_connector(j->env, "echo"), test_deadline(), &j->peer) ==
	               0);
	expect_peer_answers(j);
	assert(!j->failed);
}

static void judge_main(const struct environ *env)
{
	static struct judge judge;
	struct judge *j = &judge;
	struct system_info before;

	j->env = env;
	j->system = environ_system(env);
	warm_up(j);
	before = info(j);
	run_suites(j);
	j->failed = false;
	expect_settles(j, &before);
	if (j->failed)
		j->num_failed++;
	else
		j->num_passed++;
	log_info("%s %u starts, all was given back", j->failed ? "FAIL" : "ok", j->num_starts);
	log_info("autotest: %u passed, %u failed", j->num_passed, j->num_failed);
	system_power_off(j->system, j->num_failed == 0 ? 0 : 1);
}

APP(adversary_test, .main = judge_main, .memory_limit = 128ul * 1024 * 1024,
    .provides = { "adversary_test" },
    .needs = {
	    { NEED_SERVICE, "echo", NULL, 0 },
	    { NEED_DEVICE, "google,goldfish-rtc", NULL, 0 },
	    // Addresses of the kernel's: a thread's stack, data, the start of the text.
	    { NEED_CONFIG, "boot_stack", NULL, 0 },
	    { NEED_CONFIG, "harts", NULL, 0 },
	    { NEED_CONFIG, "syscall_table", NULL, 0 },
	    // Runs only the tests whose names begin so.
	    { NEED_CONFIG, "only", "", 0 },
	    { NEED_SYSTEM, "control", NULL, 0 },
    });
