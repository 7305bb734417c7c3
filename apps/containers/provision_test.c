// SPDX-License-Identifier: MIT
// What a volume's options make of its start.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/containers.h"
#include "libs/base/string.h"

static struct containers all;
static struct container c;
static struct volume volume;
static bool is_asked;     // the host is
static const char *path;  // for what
static char error[128];
static unsigned num_orders;

void host_bind(struct host *host, struct host_call *call, struct span to, bool make)
{
	assert_ptr_equal(host, &all.host);
	assert_ptr_equal(call, &c.provision.call);
	assert_false(make);
	is_asked = true;
	path = (const char *)to.data;
}

void host_cancel(struct host *host, struct host_call *call)
{
	assert_ptr_equal(host, &all.host);
	assert_ptr_equal(call, &c.provision.call);
	// What is not in the list of calls cannot be taken out.
	assert_true(is_asked);
	is_asked = false;
}

void container_fail(struct container *failed, const char *why)
{
	assert_ptr_equal(failed, &c);
	str_copy(error, why, sizeof(error));
	provision_end(failed);
}

void container_order(struct container *ordered)
{
	assert_ptr_equal(ordered, &c);
	num_orders++;
}

struct volume *volumes_find(struct containers *in, const char *name)
{
	(void)in;
	return strcmp(name, volume.name) == 0 ? &volume : NULL;
}

bool volumes_are_empty(struct containers *in, const char *name)
{
	(void)in;
	(void)name;
	return true;
}

bool visit_is_over(struct container *of)
{
	(void)of;
	return true;
}

bool layer_advance(struct container *of)
{
	(void)of;
	return true;
}

void layer_end(struct container *of)
{
	(void)of;
}

bool ports_choose(struct container *of)
{
	(void)of;
	return true;
}

void ports_release(struct container *of)
{
	(void)of;
}

// --- What a start does not come to ---------------------------------------------------------------

const struct image *container_image(const struct container *of)
{
	(void)of;
	return NULL;
}

struct container *containers_find(struct containers *in, const char *name, size_t *num_begin)
{
	(void)in;
	(void)name;
	(void)num_begin;
	return NULL;
}

bool ports_answered(struct container *of, error_t err, struct span text)
{
	(void)of;
	(void)err;
	(void)text;
	return true;
}

void ports_ask(struct container *of)
{
	(void)of;
}

error_t random_get(void *buf, size_t len)
{
	memset(buf, 0, len);
	return 0;
}

void reply_error(struct client *client, uint32_t id, uint32_t status, const char *format, ...)
{
	(void)client;
	(void)id;
	(void)status;
	(void)format;
}

bool vmms_send(struct vmm_process *vmm, struct message *m)
{
	(void)vmm;
	(void)m;
	return true;
}

error_t volumes_make(struct containers *in, const char *name, const char *labels,
                     const char *options)
{
	(void)in;
	(void)name;
	(void)labels;
	(void)options;
	return ERR_NOT_FOUND;
}

error_t volumes_remove(struct containers *in, const char *name)
{
	(void)in;
	(void)name;
	return ERR_NOT_FOUND;
}

// --- Starts --------------------------------------------------------------------------------------

static int setup(void **state)
{
	struct mount mount = { .kind = MOUNT_VOLUME };

	(void)state;
	memset(&all, 0, sizeof(all));
	c = (struct container){ .all = &all };
	volume = (struct volume){ .name = "v" };
	is_asked = false;
	path = NULL;
	error[0] = '\0';
	num_orders = 0;
	mount.source = string_copy("v");
	mount.target = string_copy("/v");
	assert_int_equal(mount_list_add(&c.mounts, &mount), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mount_list_deinit(&c.mounts);
	return 0;
}

static void a_folder(void **state)
{
	(void)state;
	assert_true(provision_advance(&c));
	assert_true(c.mounts.items[0].fills);
	assert_false(is_asked);
}

static void a_folder_of_the_host(void **state)
{
	(void)state;
	volume.backing = (struct volume_backing){ .kind = VOLUME_BIND, .device = "/srv" };
	assert_false(provision_advance(&c));
	assert_string_equal(path, "/srv");
	c.provision.call.done(&c.provision.call, 0, 5, (struct span){ 0 });
	assert_int_equal(num_orders, 1);
	assert_true(provision_advance(&c));
	assert_int_equal(c.mounts.items[0].number, 5);
	assert_true(c.mounts.items[0].fills);
	provision_end(&c);
	// It ends while the host is asked.
	assert_false(provision_advance(&c));
	provision_end(&c);
	assert_string_equal(error, "");
}

// It gets nothing of the image where nobody may write to it, or if it is not to.
static void a_folder_of_the_host_that_stays_empty(void **state)
{
	struct mount *mount = &c.mounts.items[0];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		volume.backing = (struct volume_backing){ .kind = VOLUME_BIND,
			                                  .device = "/srv",
			                                  .read_only = i == 0 };
		mount->read_only = i == 1;
		mount->no_copy = i == 2;
		mount->fills = true;
		assert_false(provision_advance(&c));
		assert_false(mount->fills);
		provision_end(&c);
	}
}

static void memory(void **state)
{
	(void)state;
	volume.backing = (struct volume_backing){ .kind = VOLUME_TMPFS, .options = "size=1m" };
	c.mounts.items[0].read_only = true;
	assert_true(provision_advance(&c));
	assert_string_equal(c.mounts.items[0].memory, "size=1m,ro");
}

// It fails before the host was asked for anything.
static void part_of_memory(void **state)
{
	(void)state;
	volume.backing = (struct volume_backing){ .kind = VOLUME_TMPFS, .options = "" };
	c.mounts.items[0].subpath = string_copy("a");
	assert_false(provision_advance(&c));
	assert_non_null(strstr(error, "volume-subpath"));
	assert_false(c.provision.asking);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_folder),
		TEST(a_folder_of_the_host),
		TEST(a_folder_of_the_host_that_stays_empty),
		TEST(memory),
		TEST(part_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
