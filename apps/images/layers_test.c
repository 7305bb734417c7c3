// SPDX-License-Identifier: MIT
// Layers that are kept: who fetches one, how long it stays, and what a container may say of it.
#include "apps/images/jobs.h"
#include "apps/images/store_fixture.h"

#define HEX_A "aaaa456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX_B "bbbb456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A "sha256:" HEX_A
#define B "sha256:" HEX_B
#define KEPT_A "layers/" HEX_A
#define KEPT_B "layers/" HEX_B
#define MIB (1ull << 20)

static struct images images;
static struct job first, second;

error_t input_answer(struct job *job, const char *word)
{
	size_t len = strlen(job->answers);

	snprintf(job->answers + len, sizeof(job->answers) - len, "%s;", word);
	return 0;
}

void idle_heard(struct job *job)
{
	job->heard_at++;
}

static void begin(struct job *job, const char *folder)
{
	*job = (struct job){ .images = &images, .kind = JOB_PULL };
	snprintf(job->folder, sizeof(job->folder), "%s", folder);
	list_push_back(&images.jobs, &job->entry);
}

static void end(struct job *job)
{
	layers_leave(job);
	list_remove(&job->entry);
}

static error_t say(struct job *job, enum layer_verb verb, const char *digest)
{
	struct line line = { .kind = LINE_LAYER, .verb = verb };

	snprintf(line.layer, sizeof(line.layer), "%s", digest);
	return layers_take(job, &line);
}

// Says it, and returns what was answered.
static const char *ask(struct job *job, enum layer_verb verb, const char *digest)
{
	job->answers[0] = '\0';
	assert_int_equal(say(job, verb, digest), 0);
	return job->answers;
}

// Drops what is in memory, as at a start.
static void start(void)
{
	struct list *layers = &images.layers;

	while (layers->next != NULL && !list_is_empty(layers)) {
		struct list *entry = layers->next;

		list_remove(entry);
		free(entry);
	}
	while (images.images.next != NULL && !list_is_empty(&images.images))
		catalog_forget(&images,
		               container_of(images.images.next, struct image_entry, entry));
	images = (struct images){ 0 };
	list_init(&images.images);
	list_init(&images.references);
	list_init(&images.jobs);
	list_init(&images.layers);
	store_close();
	store_read(&images);
}

static int set_up(void **state)
{
	(void)state;
	start();
	begin(&first, "incoming.1");
	begin(&second, "incoming.2");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	string_list_deinit(&first.layers);
	string_list_deinit(&second.layers);
	images.jobs.next = images.jobs.prev = &images.jobs;
	for (size_t i = 0; i < FILES_MAX; i++)
		take_away(&files[i]);
	start();
	for (size_t i = 0; i < FILES_MAX; i++)
		take_away(&files[i]);
	deaths = 0;
	return 0;
}

static void fetch(struct job *job, const char *hex, uint64_t size)
{
	char digest[IMAGE_ID_MAX], file[2 * IMAGES_FILE_MAX];

	snprintf(digest, sizeof(digest), "sha256:%s", hex);
	snprintf(file, sizeof(file), "%s/%s.layer", job->folder, hex);
	assert_string_equal(ask(job, LAYER_GET, digest), "fetch;");
	put(file, FILE_TYPE_FILE, "", size);
	assert_string_equal(ask(job, LAYER_KEEP, digest), "");
}

static void test_fetched_once(void **state)
{
	(void)state;
	assert_string_equal(ask(&first, LAYER_SEE, A), "none;");
	assert_string_equal(ask(&first, LAYER_GET, A), "fetch;");
	assert_string_equal(ask(&second, LAYER_GET, A), "");
	put("incoming.1/" HEX_A ".layer", FILE_TYPE_FILE, "", 7);
	assert_string_equal(ask(&first, LAYER_KEEP, A), "");
	assert_string_equal(second.answers, "have;");
	assert_non_null(find(KEPT_A));
	assert_int_equal(images.layers_size, 7);
	assert_string_equal(ask(&second, LAYER_SEE, A), "have;");
}

// The one that fetches it fails, or ends: the other one does it.
static void test_given_up(void **state)
{
	(void)state;
	assert_string_equal(ask(&first, LAYER_GET, A), "fetch;");
	assert_string_equal(ask(&second, LAYER_GET, A), "");
	assert_string_equal(ask(&first, LAYER_DROP, A), "");
	assert_string_equal(second.answers, "fetch;");
	assert_string_equal(ask(&first, LAYER_GET, A), "");
	end(&second);
	assert_string_equal(first.answers, "fetch;");
}

// The one that fetches it takes too long.
static void test_waits_no_more(void **state)
{
	(void)state;
	assert_string_equal(ask(&first, LAYER_GET, A), "fetch;");
	assert_string_equal(ask(&second, LAYER_GET, A), "");
	assert_int_equal(second.heard_at, 1);
	layers_wait_no_more(&second);
	assert_string_equal(second.answers, "fetch;");
	put("incoming.2/" HEX_A ".layer", FILE_TYPE_FILE, "", 7);
	assert_string_equal(ask(&second, LAYER_KEEP, A), "");
	assert_non_null(find(KEPT_A));
	put("incoming.1/" HEX_A ".layer", FILE_TYPE_FILE, "", 7);
	assert_string_equal(ask(&first, LAYER_KEEP, A), "");
	assert_int_equal(images.layers_size, 7);
	assert_string_equal(ask(&first, LAYER_GET, A), "have;");
}

static void test_what_is_no_answer(void **state)
{
	(void)state;
	assert_int_equal(say(&first, LAYER_KEEP, A), ERR_PROTOCOL);
	assert_string_equal(ask(&first, LAYER_GET, A), "fetch;");
	assert_int_equal(say(&second, LAYER_KEEP, A), ERR_PROTOCOL);
	assert_string_equal(ask(&second, LAYER_GET, A), "");
	assert_int_equal(say(&second, LAYER_GET, B), ERR_PROTOCOL);
	// It is not there, or is no file: the other one fetches it.
	assert_int_equal(say(&first, LAYER_KEEP, A), 0);
	assert_string_equal(second.answers, "fetch;");
	put("incoming.2/" HEX_A ".layer", FILE_TYPE_FOLDER, "", 0);
	assert_int_equal(say(&second, LAYER_KEEP, A), 0);
	assert_null(find(KEPT_A));
	assert_int_equal(images.layers_size, 0);
	first.kind = JOB_LOAD;
	assert_int_equal(say(&first, LAYER_SEE, A), ERR_PROTOCOL);
	first.kind = JOB_PULL;
}

static void need_many(struct job *job)
{
	for (unsigned i = 0; i < 1024; i++) {
		char digest[IMAGE_ID_MAX];

		snprintf(digest, sizeof(digest), "sha256:%064x", i);
		(void)say(job, LAYER_SEE, digest);
	}
}

// One that needs ever more layers fetches what could go from under it, and never waits in vain.
static void test_ever_more(void **state)
{
	(void)state;
	fetch(&second, HEX_A, 7);
	need_many(&first);
	assert_string_equal(ask(&first, LAYER_SEE, A), "none;");
	assert_string_equal(ask(&second, LAYER_GET, B), "fetch;");
	assert_string_equal(ask(&first, LAYER_GET, B), "fetch;");
	put("incoming.1/" HEX_B ".layer", FILE_TYPE_FILE, "", 8);
	put("incoming.2/" HEX_B ".layer", FILE_TYPE_FILE, "", 8);
	assert_string_equal(ask(&first, LAYER_KEEP, B), "");
	assert_string_equal(ask(&second, LAYER_KEEP, B), "");
	assert_int_equal(images.layers_size, 15);
	assert_string_equal(ask(&first, LAYER_GET, A), "fetch;");
	assert_string_equal(ask(&first, LAYER_DROP, A), "");
	assert_non_null(find(KEPT_A));
	// With its next image it begins anew.
	layers_unpin(&first);
	assert_string_equal(ask(&first, LAYER_GET, A), "have;");
}

// A damaged one goes, if a job that needs it says so.
static void test_damaged(void **state)
{
	(void)state;
	fetch(&first, HEX_A, 5);
	assert_string_equal(ask(&second, LAYER_DROP, A), "");
	assert_non_null(find(KEPT_A));
	assert_string_equal(ask(&second, LAYER_GET, A), "have;");
	assert_string_equal(ask(&second, LAYER_DROP, A), "");
	assert_null(find(KEPT_A));
	assert_string_equal(ask(&second, LAYER_GET, A), "fetch;");
}

static void know(const char *id, const char *blobs)
{
	char record[512];
	int len = snprintf(record, sizeof(record), "{\"id\":\"%s\",\"config\":{},\"blobs\":[%s]}",
	                   id, blobs);
	struct image_entry *image =
		catalog_know(&images, id, (struct span){ (const uint8_t *)record, (size_t)len }, 1);

	assert_non_null(image);
	image->is_stored = true;
}

static void test_removal(void **state)
{
	(void)state;
	fetch(&first, HEX_A, 5);
	fetch(&first, HEX_B, 6);
	end(&first);
	know("sha256:1", "\"" A "\",\"" B "\",7,\"x\"");
	know("sha256:2", "\"" A "\"");
	assert_int_equal(layers_drop(&images, 0), 0);
	catalog_forget(&images, catalog_by_id(&images, "sha256:1"));
	// Another pull has it.
	assert_string_equal(ask(&second, LAYER_SEE, B), "have;");
	assert_int_equal(layers_drop(&images, 0), 0);
	end(&second);
	assert_int_equal(layers_drop(&images, 0), 6);
	assert_null(find(KEPT_B));
	assert_non_null(find(KEPT_A));
	assert_int_equal(images.layers_size, 5);
}

static void test_empty(void **state)
{
	(void)state;
	fetch(&first, HEX_A, 0);
	end(&first);
	assert_true(layers_have(&images, A));
	assert_int_equal(layers_drop(&images, 0), 0);
	assert_false(layers_have(&images, A));
	assert_null(find(KEPT_A));
}

// What broken pulls have left stays over a start, but not without a bound: the oldest go.
static void test_spare(void **state)
{
	(void)state;
	fetch(&first, HEX_A, 600 * MIB);
	end(&first);
	put("layers/other", FILE_TYPE_FILE, "", 1);
	deaths = 1;
	start();
	assert_null(find("layers/other"));
	assert_int_equal(images.layers_size, 600 * MIB);
	begin(&first, "incoming.1");
	fetch(&first, HEX_B, 600 * MIB);
	assert_int_equal(images.layers_size, 1200 * MIB);
	end(&first);
	assert_null(find(KEPT_A));
	assert_non_null(find(KEPT_B));
}

static void test_death_in_the_midst(void **state)
{
	(void)state;
	does_and_dies = true;
	assert_string_equal(ask(&first, LAYER_GET, A), "fetch;");
	put("incoming.1/" HEX_A ".layer", FILE_TYPE_FILE, "", 7);
	deaths = 1;
	assert_string_equal(ask(&first, LAYER_KEEP, A), "");
	does_and_dies = false;
	assert_string_equal(ask(&second, LAYER_SEE, A), "have;");
}

// What a load brings is kept without a question; it stays until its job is over, and then as long
// as an image needs it.
static void test_put(void **state)
{
	(void)state;
	first.kind = JOB_LOAD;
	put("incoming.1/" HEX_A ".layer", FILE_TYPE_FILE, "", MIB);
	assert_string_equal(ask(&first, LAYER_PUT, A), "");
	assert_true(layers_have(&images, A));
	assert_non_null(find(KEPT_A));
	// It is no error that it is there already, or is not where it is said to be.
	assert_string_equal(ask(&first, LAYER_PUT, A), "");
	assert_string_equal(ask(&first, LAYER_PUT, B), "");
	assert_false(layers_have(&images, B));
	assert_int_equal(layers_drop(&images, 0), 0);
	assert_int_equal(say(&first, LAYER_GET, A), ERR_PROTOCOL);
	end(&first);
	assert_int_equal(layers_drop(&images, 0), MIB);
	assert_false(layers_have(&images, A));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_fetched_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_given_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_waits_no_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_what_is_no_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ever_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_removal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_spare, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_death_in_the_midst, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
