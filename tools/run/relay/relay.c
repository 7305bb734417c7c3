// SPDX-License-Identifier: MIT
#include "tools/run/relay/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/common/log.h"
#include "tools/common/subprocess.h"
#include "tools/run/engine/engine.h"
#include "tools/run/relay/app_port.h"
#include "tools/run/relay/backlog.h"
#include "tools/run/relay/internal.h"
#include "tools/run/qemu/qemu.h"
#include "tools/run/settings/settings.h"
#include "tools/run/signals.h"

#define STATUS_ERROR 125
#define HELD_MS 5000        // then the firmware's banner is shown after all
#define POWER_OFF_MS 10000  // from the exit status to QEMU's end, while no output moves
#define STOP_SLACK 20       // seconds that the OS has to stop, over those of the containers

static void backlogs_widen(const struct relay *relay)
{
	const struct published_ports *ports = &relay->settings->ports;

	backlog_widen(relay->machine->pid, relay->settings->http_port);
	if (relay->engine)
		backlog_widen(relay->machine->pid, relay->engine->port);
	for (unsigned i = 0; i < ports->count; i++) {
		if (!ports->items[i].udp)
			backlog_widen(relay->machine->pid, ports->items[i].host_port);
	}
}

static size_t uart_log_filter(void *context, const char *data, size_t size, char *out)
{
	struct relay *relay = context;
	size_t length;

	if (!relay->heard) {
		backlogs_widen(relay);
		relay->in.paused = isatty(STDIN_FILENO) && !relay->terminal_ours;
	}
	relay->heard = true;
	relay->held_at = clock_ms() + HELD_MS;
	length = uart_log_push(&relay->uart_log, data, size, out);
	return length;
}

static size_t control_filter(void *context, const char *data, size_t size, char *out)
{
	struct relay *relay = context;

	(void)out;
	control_line_push(&relay->control, data, size);
	return 0;
}

void relay_send_control(struct relay *relay, const char *format, ...)
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

// --- Events -------------------------------------------------------------------------------------

void relay_check_qemu(struct relay *relay)
{
	int status = relay->machine->pid > 0 ? subprocess_poll(relay->machine->pid) : -1;

	if (status < 0)
		return;
	relay->ended = true;
	relay->qemu_status = status;
	relay->machine->pid = -1;
}

// From when on the OS does not stop any more.
static uint64_t engine_stop_limit(const struct relay *relay)
{
	uint64_t seconds = engine_stop_seconds(relay->engine);

	if (relay->stop_signals == 0 || relay->settings->stop_timeout == STOP_FOREVER)
		return NEVER;
	if (seconds < relay->settings->stop_timeout)
		seconds = relay->settings->stop_timeout;
	return relay->stop_begun + (seconds + STOP_SLACK) * 1000;
}

static void control_advance(struct relay *relay, bool moved)
{
	if (relay->control.ready && !relay->opened_sent) {
		relay->opened_sent = true;
		if (relay->settings->image)
			relay_send_control(relay, "stdin-open\n");
		else
			relay_send_control(relay, "stdin-eof 0\n");
	}
	if (relay->opened_sent && relay->settings->image && !relay->eof_sent &&
	    stream_is_done(&relay->in)) {
		relay->eof_sent = true;
		relay_send_control(relay, "stdin-eof %llu\n", (unsigned long long)relay->in.total);
	}
	relay_hand_over_terminal(relay);
	if (relay->control.status >= 0 && relay->settings->image &&
	    (relay->power_off_at == NEVER || moved)) {
		relay->power_off_at = clock_ms() + POWER_OFF_MS;
		ending_is_over(&relay->ending);
	}
}

// Between lines of the log, behind what the OS says of the container's end.
static void say_that_it_runs_on(struct relay *relay)
{
	if (relay->runs_on == NULL || relay->control.status < 0 || relay->ended ||
	    uart_log_in_line(&relay->uart_log) || !stream_is_empty(&relay->log))
		return;
	log_info("%s", relay->runs_on);
	relay->runs_on = NULL;
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

static void give_up(struct relay *relay, const char *why)
{
	terminal_restore(&relay->terminal);
	log_warn("%s; ending QEMU", why);
	relay_quit(relay, STATUS_KILLED);
}

static void ending_check(struct relay *relay, uint64_t now)
{
	enum ending_step due = ending_due(&relay->ending, now);

	if (due == ENDING_QUIT)
		give_up(relay, "the container did not end when it was killed");
	if (due != ENDING_KILL)
		return;
	log_warn("the container did not end within %u s of the signal; killing it",
	         relay->settings->stop_timeout);
	relay_end_container(relay, due, STATUS_KILLED);
}

static void deadlines_check(struct relay *relay)
{
	uint64_t now = clock_ms();

	if (relay->engine && engine_stop_limit(relay) <= now)
		give_up(relay, "the OS did not stop in time");
	else if (relay->power_off_at <= now)
		give_up(relay, "the OS did not power off after the container's end");
	else
		ending_check(relay, now);
	if (!relay->uart_log.passing && relay->heard &&
	    (relay->held_at <= now || relay->ended || relay->quit) &&
	    relay->log.end + UART_LOG_MAX_HELD <= STREAM_SIZE)
		relay->log.end +=
			uart_log_release(&relay->uart_log, relay->log.buffer + relay->log.end);
}

static int wait_ms(const struct relay *relay)
{
	uint64_t next = relay->power_off_at;
	uint64_t apps_due = app_port_due(relay->apps);
	uint64_t now = clock_ms();

	if (relay->ending.due_at < next)
		next = relay->ending.due_at;
	if (apps_due < next)
		next = apps_due;
	if (relay->engine && engine_stop_limit(relay) < next)
		next = engine_stop_limit(relay);
	if (relay->engine && engine_due(relay->engine) < next)
		next = engine_due(relay->engine);
	if (!relay->heard && relay->silence.due_at < next)
		next = relay->silence.due_at;
	if (relay->heard && !relay->uart_log.passing && relay->held_at < next)
		next = relay->held_at;
	if (next == NEVER)
		return -1;
	return next <= now ? 0 : (int)(next - now);
}

// --- The loop -----------------------------------------------------------------------------------

static bool is_dead(struct relay *relay)
{
	uint64_t now = clock_ms();

	return !relay->heard && relay->silence.due_at <= now &&
		silence_is_over(&relay->silence, now, process_starved(relay->machine->pid));
}

static bool step(struct relay *relay)
{
	struct stream *streams[] = { &relay->in, &relay->out, &relay->err, &relay->log,
		                     &relay->control_in };
	enum { NUM_STREAMS = sizeof(streams) / sizeof(streams[0]) };
	struct pollfd fds[NUM_STREAMS * STREAM_NUM_FDS + 2 + APP_PORT_NUM_FDS + ENGINE_NUM_FDS];
	unsigned count = NUM_STREAMS * STREAM_NUM_FDS;
	struct pollfd *engine_fds = fds + count + 2 + APP_PORT_NUM_FDS;
	bool moved = false;

	// While another job has the terminal, nothing is read of it.
	if (relay_has_keys(relay))
		relay->in.paused = !terminal_is_ours();
	for (unsigned i = 0; i < NUM_STREAMS; i++)
		stream_prepare(streams[i], fds + i * STREAM_NUM_FDS);
	fds[count] = (struct pollfd){ .fd = signals_fd(), .events = POLLIN };
	fds[count + 1] = (struct pollfd){
		.fd = relay->control_out_length ? relay->machine->channels[QEMU_CONTROL] : -1,
		.events = POLLOUT,
	};
	app_port_prepare(relay->apps, fds + count + 2);
	for (unsigned i = 0; i < ENGINE_NUM_FDS; i++)
		engine_fds[i].fd = -1;
	if (relay->engine)
		engine_prepare(relay->engine, engine_fds);
	if (poll(fds, sizeof(fds) / sizeof(fds[0]), wait_ms(relay)) < 0 && errno != EINTR)
		return false;
	if (fds[count].revents)
		relay_take_signals(relay);
	for (unsigned i = 0; i < NUM_STREAMS; i++)
		moved |= stream_move(streams[i], fds + i * STREAM_NUM_FDS);
	control_advance(relay, moved);
	say_that_it_runs_on(relay);
	if (fds[count + 1].revents)
		control_flush(relay);
	app_port_move(relay->apps, fds + count + 2,
	              !uart_log_in_line(&relay->uart_log) && stream_is_empty(&relay->log));
	if (relay->engine)
		engine_move(relay->engine, engine_fds);
	closed_output_pass(&relay->out, relay->machine->channels[QEMU_STDOUT]);
	closed_output_pass(&relay->err, relay->machine->channels[QEMU_STDERR]);
	deadlines_check(relay);
	if (relay->quit || is_dead(relay))
		return false;
	return !(relay->ended && stream_is_done(&relay->out) && stream_is_done(&relay->err) &&
	         stream_is_done(&relay->log) && stream_is_done(&relay->control_in));
}

static void input_open(struct relay *relay)
{
	const struct settings *settings = relay->settings;
	bool wanted = settings->image ? (settings->attached & ATTACH_STDIN) &&
			(!settings->terminal || settings->terminal_input)
				      : relay_has_keys(relay);

	stream_init(&relay->in, wanted ? STDIN_FILENO : -1,
	            relay->machine->channels[relay_has_keys(relay) ? QEMU_UART : QEMU_STDIN]);
	relay->in.filter_context = relay;
	if (relay_has_keys(relay)) {
		relay->in.filter = relay_filter_keys;
		terminal_set_keys(&relay->terminal);
	} else if (settings->terminal && settings->terminal_input) {
		relay->in.filter = relay_filter_terminal_keys;
		relay->in.filter_extra = 1;
	}
	// A read from the background would stop us. What comes from elsewhere than a terminal waits
	// for a QEMU that is alive: one that stays silent would take it along.
	relay->in.paused = !relay->terminal_ours;
}

static void relay_open(struct relay *relay, int log_fd)
{
	int *channels = relay->machine->channels;
	unsigned attached = relay->settings->attached;

	relay->power_off_at = relay->held_at = NEVER;
	ending_init(&relay->ending, relay->settings->stop_timeout);
	if (!relay->settings->gdb)
		silence_begin(&relay->silence, clock_ms());
	else
		relay->silence.due_at = NEVER;
	control_line_init(&relay->control);
	relay->terminal_ours = terminal_is_ours();
	relay->log_is_terminal = isatty(log_fd);
	relay->uart_log.quiet = relay->settings->quiet && !relay->settings->log_path;
	relay->uart_log.console = relay_has_keys(relay);
	input_open(relay);
	relay->null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	stream_init(&relay->out, channels[QEMU_STDOUT],
	            attached & ATTACH_STDOUT ? STDOUT_FILENO : relay->null_fd);
	stream_init(&relay->err, channels[QEMU_STDERR],
	            attached & ATTACH_STDERR ? STDERR_FILENO : relay->null_fd);
	stream_init(&relay->log, channels[QEMU_UART], log_fd);
	relay->log.filter = uart_log_filter;
	relay->log.filter_context = relay;
	relay->log.filter_extra = UART_LOG_EXTRA;
	if (snprintf(relay->image, sizeof(relay->image), "%s/starina.elf", relay->settings->build) <
	    (int)sizeof(relay->image))
		relay->uart_log.source = (struct source_line){ .image = relay->image,
			                                       .root = relay->settings->root };
	stream_init(&relay->control_in, channels[QEMU_CONTROL], -1);
	relay->control_in.filter = control_filter;
	relay->control_in.filter_context = relay;
}

// Whether QEMU ended as it does when the OS powers off; else says what ended it.
static bool qemu_end_check(const struct relay *relay, const char *when)
{
	int status = relay->qemu_status;

	if (!relay->ended || relay->quit || status == 0)
		return true;
	if (status > 128)
		log_error("QEMU was ended by signal %d (%s) %s%s", status - 128,
		          strsignal(status - 128), when,
		          status - 128 == SIGKILL
		                  ? "; when the host runs out of memory, it does that"
		                  : "");
	else
		log_error("QEMU ended with status %d %s; what it said is above", status, when);
	return false;
}

static struct relay_result relay_conclude(struct relay *relay)
{
	struct relay_result result = { .end = RELAY_STATUS, .status = STATUS_ERROR };
	bool container_ended = relay->control.status >= 0;
	bool well;

	if (!relay->heard && !relay->quit && !relay->ended) {
		result.end = RELAY_SILENT;
		return result;
	}
	if (relay->control.error[0])
		log_error("linuxrun: %s", relay->control.error);
	well = qemu_end_check(relay,
	                      relay->engine             ? "before it was stopped"
	                              : container_ended ? "after the container's end"
	                                                : "before the container's end");
	if (relay->engine) {
		result.status = relay->quit ? relay->quit_status : well ? 0 : STATUS_ERROR;
		return result;
	}
	// A container of the user's has ended when it says so; the built-in one leaves the OS
	// running.
	if (container_ended && (relay->settings->image || (relay->ended && well)))
		result.status = relay->control.status;
	else if (relay->quit)
		result.status = relay->quit_status;
	else if (well && !relay->control.error[0])
		log_error(
			"QEMU ended, and the OS had not said how the container ended; its last lines of log say more");
	return result;
}

struct relay_result relay_run(struct qemu *machine, const struct settings *settings,
                              struct app_port *apps, struct engine *engine, int log_fd,
                              const char *runs_on)
{
	// Some 300 KB, more than a stack should hold.
	struct relay *relay = calloc(1, sizeof(*relay));
	struct relay_result result = { .end = RELAY_STATUS, .status = STATUS_ERROR };

	if (!relay)
		return result;
	relay->machine = machine;
	relay->settings = settings;
	relay->apps = apps;
	relay->engine = engine;
	relay->runs_on = runs_on;
	relay_open(relay, log_fd);
	while (step(relay))
		;
	terminal_restore(&relay->terminal);
	result = relay_conclude(relay);
	close(relay->null_fd);
	free(relay);
	return result;
}
