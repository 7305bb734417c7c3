// SPDX-License-Identifier: MIT
//
// Runs the container of the boot disk many times over, all at once on one loop, and says what they
// cost: for tools/e2e/tests/test_crowd.py, which looks at its log. When all have written something,
// or have ended, their stdin ends; when all have ended, the machine powers off.

#include "libs/abi/app.h"
#include "libs/abi/console.h"
#include "libs/base/string.h"
#include "libs/linux/vm/boot_disk.h"
#include "libs/linux/run/guest_container.h"
#include "libs/starina/alloc.h"
#include "libs/starina/environ.h"
#include "libs/starina/log.h"
#include "libs/starina/opener.h"
#include "libs/starina/payload.h"

#define MAX_COUNT 16u
#define KIB 1024u

struct member {
	uint32_t number;
	struct guest_container *container;
	bool started;
	bool wrote;
};

static struct {
	const struct environ *env;
	struct loop loop;
	struct opener open_control, open_boot, open_root;
	handle_t control;
	handle_t timer;
	struct source timer_source;
	struct disk disk;
	struct boot_disk boot;
	uint8_t *config;
	uint64_t memory;
	uint64_t count;
	bool in_turn;  // each begins when the one before has written something, or has ended
	uint64_t free_before;  // pages
	struct member members[MAX_COUNT];
	uint32_t num_begun;
	uint32_t num_wrote;
	uint32_t num_ended;
} crowd;

static struct system_info machine_info(void)
{
	struct system_info info;
	error_t err = system_info(environ_system(crowd.env), &info);

	assert(err == 0);
	return info;
}

static uint64_t free_pages(void)
{
	return machine_info().free_pages;
}

static void tell(const char *line)
{
	struct message m;

	if (crowd.control == HANDLE_NONE)
		return;
	if (payload_make(&m, line, strlen(line)) < 0 || channel_send(crowd.control, &m) < 0)
		log_error("the host could not be told: %s", line);
}

static void finished(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	error_t err;

	(void)opener;
	(void)channel;
	(void)error;
	(void)text;
	err = system_power_off(environ_system(crowd.env), 0);
	assert(err == 0);
}

// The port can be opened anew once what was written has gone out.
static void finish(const char *line)
{
	tell(line);
	handle_close(crowd.control);
	opener_start(&crowd.open_control, &crowd.loop, environ_connector(crowd.env, "console"),
	             "console:" CONSOLE_PORT_CONTROL, finished, NULL);
}

static uint64_t memory_used(void)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < crowd.count; i++) {
		if (crowd.members[i].container != NULL)
			used += guest_container_memory_used(crowd.members[i].container);
	}
	return used;
}

// The guests give memory back as they please: the figures have to be of one moment.
static void report(void)
{
	uint64_t used, taken;

	do {
		used = memory_used();
		taken = (crowd.free_before - free_pages()) * PAGE_SIZE;
	} while (used != memory_used());
	log_info("%u run: their guests use %u KiB, each VM costs %u KiB more",
	         (unsigned int)(crowd.count - crowd.num_ended), (unsigned int)(used / KIB),
	         (unsigned int)((taken - used) / crowd.count / KIB));
}

static void all_wrote(struct loop *loop, struct source *source)
{
	loop_close(loop, source);
	report();
	for (uint32_t i = 0; i < crowd.count; i++) {
		if (crowd.members[i].container != NULL)
			guest_container_stdin_close(crowd.members[i].container);
	}
}

static const struct source_ops timer_ops = { .signalled = all_wrote };

static void begin_next(void);

static void started(void *context, nsec_t start_ns)
{
	struct member *m = context;

	m->started = true;
	log_info("%u started in %u ms", m->number, (unsigned int)(start_ns / NSEC_PER_MSEC));
	if (!crowd.in_turn)
		begin_next();
}

// The member has written something, or will not.
static void note_wrote(struct member *m)
{
	if (!m->wrote && crowd.in_turn)
		begin_next();
	if (!m->wrote && ++crowd.num_wrote == crowd.count) {
		// On the loop's next turn: a container may not be called from its callback.
		error_t err = timer_set(crowd.timer, 0);

		assert(err == 0);
	}
	m->wrote = true;
}

// Tells why one of them fails.
static void log_output(const struct member *m, struct span bytes)
{
	for (size_t start = 0, end; start < bytes.len; start = end + 1) {
		for (end = start; end < bytes.len && bytes.data[end] != '\n'; end++)
			;
		log_info("%u wrote: %.*s", m->number, (int)(end - start),
		         (const char *)bytes.data + start);
	}
}

static size_t output(void *context, enum guest_stream stream, struct span bytes)
{
	(void)stream;
	log_output(context, bytes);
	note_wrote(context);
	return bytes.len;
}

static void input_ready(void *context)
{
	(void)context;
}

static void ended(void *context, int status, const char *error)
{
	struct member *m = context;

	log_info("%u ended with status %d%s%s", m->number, status, error != NULL ? ": " : "",
	         error != NULL ? error : "");
	guest_container_destroy(m->container);
	m->container = NULL;
	note_wrote(m);
	// One that has not started ends the row here.
	if (!m->started && !crowd.in_turn)
		begin_next();
	if (++crowd.num_ended < crowd.count)
		return;
	log_info("all ended: %u KiB less are free than before",
	         (unsigned int)((crowd.free_before - free_pages()) * PAGE_SIZE / KIB));
	finish("exit 0\n");
}

static const struct guest_container_ops ops = { .started = started,
	                                        .output = output,
	                                        .input_ready = input_ready,
	                                        .ended = ended };

static void root_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	struct member *m = &crowd.members[crowd.num_begun];
	struct guest_container_config config = {
		.boot = {
			.memory = crowd.memory,
			.cpus = 1,
			.hart_features = machine_info().hart_features,
			.timebase_hz = machine_info().timebase_hz,
			.boot_disk = &crowd.disk,
			.kernel = crowd.boot.kernel,
			.initramfs = crowd.boot.initramfs,
		},
		.root_disk = channel,
		.config = {.data = crowd.config, .len = (size_t)crowd.boot.config.size},
		.network = environ_connector(crowd.env, "vmnet"),
	};
	error_t err;

	(void)opener;
	if (channel == HANDLE_NONE)
		log_error("blk:root: %s (%s)", text, error_text(error));
	assert(channel != HANDLE_NONE);
	m->number = crowd.num_begun++;
	err = guest_container_create(&crowd.loop, &config, &ops, m, &m->container);
	assert(err == 0);
	guest_container_start(m->container);
}

static void begin_next(void)
{
	if (crowd.num_begun < crowd.count)
		opener_start(&crowd.open_root, &crowd.loop, environ_connector(crowd.env, "blkdev"),
		             "blk:root", root_opened, NULL);
}

static void config_read(void *context, error_t status)
{
	(void)context;
	assert(status == 0);
	crowd.free_before = free_pages();
	begin_next();
}

static void boot_read(void *context, const char *error)
{
	error_t err;

	(void)context;
	if (error != NULL)
		log_error("%s", error);
	err = boot_disk_read_file(&crowd.boot, &crowd.boot.config, CONTROL_MAX_BODY, &crowd.config,
	                          config_read, NULL);
	assert(err == 0);
}

static void disk_ready(void *context)
{
	(void)context;
	boot_disk_read(&crowd.boot, &crowd.disk, boot_read, NULL);
}

static void disk_failed(void *context, error_t error)
{
	(void)context;
	log_error("the boot disk is gone (%s)", error_text(error));
}

static const struct disk_ops disk_ops = { .ready = disk_ready, .failed = disk_failed };

static void boot_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	error_t err;

	(void)opener;
	(void)error;
	(void)text;
	err = disk_init(&crowd.disk, &crowd.loop, channel, &disk_ops, NULL);
	assert(err == 0);
}

static void control_opened(struct opener *opener, handle_t channel, error_t error, const char *text)
{
	(void)opener;
	(void)error;
	(void)text;
	crowd.control = channel;
	tell("starina-control 1\n");
	opener_start(&crowd.open_boot, &crowd.loop, environ_connector(crowd.env, "blkdev"),
	             "blk:boot", boot_opened, NULL);
}

static void vm_crowd_main(const struct environ *env)
{
	error_t err;

	crowd.env = env;
	err = environ_config_u64(env, "memory", &crowd.memory);
	if (err == 0)
		err = environ_config_u64(env, "count", &crowd.count);
	assert(err == 0 && crowd.count > 0 && crowd.count <= MAX_COUNT);
	crowd.in_turn = environ_config(env, "in_turn")[0] == '1';
	err = loop_init(&crowd.loop);
	if (err == 0)
		err = timer_create(&crowd.timer);
	if (err == 0)
		err = loop_add(&crowd.loop, &crowd.timer_source, crowd.timer, &timer_ops, NULL);
	assert(err == 0);
	opener_start(&crowd.open_control, &crowd.loop, environ_connector(env, "console"),
	             "console:" CONSOLE_PORT_CONTROL, control_opened, NULL);
	loop_run(&crowd.loop);
}

APP(vm_crowd, .main = vm_crowd_main, .memory_limit = 16ul * 1024 * 1024 * 1024,
    .needs = {
	    { NEED_SERVICE, "console", NULL, 0 },
	    { NEED_SERVICE, "blkdev", NULL, 0 },
	    { NEED_SERVICE, "vmnet", NULL, 0 },
	    { NEED_SYSTEM, "system", NULL, 0 },
	    { NEED_CONFIG, "memory", "128M", 0 },
	    { NEED_CONFIG, "count", "8", 0 },
	    { NEED_CONFIG, "in_turn", "0", 0 },
    });
