// SPDX-License-Identifier: MIT
// What a virtual machine's process may open, whatever it asks for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/containers.h"
#include "libs/base/string.h"
#include "libs/starina/clients_fake.h"

static struct environ env;
static struct containers all;
static struct container own, other;
static struct vmm_process vmm, other_vmm;
static struct image image;
static handle_t service, blkdev, store, volumes;

static void give(enum env_kind kind, const char *name, handle_t handle)
{
	struct env_entry *entry = &env.entries[env.num_entries++];

	entry->kind = kind;
	entry->handle = handle;
	str_copy(entry->name, name, sizeof(entry->name));
}

const struct image *container_image(const struct container *c)
{
	(void)c;
	return &image;
}

static unsigned num_given;

void container_disks_given(struct container *c)
{
	assert_ptr_equal(c, &own);
	num_given++;
}

uint32_t layer_flags(const struct container *c)
{
	return c->settings.read_only ? 0 : VMM_LAYER;
}

static void add(struct vmm_process *process, struct container *c, const char *app, const char *id)
{
	*process = (struct vmm_process){ .all = &all, .container = c, .order_sent = true };
	str_copy(process->app, app, sizeof(process->app));
	*c = (struct container){ .all = &all, .vmm = process };
	str_copy(c->id_text, id, sizeof(c->id_text));
	list_push_back(&all.vmms, &process->entry);
}

static int setup(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	env = (struct environ){ 0 };
	all.env = &env;
	list_init(&all.vmms);
	list_init(&all.grants);
	all.serves = true;
	all.guest_sector = 7;
	assert_int_equal(loop_init(&all.loop), 0);
	service = fake_service_create();
	blkdev = fake_connector_create();
	store = fake_connector_create();
	volumes = fake_connector_create();
	give(ENV_SERVICE, "grants", service);
	give(ENV_CONNECTOR, "blkdev", blkdev);
	give(ENV_CONNECTOR, "store", store);
	give(ENV_CONNECTOR, "volumes", volumes);
	image = (struct image){ .file = "a.img" };
	add(&vmm, &own, "vmm-1", "1111");
	add(&other_vmm, &other, "vmm-2", "2222");
	assert_int_equal(grants_listen(&all), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_reset();
	fake_app_name = "app";
	return 0;
}

// A process asks; what it has asked for stays open.
static handle_t ask(const char *app, const char *uri)
{
	handle_t client;

	fake_app_name = app;
	client = fake_client_connect(service);
	assert_int_not_equal(client, HANDLE_NONE);
	assert_int_equal(open_send(client, 1, uri), 0);
	fake_loop_settle(&all.loop);
	return client;
}

// Whether the provider behind the connector is asked for this.
static bool is_asked(handle_t connector, const char *uri)
{
	handle_t provider = fake_provider_accept(connector), none, ends[2];
	struct msg_open open;
	const uint8_t *tail;
	struct message m;
	size_t len;

	if (provider == HANDLE_NONE)
		return false;
	assert_true(fake_take(provider, &m, &none));
	assert_int_equal(message_decode_open(&m, &open, &tail, &len), 0);
	assert_int_equal(len, strlen(uri));
	assert_memory_equal(tail, uri, len);
	assert_int_equal(channel_create(ends), 0);
	assert_int_equal(open_reply_send(provider, open.id, ends[1]), 0);
	fake_loop_settle(&all.loop);
	handle_close(ends[0]);
	handle_close(provider);
	return true;
}

// Who asks for `uri` is given `given`.
static void check_given(const char *app, const char *uri, const char *given)
{
	handle_t client = ask(app, uri), end = HANDLE_NONE;

	if (!is_asked(uri[0] == 'b' ? blkdev : uri[0] == 'v' ? volumes : store, given))
		fail_msg("%s is not had by %s", uri, app);
	fake_take_all(client, &end, 1);
	assert_int_not_equal(end, HANDLE_NONE);
	fake_close(&end);
	fake_close(&client);
	fake_loop_settle(&all.loop);
	assert_true(list_is_empty(&all.grants));
}

static void check_granted(const char *app, const char *uri)
{
	check_given(app, uri, uri);
}

// The boot disk from behind its secrets.
static void check_boot(const char *app)
{
	check_given(app, "blk:boot", "blk:boot@7");
}

static void check_refused(const char *app, const char *uri)
{
	handle_t client = ask(app, uri), none;
	struct msg_error error;
	const uint8_t *tail;
	struct message m;
	size_t len;

	assert_int_equal(fake_provider_accept(blkdev), HANDLE_NONE);
	assert_int_equal(fake_provider_accept(store), HANDLE_NONE);
	assert_int_equal(fake_provider_accept(volumes), HANDLE_NONE);
	assert_true(fake_take(client, &m, &none));
	assert_int_equal(message_decode_error(&m, &error, &tail, &len), 0);
	assert_int_equal(error.error, ERR_ACCESS);
	fake_close(&client);
	fake_loop_settle(&all.loop);
}

static void test_own(void **state)
{
	(void)state;
	check_boot("vmm-1");
	check_granted("vmm-1", "store-disk:layers/1111");
	check_granted("vmm-2", "store-disk:layers/2222");
	num_given = 0;
	check_granted("vmm-1", "store:logs/1111");
	check_granted("vmm-1", "store-disk-ro:images/a.img");
	assert_int_equal(num_given, 1);
	image.file[0] = '\0';
	check_granted("vmm-1", "blk:images");
	assert_int_equal(num_given, 2);
}

static void test_volumes(void **state)
{
	static struct mount mounts[] = {
		{ .kind = MOUNT_VOLUME, .source = "kept" },
		{ .kind = MOUNT_VOLUME, .source = "read", .read_only = true },
		{ .kind = MOUNT_VOLUME, .source = "filled", .read_only = true, .fills = true },
		{ .kind = MOUNT_BIND, .source = "bound" },
		{ .kind = MOUNT_TMPFS },
	};
	static const char *const others[] = {
		"volumes:all",        "volumes:ro",         "volumes:all/",
		"volumes:all/read/",  "volumes:all/bound/", "volumes:all/other/",
		"volumes:ro/other/",  "volumes:all/kept",   "volumes:all/kept/../other/",
		"volumes:all/keptx/", "store:images/kept/", "volumes:",
	};

	(void)state;
	own.mounts =
		(struct mount_list){ .items = mounts, .count = sizeof(mounts) / sizeof(mounts[0]) };
	check_granted("vmm-1", "volumes:all/kept/");
	check_granted("vmm-1", "volumes:ro/read/");
	check_granted("vmm-1", "volumes:all/filled/");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		check_refused("vmm-1", others[i]);
	check_refused("vmm-2", "volumes:all/kept/");
	vmm.order_sent = false;
	check_refused("vmm-1", "volumes:all/kept/");
}

// A job has its folder of the store, and the layers when it is to see them.
static void test_jobs(void **state)
{
	(void)state;
	check_refused("vmm-1", "store:images/incoming/");
	own.job = 1;
	str_copy(own.job_folder, "incoming", sizeof(own.job_folder));
	check_granted("vmm-1", "store:images/incoming/");
	check_refused("vmm-1", "store:images");
	check_refused("vmm-1", "store-ro:images");
	check_refused("vmm-1", "store:images/incoming");
	check_refused("vmm-1", "store:images/layers/");
	check_refused("vmm-1", "store-ro:images/layers/");
	own.job_sees_layers = true;
	check_granted("vmm-1", "store-ro:images/layers/");
	check_refused("vmm-1", "store:images/layers/");
}

static void test_others(void **state)
{
	static const char *const uris[] = {
		"store-disk:layers/2222",
		"store-disk-ro:layers/1111",
		"store-disk:images/a.img",
		"store-disk-ro:images/b",
		"store:logs",
		"store:logs/2222",
		"store:logs/1111/../2222",
		"store:images",
		"store:layers",
		"store-disk:layers/11111",
		"blk:state",
		"blk:boot@0",
		"blk:boot@7",
		"blk:boot ",
		"blk:images",
		"store-disk:logs/1111/1",
		"volumes:all",
		"",
		"store-disk:layers/1111/x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++)
		check_refused("vmm-1", uris[i]);
	// Nothing but the boot disk before its container's order, and no layer without one.
	own.settings.read_only = true;
	check_refused("vmm-1", "store-disk:layers/1111");
	vmm.order_sent = false;
	check_refused("vmm-1", "store:logs/1111");
	check_refused("vmm-1", "store-disk-ro:images/a.img");
	check_granted("vmm-1", "blk:images");
	vmm.container = NULL;
	check_refused("vmm-1", "store-disk-ro:images/a.img");
	check_boot("vmm-1");
}

// Until it is known who asks, and what there is.
static void test_waits(void **state)
{
	handle_t client;

	(void)state;
	vmm.app[0] = '\0';
	client = ask("vmm-1", "store-disk:layers/1111");
	assert_false(is_asked(store, ""));
	str_copy(vmm.app, "vmm-1", sizeof(vmm.app));
	all.serves = false;
	grants_advance(&all);
	fake_loop_settle(&all.loop);
	assert_false(is_asked(store, ""));
	all.serves = true;
	grants_advance(&all);
	fake_loop_settle(&all.loop);
	assert_true(is_asked(store, "store-disk:layers/1111"));
	fake_close(&client);
	// One that goes while it waits, and while the provider is asked.
	client = ask("nobody", "store-disk:layers/1111");
	fake_close(&client);
	client = ask("vmm-1", "store-disk:layers/1111");
	fake_close(&client);
	fake_loop_settle(&all.loop);
	assert_true(list_is_empty(&all.grants));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_own, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, teardown),
		cmocka_unit_test_setup_teardown(test_volumes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_jobs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_waits, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
