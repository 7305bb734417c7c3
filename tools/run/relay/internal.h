// SPDX-License-Identifier: MIT
//
// The relay's state, which relay.c moves along and user_input.c changes as the user asks.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/run/engine/engine.h"
#include "tools/run/qemu/qemu.h"
#include "tools/run/relay/app_port.h"
#include "tools/run/relay/control_line.h"
#include "tools/run/relay/ending.h"
#include "tools/run/relay/relay.h"
#include "tools/run/relay/silence.h"
#include "tools/run/relay/stream.h"
#include "tools/run/relay/terminal.h"
#include "tools/run/relay/uart_log.h"
#include "tools/run/settings/settings.h"

#define STATUS_KILLED 137
#define NEVER UINT64_MAX
#define CONTROL_OUT_SIZE 4096

struct relay {
	struct qemu *machine;
	const struct settings *settings;
	struct stream in;
	struct stream out;
	struct stream err;
	struct stream log;
	char image[PATH_MAX];  // starina.elf
	struct uart_log uart_log;
	struct control_line control;
	struct stream control_in;  // its filter feeds `control`; nothing is written
	struct app_port *apps;
	struct engine *engine;  // NULL: there is none
	char control_out[CONTROL_OUT_SIZE];
	size_t control_out_length;
	bool opened_sent;
	bool eof_sent;
	struct terminal terminal;
	bool terminal_ours;
	bool handed_over;  // to the container
	bool escaped;      // the user wants it to end
	bool log_is_terminal;
	int null_fd;  // takes the streams that are not ours
	char last_key;
	bool heard;       // anything from the UART
	bool ended;       // QEMU
	int qemu_status;  // as subprocess_wait() has it, when `ended`
	bool quit;        // by the user
	int quit_status;
	int stop_signals;     // to the engine
	const char *runs_on;  // to be said after the container's end; NULL: nothing is
	struct silence silence;
	uint64_t held_at;      // in clock_ms() terms
	struct ending ending;  // of the container
	uint64_t stop_begun;   // of the engine
	uint64_t power_off_at;
};

// --- relay.c -------------------------------------------------------------------------------------

// Queues a line for linuxrun. While the OS does not read, lines are lost once the queue is full.
__attribute__((format(printf, 2, 3))) void relay_send_control(struct relay *relay,
                                                              const char *format, ...);
// Notes QEMU's end, if it has come.
void relay_check_qemu(struct relay *relay);

// --- user_input.c --------------------------------------------------------------------------------

// Without an image, keys are typed at the OS's console, but for Ctrl-A X, which ends the machine.
bool relay_has_keys(const struct relay *relay);
// Ends the loop; run.sh ends with `status`.
void relay_quit(struct relay *relay, int status);
// Takes a step to the container's end. run.sh ends with `status` if QEMU has to be ended.
void relay_end_container(struct relay *relay, enum ending_step step, int status);
// Filters of a stream, with the relay as context: keys for the OS's console.
size_t relay_filter_keys(void *context, const char *data, size_t size, char *out);
// Keys for the container's terminal. The escape asks it to end, as a terminal that goes away does;
// the second one kills it, the third one ends QEMU.
size_t relay_filter_terminal_keys(void *context, const char *data, size_t size, char *out);
// From the container's start on, the terminal is its own.
void relay_hand_over_terminal(struct relay *relay);
// Takes all signals that wait.
void relay_take_signals(struct relay *relay);
