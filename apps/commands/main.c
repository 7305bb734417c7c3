// SPDX-License-Identifier: MIT
//
// Runs Linux programs for apps that do not do so themselves, as the web server does for the web
// shell. While somebody runs commands, a virtual machine waits for the next one.
#include "apps/commands/commands.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// From the end of the last command on a virtual machine waits so long.
#define IDLE_TIME (60 * NSEC_PER_SEC)

static struct commands state;

static void idle_set(struct commands *commands, nsec_t deadline)
{
	error_t err = timer_set(commands->idle.handle, deadline);

	assert(err == 0);
}

static void keep_warm(struct commands *commands, uint32_t count)
{
	error_t err = linux_runtime_keep_warm(commands->runtime, COMMAND_MEMORY, 1, count);

	assert(err == 0);
}

struct linux_runtime *runtime_take(struct commands *commands)
{
	if (commands->runtime == NULL &&
	    linux_runtime_open(&commands->loop, commands->env, &commands->runtime) < 0)
		return NULL;
	idle_set(commands, NSEC_NEVER);
	keep_warm(commands, 1);
	return commands->runtime;
}

void runtime_rests(struct commands *commands)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	assert(err == 0);
	idle_set(commands, now + IDLE_TIME);
}

static void idle_signalled(struct loop *loop, struct source *source)
{
	struct commands *commands = source->context;

	(void)loop;
	idle_set(commands, NSEC_NEVER);
	keep_warm(commands, 0);
}

static const struct source_ops idle_ops = { .signalled = idle_signalled };

static void commands_main(const struct environ *env)
{
	struct commands *commands = &state;
	handle_t timer;
	error_t err;

	commands->env = env;
	list_init(&commands->clients);
	err = loop_init(&commands->loop);
	if (err == 0)
		err = timer_create(&timer);
	if (err == 0)
		err = loop_add(&commands->loop, &commands->idle, timer, &idle_ops, commands);
	if (err == 0)
		err = service_listen(&commands->loop, &commands->listener,
		                     environ_service(env, "commands"), client_accepted, commands);
	assert(err == 0);
	loop_run(&commands->loop);
}

APP(commands, .main = commands_main, .restart = RESTART_ON_FAULT,
    .memory_limit = 2048ul * 1024 * 1024, .handle_limit = 4096, .needs = { LINUX_NEEDS },
    .provides = { "commands" });
