// SPDX-License-Identifier: MIT
#include "apps/containers/health.h"

#include "apps/containers/commit.h"
#include "apps/containers/containers.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/base/text.h"
#include "libs/starina/alloc.h"
#include "libs/starina/log.h"
#include "libs/starina/syscall.h"

// Of its output, as Docker keeps it.
#define MAX_OUTPUT 4096u
#define EXIT_TIMEOUT (-1)
#define SIGNAL_KILL 9u

// A check that runs.
struct probe {
	struct container *c;
	uint32_t number;  // of its process
	nsec_t start;     // CLOCK_WALL
	struct source output;
	bool has_output;  // `output` is open
	bool has_ended;   // its process
	int exit_code;
	char text[MAX_OUTPUT + 1];
	size_t len;
};

static void schedule(struct container *c);

static void set_timer(struct container *c, int64_t delay)
{
	error_t err = timer_set(c->health.timer, monotonic_time() + (nsec_t)delay);

	assert(err == 0);
}

static bool is_starting(const struct health *h)
{
	return h->status == HEALTH_STARTING &&
		monotonic_time() - h->begun_at < (nsec_t)h->settings.start_period;
}

// --- Results -------------------------------------------------------------------------------------

static void drop_results(struct health *h)
{
	for (size_t i = 0; i < h->num_results; i++)
		heap_free(h->log[i].output);
	h->num_results = 0;
}

// Lines stay, what a terminal would obey does not.
static char *printable(const char *text, size_t len)
{
	char *out = heap_alloc(len + 1);

	if (out == NULL)
		return NULL;
	text_copy_visible(out, text, len);
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\n' || text[i] == '\t')
			out[i] = text[i];
	return out;
}

static void keep_result(struct health *h, const struct probe *probe, int exit_code,
                        const char *text, size_t len)
{
	struct health_result *result;

	if (h->num_results == HEALTH_LOG_MAX) {
		heap_free(h->log[0].output);
		memmove(&h->log[0], &h->log[1], (HEALTH_LOG_MAX - 1) * sizeof(h->log[0]));
		h->num_results--;
	}
	result = &h->log[h->num_results++];
	*result = (struct health_result){ .start = probe->start,
		                          .end = wall_time(),
		                          .exit_code = exit_code,
		                          .output = printable(text, len) };
}

static void set_status(struct container *c, enum health_status status)
{
	static const char *const actions[] = { [HEALTH_HEALTHY] = "health_status: healthy",
		                               [HEALTH_UNHEALTHY] = "health_status: unhealthy" };

	if (c->health.status == status)
		return;
	c->health.status = status;
	events_container(c, actions[status], NULL);
}

// Failures do not count while it may still be starting.
static void judge(struct container *c, int exit_code)
{
	struct health *h = &c->health;

	if (exit_code == 0) {
		h->failing_streak = 0;
		set_status(c, HEALTH_HEALTHY);
		return;
	}
	if (is_starting(h))
		return;
	h->failing_streak++;
	if (h->failing_streak >= (uint64_t)h->settings.retries)
		set_status(c, HEALTH_UNHEALTHY);
}

static void free_probe(struct container *c)
{
	struct probe *probe = c->health.probe;

	if (probe == NULL)
		return;
	c->health.probe = NULL;
	if (probe->has_output)
		loop_close(&c->all->loop, &probe->output);
	heap_free(probe);
}

static bool stands_still(const struct container *c)
{
	return c->paused || c->is_pausing || commit_holds(c);
}

static void finish(struct container *c, int exit_code, const char *text, size_t len)
{
	// What stands still is neither well nor ill.
	if (!stands_still(c)) {
		keep_result(&c->health, c->health.probe, exit_code, text, len);
		judge(c, exit_code);
	}
	free_probe(c);
	schedule(c);
}

// --- A check -------------------------------------------------------------------------------------

static void finish_if_over(struct probe *probe)
{
	if (probe->has_ended && !probe->has_output)
		finish(probe->c, probe->exit_code, probe->text, probe->len);
}

static void close_output(struct probe *probe)
{
	loop_close(&probe->c->all->loop, &probe->output);
	probe->has_output = false;
	finish_if_over(probe);
}

static void output_message(struct loop *loop, struct source *source, struct message *m)
{
	struct probe *probe = source->context;
	struct payload payload;
	size_t room = MAX_OUTPUT - probe->len;

	(void)loop;
	if (m->type == MSG_END) {
		message_discard(m);
		close_output(probe);
		return;
	}
	if (payload_open(m, &payload) < 0)
		return;
	room = payload.bytes.len < room ? payload.bytes.len : room;
	memcpy(probe->text + probe->len, payload.bytes.data, room);
	probe->len += room;
	payload_release(&payload);
}

static void output_closed(struct loop *loop, struct source *source)
{
	(void)loop;
	close_output(source->context);
}

static const struct source_ops output_ops = { .message = output_message, .closed = output_closed };

bool health_told(struct container *c, const struct msg_vmm_process *process)
{
	struct probe *probe = c->health.probe;

	if (probe == NULL || probe->number != process->process)
		return false;
	if (process->state == VMM_ENDED) {
		probe->has_ended = true;
		probe->exit_code = process->status & 0xff;
		finish_if_over(probe);
	}
	return true;
}

// Makes the probe and the channel of its output, whose other end is `*far`.
static struct probe *make_probe(struct container *c, handle_t *far)
{
	struct probe *probe = heap_alloc(sizeof(*probe));
	handle_t ends[2];

	if (probe == NULL)
		return NULL;
	probe->c = c;
	probe->start = wall_time();
	if (random_get(&probe->number, sizeof(probe->number)) < 0 || channel_create(ends) < 0) {
		heap_free(probe);
		return NULL;
	}
	probe->number |= 2;
	if (loop_add(&c->all->loop, &probe->output, ends[0], &output_ops, probe) < 0) {
		handle_close(ends[0]);
		handle_close(ends[1]);
		heap_free(probe);
		return NULL;
	}
	probe->has_output = true;
	*far = ends[1];
	return probe;
}

// The order for its vmm. Errors: ERR_NOT_FOUND (the image is gone), ERR_NO_MEMORY, ERR_LIMIT.
static error_t make_order(const struct container *c, uint32_t number, handle_t far,
                          struct message *m)
{
	const struct image *image = container_image(c);
	// Its output is one stream.
	struct msg_vmm_exec fixed = { .process = number, .flags = VMM_TTY };
	struct exec_settings exec = { 0 };
	struct json_writer w = { 0 };
	error_t err = image != NULL ? health_settings_command(&c->health.settings, &exec.cmd)
				    : ERR_NOT_FOUND;

	if (err == 0)
		err = config_write_exec(c, image, &exec, &w);
	exec_settings_deinit(&exec);
	if (err == 0)
		err = vmms_exec_order(m, fixed, &w);
	else
		json_writer_deinit(&w);
	if (err == 0)
		m->handles[m->num_handles++] = far;
	return err;
}

// Starts a check; what cannot be started is put off.
static void check(struct container *c)
{
	struct health *h = &c->health;
	handle_t far = HANDLE_NONE;
	struct message m;
	error_t err;

	if (stands_still(c) || c->vmm == NULL || !c->vmm->connected) {
		schedule(c);
		return;
	}
	h->probe = make_probe(c, &far);
	if (h->probe == NULL) {
		schedule(c);
		return;
	}
	err = make_order(c, h->probe->number, far, &m);
	if (err < 0)
		handle_close(far);
	if (err < 0 || !vmms_send(c->vmm, &m)) {
		log_warn("container %s has no health check: %s", c->name, error_text(err));
		free_probe(c);
		schedule(c);
		return;
	}
	set_timer(c, h->settings.timeout);
}

// It took too long.
static void give_up(struct container *c)
{
	struct msg_vmm_signal signal = { .process = c->health.probe->number,
		                         .signal = SIGNAL_KILL };
	unsigned long long ms = (nsec_t)c->health.settings.timeout / NSEC_PER_MSEC;
	bool is_whole = ms % 1000 == 0;
	char text[64];
	struct message m;
	error_t err = message_encode_vmm_signal(&m, &signal, NULL, 0);
	size_t len = fmt_write(text, sizeof(text), "Health check exceeded timeout (%llu%s)",
	                       is_whole ? ms / 1000 : ms, is_whole ? "s" : "ms");

	assert(err == 0);
	if (c->vmm != NULL)
		(void)vmms_send(c->vmm, &m);
	finish(c, EXIT_TIMEOUT, text, len);
}

static void timer_signalled(struct loop *loop, struct source *source)
{
	struct container *c = source->context;
	error_t err = timer_set(c->health.timer, NSEC_NEVER);

	(void)loop;
	assert(err == 0);
	if (c->health.probe != NULL)
		give_up(c);
	else
		check(c);
}

static const struct source_ops timer_ops = { .signalled = timer_signalled };

static void schedule(struct container *c)
{
	const struct health *h = &c->health;

	set_timer(c, is_starting(h) ? h->settings.start_interval : h->settings.interval);
}

// --- Begin and end -------------------------------------------------------------------------------

// What the container says, and its image. Errors: as health_settings_parse's.
static error_t settings_of(const struct container *c, struct health_settings *out)
{
	const struct image *image = container_image(c);
	struct health_settings inherited;
	char error[SETTINGS_ERROR_MAX];
	error_t err = health_settings_parse(out, c->settings.healthcheck, error);

	if (err < 0 || image == NULL || image->healthcheck == NULL)
		return err;
	if (health_settings_parse(&inherited, image->healthcheck, error) < 0) {
		log_warn("the health check of the image of %s: %s", c->name, error);
		return 0;
	}
	err = health_settings_merge(out, &inherited);
	health_settings_deinit(&inherited);
	if (err < 0)
		health_settings_deinit(out);
	return err;
}

void health_begin(struct container *c)
{
	struct health *h = &c->health;

	if (h->watches)
		return;
	health_free(c);
	if (settings_of(c, &h->settings) < 0 || !health_settings_has_test(&h->settings)) {
		health_settings_deinit(&h->settings);
		return;
	}
	health_settings_complete(&h->settings);
	if (timer_create(&h->timer) < 0)
		return;
	if (loop_add(&c->all->loop, &h->timer_source, h->timer, &timer_ops, c) < 0) {
		handle_close(h->timer);
		return;
	}
	h->watches = true;
	h->status = HEALTH_STARTING;
	h->begun_at = monotonic_time();
	schedule(c);
}

void health_resume(struct containers *all)
{
	list_for_each(entry, &all->containers) {
		struct container *c = container_of(entry, struct container, entry);

		if (!c->started || c->vmm == NULL || !c->vmm->connected)
			continue;
		health_free(c);
		health_begin(c);
	}
}

void health_stop(struct container *c)
{
	free_probe(c);
	if (c->health.watches)
		loop_close(&c->all->loop, &c->health.timer_source);
	c->health.watches = false;
}

void health_free(struct container *c)
{
	health_stop(c);
	drop_results(&c->health);
	health_settings_deinit(&c->health.settings);
	c->health = (struct health){ 0 };
}

// --- Showing -------------------------------------------------------------------------------------

const char *health_word(const struct container *c)
{
	static const char *const words[] = { "none", "starting", "healthy", "unhealthy" };

	return words[c->health.status];
}

static void write_time(struct json_writer *w, const char *key, nsec_t time)
{
	char text[TIME_TEXT_MAX];

	words_time(time, text);
	json_write_raw(w, key);
	json_write_string(w, text);
}

void health_write(const struct container *c, struct json_writer *w)
{
	const struct health *h = &c->health;

	if (h->status == HEALTH_NONE)
		return;
	json_write_raw(w, ",\"Health\":{\"Status\":");
	json_write_string(w, health_word(c));
	json_write_raw(w, ",\"FailingStreak\":");
	json_write_i64(w, h->failing_streak);
	json_write_raw(w, ",\"Log\":[");
	for (size_t i = 0; i < h->num_results; i++) {
		const struct health_result *result = &h->log[i];

		write_time(w, i == 0 ? "{\"Start\":" : ",{\"Start\":", result->start);
		write_time(w, ",\"End\":", result->end);
		json_write_raw(w, ",\"ExitCode\":");
		json_write_i64(w, result->exit_code);
		json_write_raw(w, ",\"Output\":");
		json_write_string(w, result->output != NULL ? result->output : "");
		json_write_raw(w, "}");
	}
	json_write_raw(w, "]}");
}

void health_write_config(const struct container *c, struct json_writer *w)
{
	struct health_settings settings;

	if (settings_of(c, &settings) < 0)
		return;
	if (settings.test.count > 0) {
		json_write_raw(w, ",\"Healthcheck\":");
		health_settings_write(&settings, w);
	}
	health_settings_deinit(&settings);
}
