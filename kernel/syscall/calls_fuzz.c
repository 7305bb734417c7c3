// SPDX-License-Identifier: MIT
//
// The kernel's portable part under random calls, on the fake machine of kernel/arch/host: three
// apps, one of them in user mode, with several threads each are started from the app table, make
// calls as the input says (libs/call_fuzz), and are ended when the input is used up. Memory,
// objects and handles must all be back then. Besides the calls, the input says when time passes, an
// interrupt fires, another thread gets its turn, or the kernel's heap is empty.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/arch/host/host.h"
#include "kernel/debug/panic.h"
#include "kernel/mm/page.h"
#include "kernel/mm/vmap.h"
#include "kernel/object/channel.h"
#include "kernel/object/handle.h"
#include "kernel/object/interrupt.h"
#include "kernel/object/launcher.h"
#include "kernel/object/object.h"
#include "kernel/object/process.h"
#include "kernel/object/space.h"
#include "kernel/object/trace.h"
#include "kernel/sched/sched.h"
#include "kernel/startup/app_image.h"
#include "kernel/startup/device_quiesce.h"
#include "kernel/startup/services.h"
#include "kernel/syscall/guest_fake.h"
#include "kernel/syscall/table.h"
#include "libs/call_fuzz/call_fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NUM_APPS 3
#define NUM_KERNEL_APPS 2
#define MAX_THREADS 8
#define FUZZ_IRQ 5

// --- The input ---

// Its first byte says how many calls (in eights) are made by chance once it is used up: so short
// ones reach deep, too.
static const uint8_t *input;
static size_t input_left;
static uint32_t by_chance;
static uint64_t chance;
static uint64_t num_calls;

static void begin(const uint8_t *data, size_t size)
{
	input = data;
	input_left = size;
	by_chance = size > 0 ? data[0] * 8u : 0;
	chance = 0xcbf29ce484222325;
	for (size_t i = 0; i < size; i++)
		chance = (chance ^ data[i]) * 0x100000001b3;
}

static bool is_over(void)
{
	return input_left == 0 && by_chance == 0;
}

static uint64_t take(uint64_t bound)
{
	size_t width = bound <= 1 ? 0 : bound <= 0x100 ? 1 : bound <= 0x10000 ? 2 : 4;
	uint64_t value = 0;

	if (is_over())
		return 0;
	for (size_t i = 0; i < width; i++) {
		chance = chance * 6364136223846793005 + 1442695040888963407;
		value = value << 8 | (input_left > 0 ? *input : chance >> 56);
		if (input_left > 0) {
			input++;
			input_left--;
		}
	}
	return value % bound;
}

// --- Apps ---

// All that an app may write to. `used`: which threads' parts are taken.
struct app_data {
	struct call_fuzz process;
	struct call_fuzz_thread threads[MAX_THREADS];
	bool used[MAX_THREADS];
	uint8_t end[8];
};
static struct app_data app_data[NUM_KERNEL_APPS] __attribute__((aligned(4096)));
static const uint8_t constant[4096] = { 0 };
// Memory of nobody's. The kernel checks in this build whose memory it is given.
static uint8_t foreign[4096];

static void fuzz_main(const struct environ *env);

static const struct app_spec specs[NUM_APPS] = {
	{ .abi_version = APP_ABI_VERSION,
	  .name = "fuzz_a",
	  .main = fuzz_main,
	  .memory_limit = 12u << 20,
	  .handle_limit = 200,
	  .provides = { "fuzz_a" },
	  .needs = { { NEED_SYSTEM, "control", NULL, 0 },
	             { NEED_LAUNCHER, "launcher", NULL, 0 },
	             { NEED_LOOK, "look", NULL, 0 },
	             { NEED_DEVICE, "acme,fuzz", NULL, 0 } } },
	{ .abi_version = APP_ABI_VERSION,
	  .name = "fuzz_b",
	  .main = fuzz_main,
	  .memory_limit = 40u << 20,
	  .handle_limit = 2000,
	  .provides = { "fuzz_b" },
	  .needs = { { NEED_SYSTEM, "control", NULL, 0 }, { NEED_SERVICE, "fuzz_a", NULL, 0 } } },
	{ .abi_version = APP_ABI_VERSION,
	  .name = "fuzz_user",
	  .main = fuzz_main,
	  .memory_limit = 20u << 20,
	  .handle_limit = 300,
	  .provides = { "fuzz_user" },
	  .needs = { { NEED_SYSTEM, "control", NULL, 0 },
	             { NEED_LAUNCHER, "launcher", NULL, 0 },
	             { NEED_SERVICE, "fuzz_b", NULL, 0 },
	             { NEED_LOOK, "look", NULL, 0 },
	             { NEED_KEPT, "kept", NULL, 0, 3 * PAGE_SIZE } } },
};

// The app in user mode sees its data at the same address as the kernel finds it by: there the
// host has mapped its pages, too. Low, where no sanitizer has anything.
#define USER_DATA 0x40000000ul
#define USER_RODATA 0x3f000000ul
static const uint8_t no_symbols[8];
static struct user_image user_image = {
	.rodata_address = USER_RODATA,
	.rodata_size = PAGE_SIZE,
	.data_address = USER_DATA,
	.data_total = (sizeof(struct app_data) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1),
	.symbols = no_symbols,
};

// A runtime, whose program processes that are made run.
static const struct app_spec runtime_spec = { .abi_version = APP_ABI_VERSION,
	                                      .name = "fuzz_runtime",
	                                      .is_runtime = 1,
	                                      .main = fuzz_main };
static uint8_t runtime_data[100];
static struct user_image runtime_program = {
	.text_address = 4 * PAGE_SIZE,
	.text_size = PAGE_SIZE,
	.data = runtime_data,
	.data_address = 8 * PAGE_SIZE,
	.data_size = sizeof(runtime_data),
	.data_total = 2 * PAGE_SIZE,
	.symbols = no_symbols,
};

static void make_user_image(void)
{
	paddr_t page;

	kassert(page_alloc(0, &page) == 0);
	user_image.rodata = page_to_virt(page);
	runtime_program.text = user_image.rodata;
}

// Once the process has its pages.
static void map_user_data(const struct space *space)
{
	for (uintptr_t at = USER_DATA; at < USER_DATA + user_image.data_total; at += PAGE_SIZE) {
		paddr_t page;

		kassert(arch_space_paddr(&space->arch, at, &page));
		kassert(vmap_map(at, page, PAGE_SIZE, VMAP_READ | VMAP_WRITE) == 0);
	}
}
#define IMAGE(i)                                                                               \
	{                                                                                      \
		.spec = &specs[i], .data_start = (uint8_t *)&app_data[i],                      \
		.data_end = (uint8_t *)&app_data[i], .bss_end = (uint8_t *)&app_data[(i) + 1], \
		.rodata_start = constant, .rodata_end = constant + sizeof(constant)            \
	}
const struct app_image app_images[NUM_APPS + 1] = { IMAGE(0),
	                                            IMAGE(1),
	                                            { .spec = &specs[2], .user = &user_image },
	                                            { .spec = &runtime_spec,
	                                              .user = &runtime_program } };
const size_t num_app_images = NUM_APPS + 1;
struct device devices[MAX_DEVICES] = { { .compatible = { "acme,fuzz" },
	                                 .num_compatible = 1,
	                                 .reg_base = 0x10000000,
	                                 .reg_size = 0x1000,
	                                 .irq = FUZZ_IRQ } };
size_t num_devices = 1;

void app_image_restore(const struct app_image *image)
{
	memset(image->data_start, 0, (size_t)(image->bss_end - image->data_start));
}

bool boot_arg_find(const char *app, const char *name, char *value, size_t size)
{
	(void)app;
	(void)name;
	(void)value;
	(void)size;
	return false;
}

// The device is not a virtio device: nobody resets it.
uint32_t device_fake_read(uintptr_t address);
void device_fake_write(uintptr_t address, uint32_t value);

uint32_t device_fake_read(uintptr_t address)
{
	(void)address;
	return 0;
}

void device_fake_write(uintptr_t address, uint32_t value)
{
	(void)address;
	(void)value;
}

// --- How calls are made ---

static uint64_t choose(struct call_fuzz_thread *thread, uint64_t bound)
{
	(void)thread;
	return take(bound);
}

static struct app_data *own_data(void)
{
	const struct process *process = process_current();

	return process->space != NULL ? (struct app_data *)USER_DATA
				      : (struct app_data *)(void *)process->image->data_start;
}

// Where folios were mapped last. The app touches them; they may be gone by then.
static uintptr_t mapped[8];

static void note_mapped(const uintptr_t a[6])
{
	const struct app_data *data = own_data();

	if (a[2] >= (uintptr_t)data && a[2] < (uintptr_t)data->end)
		memcpy(&mapped[take(8)], (const void *)a[2], sizeof(mapped[0]));
}

static void touch(uintptr_t addr)
{
	struct space *space = process_current()->space;

	if (space != NULL)
		(void)space_resolve_fault(space, addr, take(2) == 0);
	else if (vmap_fault(addr, true) != 0)
		return;
}

// What may happen between two instructions of an app.
static void happen(void)
{
	switch (take(64)) {
	case 7:
	case 8: touch(mapped[take(8)] + take(8) * PAGE_SIZE); break;
	case 1:
	case 2: host_advance(take(100000)); break;
	case 3: interrupt_fired(FUZZ_IRQ); break;
	case 4:
	case 5:
	case 6: sched_yield(); break;
	default: break;
	}
	sched_return_to_app();
}

// What a jump to nowhere comes to.
static void faulting_thread(void *arg)
{
	process_fault("jump to nowhere", (uintptr_t)arg, 8, 0, 0);
}

// What a process does that was made: its code is not looked at.
static void made_program(void *arg)
{
	(void)arg;
	if (take(2) == 0)
		sched_yield();
	sched_return_to_app();
	if (take(2) == 0)
		process_fault("program of chance", 0, 8, 0, 0);
	(void)syscall_table[SYSCALL_NR_process_exit](0, 0, 0, 0, 0, 0);
}

static void broken(struct call_fuzz_thread *thread, uint32_t number, const char *what)
{
	(void)thread;
	fprintf(stderr, "broken promise: call %u: %s\n", number, what);
	abort();
}

static bool may_block(uint32_t number)
{
	return number == SYSCALL_NR_poll_wait || number == SYSCALL_NR_poll_recv ||
		number == SYSCALL_NR_vcpu_run || number == SYSCALL_NR_thread_yield;
}

// What the process has. Of a call that fails nothing of it changes, and no promised handle slot
// outlives any call.
struct belongings {
	uint64_t handles;
	uint64_t reserved;
	uint64_t folio_bytes;
};

static struct belongings belongings(void)
{
	const struct process *process = process_current();

	return (struct belongings){ .handles = process->handles.used,
		                    .reserved = process->handles.reserved,
		                    .folio_bytes = process->account->folio_used };
}

static error_t call(struct call_fuzz_thread *thread, uint32_t number, const uintptr_t args[6])
{
	const struct belongings before = belongings();
	struct belongings after;
	uintptr_t a[6];
	bool poor = take(64) == 1;
	error_t error = ERR_NOT_SUPPORTED;

	memcpy(a, args, sizeof(a));
	if (number == SYSCALL_NR_thread_create && a[0] == 8)
		a[0] = (uintptr_t)faulting_thread;
	(void)thread;
	num_calls++;
	if (input_left == 0 && by_chance > 0)
		by_chance--;
	if (poor)
		host_fail_kmalloc(1 + (unsigned)take(4));
	if (number < SYSCALL_MAX)
		error = syscall_table[number](a[0], a[1], a[2], a[3], a[4], a[5]);
	host_fail_kmalloc(0);
	after = belongings();
	// Others run meanwhile where a call blocks.
	if (!may_block(number) && after.reserved != before.reserved)
		broken(thread, number, "a promised handle slot was not given back");
	if (!may_block(number) && error != 0 && memcmp(&before, &after, sizeof(before)) != 0)
		broken(thread, number, "a call that failed left or took a handle or memory");
	if (number == SYSCALL_NR_folio_map && error == 0)
		note_mapped(a);
	happen();
	return error;
}

static nsec_t now(void)
{
	return arch_clock_now();
}

static void side_thread(void *arg)
{
	struct app_data *data = own_data();
	size_t i = 0;

	(void)arg;
	while (i < MAX_THREADS && data->used[i])
		i++;
	if (i == MAX_THREADS)
		return;
	data->used[i] = true;
	data->threads[i].may_block = i > 0;
	data->threads[i].process = &data->process;
	while (!is_over())
		call_fuzz_step(&data->threads[i]);
	data->used[i] = false;
}

static const struct call_fuzz_world world = { .choose = choose,
	                                      .call = call,
	                                      .now = now,
	                                      .entry = side_thread,
	                                      .broken = broken };

static void pin(struct call_fuzz *process, handle_t handle, uint32_t type)
{
	for (size_t i = 0; i < CALL_FUZZ_PINNED && handle != HANDLE_NONE; i++) {
		if (process->pinned[i].handle != HANDLE_NONE)
			continue;
		process->pinned[i] = (struct call_fuzz_slot){ .handle = handle, .type = type };
		break;
	}
}

static void pin_folio(struct app_data *data, size_t size, uint32_t flags)
{
	handle_t *out = (handle_t *)(void *)data->threads[0].out;

	if (syscall_table[SYSCALL_NR_folio_create](size, flags, (uintptr_t)out, 0, 0, 0) == 0)
		pin(&data->process, *out, OBJECT_FOLIO);
}

static void fuzz_main(const struct environ *env)
{
	static const uint32_t types[] = { [ENV_CONNECTOR] = OBJECT_CONNECTOR,
		                          [ENV_SERVICE] = OBJECT_SERVICE,
		                          [ENV_DEVICE] = OBJECT_FOLIO,
		                          [ENV_SYSTEM] = OBJECT_SYSTEM,
		                          [ENV_LAUNCHER] = OBJECT_LAUNCHER,
		                          [ENV_KEPT] = OBJECT_FOLIO,
		                          [ENV_LOOK] = OBJECT_LOOK };
	static const char *const names[] = { "fuzz_a",       "fuzz_b", "fuzz_user",
		                             "fuzz_runtime", "nobody", NULL };
	const struct process *process = process_current();
	struct app_data *data = own_data();

	if (process->space != NULL) {
		map_user_data(process->space);
		env = process->env;
	}
	data->process.world = &world;
	data->process.read_only = process->space != NULL ? USER_RODATA : (uintptr_t)constant;
	data->process.foreign = (uintptr_t)foreign;
	data->process.apps = names;
	for (uint32_t i = 0; i < env->num_entries; i++) {
		pin(&data->process, env->entries[i].handle, types[env->entries[i].kind]);
		pin(&data->process, env->entries[i].interrupt, OBJECT_INTERRUPT);
	}
	pin_folio(data, BLOCK_SIZE + 3 * PAGE_SIZE, FOLIO_LAZY);
	pin_folio(data, 5 * PAGE_SIZE, FOLIO_LAZY);
	side_thread(NULL);
}

// --- An input ---

struct stock {
	uint64_t objects;
	uint64_t handles;
	uint64_t pages;
	size_t blocks;
};

static struct stock stock(void)
{
	channel_trim();
	trace_trim();
	return (struct stock){ .objects = object_count(),
		               .handles = handle_count(),
		               .pages = page_free_count(),
		               .blocks = host_kmalloc_live() };
}

// Launchers outlive their apps, with what they keep: it goes, and those that are ready for it are
// as they were.
static struct launcher *launchers[NUM_APPS];

static void find_launcher(size_t i)
{
	struct process *process;
	struct object *object;

	if (services_find_process(specs[i].name, &process) != 0)
		return;
	for (uint32_t k = 0; k < process->env->num_entries; k++) {
		const struct env_entry *entry = &process->env->entries[k];

		if (entry->kind != ENV_LAUNCHER)
			continue;
		kassert(handle_lookup(&process->handles, entry->handle, OBJECT_LAUNCHER, 0,
		                      &object) == 0);
		launchers[i] = launcher_from_object(object);
		object_put(object);
	}
	object_put(&process->object);
}

static void empty_launchers(void)
{
	for (size_t i = 0; i < NUM_APPS; i++) {
		for (uint32_t k = 0; launchers[i] != NULL && k < LAUNCHER_MAX_KEPT; k++)
			kassert(launcher_keep_handle(launchers[i], k, NULL, HANDLE_NONE) == 0);
	}
}

// `name` is started, or killed.
static void start_or_kill(const char *name, bool start)
{
	struct process *process;
	error_t error = start ? services_start_app(name, &process)
			      : services_find_process(name, &process);

	if (error != 0)
		return;
	if (!start)
		(void)process_end_begin(process, PROCESS_END_KILLED, 0);
	object_put(&process->object);
}

static void run_input(void)
{
	while (!is_over()) {
		uint64_t before = num_calls;

		for (size_t i = 0; i < NUM_APPS; i++)
			start_or_kill(specs[i].name, true);
		host_run(arch_clock_now());
		// All wait for ever.
		if (num_calls == before)
			break;
		start_or_kill(specs[take(NUM_APPS)].name, false);
	}
	for (size_t i = 0; i < NUM_APPS; i++)
		start_or_kill(specs[i].name, false);
	empty_launchers();
	host_run(arch_clock_now());
}

static void say_calls(void)
{
	fprintf(stderr, "system calls made: %" PRIu64 "\n", num_calls);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	host_init();
	host_set_hypervisor(true);
	guest_fake_choose = take;
	make_user_image();
	host_program = made_program;
	services_start();
	for (size_t i = 0; i < NUM_APPS; i++)
		find_launcher(i);
	run_input();
	atexit(say_calls);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stock before = stock();
	struct stock after;

	begin(data, size);
	run_input();
	after = stock();
	if (memcmp(&before, &after, sizeof(before)) != 0) {
		fprintf(stderr,
		        "a leak: %" PRIu64 " objects, %" PRIu64 " handles, %" PRIu64
		        " pages, %zu blocks of the heap\n",
		        after.objects - before.objects, after.handles - before.handles,
		        before.pages - after.pages, after.blocks - before.blocks);
		abort();
	}
	for (size_t i = 0; i < sizeof(foreign); i++)
		kassert(foreign[i] == 0);
	return 0;
}
