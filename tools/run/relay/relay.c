// SPDX-License-Identifier: MIT
#include "tools/run/relay/relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/common/subprocess.h"
#include "tools/run/relay/backlog.h"
#include "tools/run/relay/uart_log.h"
#include "tools/run/relay/control_line.h"
#include "tools/run/qemu/qemu.h"
#include "tools/run/settings/settings.h"
#include "tools/run/relay/stream.h"
#include "tools/run/relay/terminal.h"

#define STATUS_ERROR 125
#define STATUS_KILLED 137
#define SILENCE_MS 20000  // a firmware that has not said a word by then never will
#define HELD_MS 5000  // then the firmware's banner is shown after all
#define POWER_OFF_MS 10000  // from the exit status to QEMU's end, while no output moves
#define FORCE_SIGNALS 3  // so many signals end it at once
#define NEVER UINT64_MAX
#define CTRL_A 1
#define CONTROL_OUT_SIZE 4096

struct relay {
	struct qemu *machine;
	const struct settings *settings;
	struct stream in;
	struct stream out;
	struct stream err;
	struct stream log;
	struct uart_log console;
	struct control_line control;
	struct stream control_in;  // its filter feeds `control`; nothing is written
	char control_out[CONTROL_OUT_SIZE];
	size_t control_out_length;
	bool opened_sent;
	bool eof_sent;
	int signal_fd;
	struct terminal terminal;
	bool terminal_ours;
	bool handed_over;  // to the container
	bool escaped;  // the user wants it to end
	bool log_is_terminal;
	char last_key;
	bool heard;  // anything from the UART
	bool ended;  // QEMU
	bool quit;  // by the user
	int quit_status;
	int signals;
	int last_signal;
	uint64_t silence_at;  // in clock_ms() terms
	uint64_t held_at;
	uint64_t stop_at;
	uint64_t power_off_at;
};

static void relay_signals(sigset_t *set)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGWINCH, SIGCONT };

	sigemptyset(set);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(set, numbers[i]);
}

void relay_block_signals(void)
{
	sigset_t set;

	relay_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void backlogs_widen(const struct relay *relay)
{
	const struct published_ports *ports = &relay->settings->ports;

	backlog_widen(relay->machine->pid, relay->settings->http_port);
	for (unsigned i = 0; i < ports->count; i++) {
		if (!ports->items[i].udp)
			backlog_widen(relay->machine->pid, ports->items[i].host_port);
	}
}

static size_t uart_log_filter(void *context, const char *data, size_t size, char *out)
{
	struct relay *relay = context;

	if (!relay->heard)
		backlogs_widen(relay);
	relay->heard = true;
	relay->held_at = clock_ms() + HELD_MS;
	return uart_log_push(&relay->console, data, size, out);
}

static size_t control_filter(void *context, const char *data, size_t size, char *out)
{
	struct relay *relay = context;

	(void)out;
	control_line_push(&relay->control, data, size);
	return 0;
}

__attribute__((format(printf, 2, 3))) static void control_send(struct relay *relay,
                                                               const char *format, ...)
{
	size_t room = CONTROL_OUT_SIZE - relay->control_out_length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(relay->control_out + relay->control_out_length, room, format, args);
	va_end(args);
	// Full only when the OS does not read: what is left out then is one signal of many.
	if (length > 0 && (size_t)length < room)
		relay->control_out_length += (size_t)length;
}

// --- The terminal -------------------------------------------------------------------------------

// Without an image, keys are ours: Ctrl-A X ends the machine.
static bool keys_are_ours(const struct relay *relay)
{
	return !relay->settings->image && relay->terminal_ours;
}

static size_t keys_filter(void *context, const char *data, size_t size, char *out)
{
	struct relay *relay = context;

	(void)out;
	for (size_t i = 0; i < size; i++) {
		if (relay->last_key == CTRL_A && (data[i] == 'x' || data[i] == 'X'))
			relay->quit = true;
		relay->last_key = data[i];
	}
	return 0;
}

static void signal_pass(struct relay *relay, int number)
{
	relay->signals++;
	relay->last_signal = number;
	// Nothing to be gentle with: no container of the user's, or not running yet.
	if (!relay->settings->image || !relay->control.started || relay->signals >= FORCE_SIGNALS) {
		relay->quit = true;
		relay->quit_status = 128 + number;
		return;
	}
	control_send(relay, "signal %d\n", number);
	if (relay->stop_at == NEVER && relay->settings->stop_timeout != STOP_FOREVER)
		relay->stop_at = clock_ms() + (uint64_t)relay->settings->stop_timeout * 1000;
}

// Keys for the container's terminal. The escape asks it to end, as a terminal that goes away does; again, and it is ended.
static size_t terminal_keys_filter(void *context, const char *data, size_t size, char *out)
{
	static const char said[] = "\r\nending the container; Ctrl-P Ctrl-Q once more ends it at once\r\n";
	struct relay *relay = context;
	bool escaped = false;
	size_t length = terminal_filter(&relay->terminal, data, size, out, &escaped);

	if (!escaped)
		return length;
	if (relay->escaped || !relay->control.started) {
		relay->quit = true;
		relay->quit_status = STATUS_KILLED;
	} else {
		relay->escaped = true;
		(void)!write(STDERR_FILENO, said, sizeof(said) - 1);
		signal_pass(relay, SIGHUP);
	}
	return length;
}

static void resize_send(struct relay *relay)
{
	unsigned rows;
	unsigned columns;

	if (relay->settings->terminal && relay->control.started && terminal_size(&rows, &columns))
		control_send(relay, "resize %u %u\n", rows, columns);
}

// From the container's start on, the terminal is its own.
static void terminal_hand_over(struct relay *relay)
{
	if (!relay->settings->terminal || !relay->control.started || relay->handed_over)
		return;
	relay->handed_over = true;
	resize_send(relay);
	if (!relay->settings->terminal_input || !relay->terminal_ours)
		return;
	terminal_set_raw(&relay->terminal);
	// The OS's log would be written all over the container's screen.
	relay->console.quiet = relay->log_is_terminal;
}

// --- Events -------------------------------------------------------------------------------------

static void signals_take(struct relay *relay)
{
	struct signalfd_siginfo info;

	while (read(relay->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD) {
			if (subprocess_poll(relay->machine->pid) >= 0) {
				relay->ended = true;
				relay->machine->pid = -1;
			}
		} else if (info.ssi_signo == SIGWINCH) {
			resize_send(relay);
		} else if (info.ssi_signo == SIGCONT) {
			// Who stopped us may have changed the terminal, as a shell does.
			if (relay->terminal.raw)
				terminal_set_raw(&relay->terminal);
			resize_send(relay);
		} else {
			signal_pass(relay, (int)info.ssi_signo);
		}
	}
}

static void control_advance(struct relay *relay, bool moved)
{
	if (relay->control.ready && !relay->opened_sent) {
		relay->opened_sent = true;
		if (relay->settings->image)
			control_send(relay, "stdin-open\n");
		else
			control_send(relay, "stdin-eof 0\n");
	}
	if (relay->opened_sent && relay->settings->image && !relay->eof_sent &&
	    stream_is_done(&relay->in)) {
		relay->eof_sent = true;
		control_send(relay, "stdin-eof %llu\n", (unsigned long long)relay->in.total);
	}
	terminal_hand_over(relay);
	if (relay->control.status >= 0 && relay->settings->image &&
	    (relay->power_off_at == NEVER || moved))
		relay->power_off_at = clock_ms() + POWER_OFF_MS;
}

static void control_flush(struct relay *relay)
{
	ssize_t written = write(relay->machine->channels[QEMU_CONTROL], relay->control_out,
	                        relay->control_out_length);

	if (written < 0 && errno != EAGAIN && errno != EINTR)
		written = (ssize_t)relay->control_out_length;
	if (written <= 0)
		return;
	relay->control_out_length -= (size_t)written;
	memmove(relay->control_out, relay->control_out + written, relay->control_out_length);
}

// The container's output has no reader any more: let it know, as a closed pipe would.
static void closed_output_pass(const struct stream *stream, int channel)
{
	if (stream->broken)
		shutdown(channel, SHUT_RDWR);
}

static void deadlines_check(struct relay *relay)
{
	uint64_t now = clock_ms();

	if (relay->power_off_at <= now || relay->stop_at <= now) {
		terminal_restore(&relay->terminal);
		if (relay->power_off_at <= now)
			log_warn("the OS did not power off after the container's end; ending QEMU");
		else
			log_warn("the container did not end within %u s of the signal; ending QEMU",
			         relay->settings->stop_timeout);
		relay->quit = true;
		relay->quit_status = STATUS_KILLED;
	}
	if (!relay->console.passing && relay->heard &&
	    (relay->held_at <= now || relay->ended || relay->quit) &&
	    relay->log.end + UART_LOG_MAX_HELD <= STREAM_SIZE)
		relay->log.end +=
			uart_log_release(&relay->console, relay->log.buffer + relay->log.end);
}

static int wait_ms(const struct relay *relay)
{
	uint64_t next = relay->stop_at < relay->power_off_at ? relay->stop_at : relay->power_off_at;
	uint64_t now = clock_ms();

	if (!relay->heard && relay->silence_at < next)
		next = relay->silence_at;
	if (relay->heard && !relay->console.passing && relay->held_at < next)
		next = relay->held_at;
	if (next == NEVER)
		return -1;
	return next <= now ? 0 : (int)(next - now);
}

// --- The loop -----------------------------------------------------------------------------------

static bool step(struct relay *relay)
{
	struct stream *streams[] = { &relay->in, &relay->out, &relay->err, &relay->log,
		                     &relay->control_in };
	enum { NUM_STREAMS = sizeof(streams) / sizeof(streams[0]) };
	struct pollfd fds[NUM_STREAMS * STREAM_NUM_FDS + 2];
	unsigned count = NUM_STREAMS * STREAM_NUM_FDS;
	bool moved = false;

	for (unsigned i = 0; i < NUM_STREAMS; i++)
		stream_prepare(streams[i], fds + i * STREAM_NUM_FDS);
	fds[count] = (struct pollfd){ .fd = relay->signal_fd, .events = POLLIN };
	fds[count + 1] = (struct pollfd){
		.fd = relay->control_out_length ? relay->machine->channels[QEMU_CONTROL] : -1,
		.events = POLLOUT,
	};
	if (poll(fds, count + 2, wait_ms(relay)) < 0 && errno != EINTR)
		return false;
	if (fds[count].revents)
		signals_take(relay);
	for (unsigned i = 0; i < NUM_STREAMS; i++)
		moved |= stream_move(streams[i], fds + i * STREAM_NUM_FDS);
	control_advance(relay, moved);
	if (fds[count + 1].revents)
		control_flush(relay);
	closed_output_pass(&relay->out, relay->machine->channels[QEMU_STDOUT]);
	closed_output_pass(&relay->err, relay->machine->channels[QEMU_STDERR]);
	deadlines_check(relay);
	if (relay->quit || (!relay->heard && relay->silence_at <= clock_ms()))
		return false;
	return !(relay->ended && stream_is_done(&relay->out) && stream_is_done(&relay->err) &&
	         stream_is_done(&relay->log) && stream_is_done(&relay->control_in));
}

static void input_open(struct relay *relay)
{
	const struct settings *settings = relay->settings;
	bool wanted = settings->image ? !settings->terminal || settings->terminal_input : keys_are_ours(relay);

	stream_init(&relay->in, wanted ? STDIN_FILENO : -1, relay->machine->channels[QEMU_STDIN]);
	relay->in.filter_context = relay;
	if (keys_are_ours(relay)) {
		relay->in.filter = keys_filter;
		terminal_set_keys(&relay->terminal);
	} else if (settings->terminal && settings->terminal_input) {
		relay->in.filter = terminal_keys_filter;
		relay->in.filter_extra = 1;
	}
	// A read from the background would stop us.
	if (isatty(STDIN_FILENO) && !relay->terminal_ours)
		relay->in.paused = true;
}

static void relay_open(struct relay *relay, int log_fd, bool watch_silence)
{
	int *channels = relay->machine->channels;
	sigset_t set;

	relay_signals(&set);
	relay->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	relay->stop_at = relay->power_off_at = relay->held_at = NEVER;
	relay->silence_at = watch_silence ? clock_ms() + SILENCE_MS : NEVER;
	control_line_init(&relay->control);
	relay->terminal_ours = terminal_is_ours();
	relay->log_is_terminal = isatty(log_fd);
	input_open(relay);
	stream_init(&relay->out, channels[QEMU_STDOUT], STDOUT_FILENO);
	stream_init(&relay->err, channels[QEMU_STDERR], STDERR_FILENO);
	stream_init(&relay->log, channels[QEMU_UART], log_fd);
	relay->log.filter = uart_log_filter;
	relay->log.filter_context = relay;
	relay->log.filter_extra = UART_LOG_MAX_HELD;
	stream_init(&relay->control_in, channels[QEMU_CONTROL], -1);
	relay->control_in.filter = control_filter;
	relay->control_in.filter_context = relay;
}

static struct relay_result relay_conclude(struct relay *relay)
{
	struct relay_result result = { .end = RELAY_STATUS, .status = STATUS_ERROR };

	if (!relay->heard && !relay->quit && !relay->ended) {
		result.end = RELAY_SILENT;
		return result;
	}
	if (relay->control.error[0])
		log_error("linuxrun: %s", relay->control.error);
	if (relay->control.status >= 0 && (relay->settings->image || relay->ended))
		result.status = relay->control.status;
	else if (relay->quit)
		result.status = relay->quit_status;
	else if (!relay->control.error[0])
		log_error(
			"QEMU ended, and the OS had not said how the container ended; its last lines of log say more");
	return result;
}

struct relay_result relay_run(struct qemu *machine, const struct settings *settings, int log_fd,
                              bool watch_silence)
{
	// Some 300 KB, more than a stack should hold.
	struct relay *relay = calloc(1, sizeof(*relay));
	struct relay_result result = { .end = RELAY_STATUS, .status = STATUS_ERROR };

	if (!relay)
		return result;
	relay->machine = machine;
	relay->settings = settings;
	relay_open(relay, log_fd, watch_silence);
	while (step(relay))
		;
	terminal_restore(&relay->terminal);
	result = relay_conclude(relay);
	close(relay->signal_fd);
	free(relay);
	return result;
}
