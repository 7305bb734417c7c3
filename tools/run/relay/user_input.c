// SPDX-License-Identifier: MIT
//
// What the user asks by keys and signals.
#include "tools/run/relay/internal.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/run/signals.h"

#define CTRL_A 1

// --- The end ------------------------------------------------------------------------------------

void relay_quit(struct relay *relay, int status)
{
	relay->quit = true;
	relay->quit_status = status;
}

// The first signal asks the OS to end all in order, the second one ends it at once.
static void engine_signal(struct relay *relay, int number)
{
	if (!signal_ends(number)) {
		signal_obey_stop(number);
		return;
	}
	if (++relay->stop_signals > 1) {
		relay_quit(relay, 128 + number);
		return;
	}
	log_info("stopping; once more ends it at once");
	engine_stop(relay->engine);
	relay->stop_begun = clock_ms();
}

void relay_end_container(struct relay *relay, enum ending_step step, int status)
{
	if (step == ENDING_KILL)
		relay_send_control(relay, "signal %d\n", SIGKILL);
	else if (step == ENDING_QUIT)
		relay_quit(relay, status);
}

// --- Keys and the terminal -----------------------------------------------------------------------

bool relay_has_keys(const struct relay *relay)
{
	return !relay->settings->image && relay->terminal_ours;
}

static void escape_take(struct relay *relay)
{
	if (relay->engine)
		engine_signal(relay, SIGINT);
	else
		relay->quit = true;
}

size_t relay_filter_keys(void *context, const char *data, size_t size, char *out)
{
	struct relay *relay = context;
	size_t length = 0;

	for (size_t i = 0; i < size; i++) {
		if (relay->last_key == CTRL_A && (data[i] == 'x' || data[i] == 'X'))
			escape_take(relay);
		if (relay->last_key != CTRL_A && data[i] != CTRL_A)
			out[length++] = data[i];
		relay->last_key = data[i];
	}
	return length;
}

static void escape_from_container(struct relay *relay)
{
	static const char said[] = "\r\nending the container; Ctrl-P Ctrl-Q once more kills it\r\n";
	enum ending_step step;

	if (!relay->control.started) {
		relay_quit(relay, STATUS_KILLED);
		return;
	}
	if (relay->escaped) {
		step = ending_insist(&relay->ending, clock_ms());
	} else {
		relay->escaped = true;
		(void)!write(STDERR_FILENO, said, sizeof(said) - 1);
		relay_send_control(relay, "signal %d\n", SIGHUP);
		step = ending_ask(&relay->ending, clock_ms());
	}
	relay_end_container(relay, step, STATUS_KILLED);
}

size_t relay_filter_terminal_keys(void *context, const char *data, size_t size, char *out)
{
	struct relay *relay = context;
	unsigned escapes = 0;
	size_t length = terminal_filter(&relay->terminal, data, size, out, &escapes);

	for (; escapes > 0; escapes--)
		escape_from_container(relay);
	return length;
}

static void resize_send(struct relay *relay)
{
	unsigned rows;
	unsigned columns;

	if (relay->settings->terminal && relay->control.started && terminal_size(&rows, &columns))
		relay_send_control(relay, "resize %u %u\n", rows, columns);
}

void relay_hand_over_terminal(struct relay *relay)
{
	if (!relay->settings->terminal || !relay->control.started || relay->handed_over)
		return;
	relay->handed_over = true;
	resize_send(relay);
	if (!relay->settings->terminal_input || !relay->terminal_ours)
		return;
	terminal_set_raw(&relay->terminal);
	// The OS's log would be written all over the container's screen.
	if (relay->log_is_terminal)
		relay->uart_log.quiet = relay->uart_log.raw = true;
}

// --- Signals -------------------------------------------------------------------------------------

static bool container_runs(const struct relay *relay)
{
	return relay->settings->image && relay->control.started;
}

// What a signal asks of the container, or of us while there is none.
static void signal_pass(struct relay *relay, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;
	bool sent = signal_is_sent(info);

	// Of the terminal's own, a window's size travels as such; the rest is a child's end or a
	// closed pipe's.
	if (!sent && (number == SIGWINCH || number == SIGCHLD || number == SIGPIPE))
		return;
	if (relay->engine) {
		engine_signal(relay, number);
		return;
	}
	if (!container_runs(relay)) {
		if (signal_ends(number)) {
			if (relay->settings->image)
				log_warn("stopped by signal %d (%s) before the container started",
				         number, strsignal(number));
			relay_quit(relay, 128 + number);
		}
		signal_obey_stop(number);
		return;
	}
	relay_send_control(relay, "signal %d\n", number);
	// A terminal that is gone cannot ask twice.
	if (number == SIGINT || number == SIGTERM || (number == SIGHUP && !sent))
		relay_end_container(relay, ending_ask(&relay->ending, clock_ms()), 128 + number);
}

static void signal_take(struct relay *relay, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;

	if (number == SIGCHLD)
		relay_check_qemu(relay);
	// Who stopped us may have changed the terminal, as a shell does.
	if (number == SIGCONT && relay->terminal.raw && terminal_is_ours())
		terminal_set_raw(&relay->terminal);
	else if (number == SIGCONT && relay_has_keys(relay) && terminal_is_ours())
		terminal_set_keys(&relay->terminal);
	if (number == SIGWINCH || number == SIGCONT)
		resize_send(relay);
	signal_pass(relay, info);
}

void relay_take_signals(struct relay *relay)
{
	struct signalfd_siginfo info;

	while (signals_take(&info))
		signal_take(relay, &info);
}
