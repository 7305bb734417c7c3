// SPDX-License-Identifier: MIT
#include "apps/images/follower_fake.h"

#include <stdlib.h>

#include "libs/base/fmt.h"
#include "libs/linux/image/image_index.h"
#include "libs/starina/payload.h"

#define STDOUT 1u
#define STDERR 2u
#define LINE_MAX 1200u

void follower_fake_digest(uint8_t number, char out[static 80])
{
	// Of no bytes: what has it can be what it says.
	static const char empty[] =
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

	if (number % 4 == 3)
		str_copy(out, empty, 80);
	else
		fmt_write(out, 80, "sha256:%063d%c", 0, '0' + number % 4);
}

void follower_fake_connect(struct follower_fake *follower, handle_t service)
{
	if (follower->channel != HANDLE_NONE)
		return;
	follower->channel = fake_client_connect(service);
	fake_say(follower->channel, MSG_IMAGES_FOLLOW, (uint8_t[4]){ 0 }, 4, FAKE_NOTHING, 0);
}

// --- What it is sent -----------------------------------------------------------------------------

// A run or an export begins; the oldest is forgotten.
static struct follower_run *run_begins(struct follower_fake *follower, uint32_t id, handle_t stream)
{
	struct follower_run *run = &follower->runs[follower->num_runs++ % FOLLOWER_RUNS];

	fake_close(&run->stream);
	*run = (struct follower_run){ .id = id, .stream = stream };
	return run;
}

static void takes_run(struct follower_fake *follower, const struct msg_images_run *run,
                      struct message *m, const uint8_t *tail, size_t len)
{
	struct follower_run *begun;
	struct payload payload;
	const char *name;

	if (m->num_handles != 2 || run->length == 0 || len >= IMAGES_FILE_MAX)
		abort();
	begun = run_begins(follower, run->id, m->handles[1]);
	memcpy(begun->folder, tail, len);
	if (payload_open_folio(m->handles[0], 0, run->length, &payload) != 0)
		return;
	// Each argument ends with a NUL.
	if (payload.bytes.data[payload.bytes.len - 1] != '\0')
		abort();
	name = (const char *)payload.bytes.data + strlen((const char *)payload.bytes.data) + 1;
	if (strcmp((const char *)payload.bytes.data, "pull") == 0)
		str_copy(begun->name, name, sizeof(begun->name));
	payload_release(&payload);
}

// What it is told it understands.
static void takes_list(const struct follower_fake *follower, const struct msg_images_list *list,
                       struct message *m)
{
	struct image_index index = { 0 };
	struct payload payload;

	if (m->num_handles != 1)
		abort();
	if (payload_open_folio(m->handles[0], 0, list->length, &payload) != 0)
		return;
	if (!follower->memory_fails && image_index_parse(&index, payload.bytes) != 0)
		abort();
	image_index_deinit(&index);
	payload_release(&payload);
}

static void answers(struct follower_fake *follower, uint32_t question, uint32_t running,
                    uint32_t stopped)
{
	struct msg_images_used used = { .id = question, .running = running, .stopped = stopped };
	struct message m;

	if (question == 0)
		return;
	str_copy(used.user, "0123456789abcdef", sizeof(used.user));
	if (message_encode_images_used(&m, &used, NULL, 0) == 0)
		fake_send(follower->channel, &m);
}

static void run_ends(struct follower_fake *follower, struct follower_run *run, int32_t status)
{
	struct msg_images_ran ran = { .id = run->id, .status = status };
	struct message m;

	if (run->id != 0 && !run->is_export &&
	    message_encode_images_ran(&m, &ran, "why", status > 1 ? 3 : 0) == 0)
		fake_send(follower->channel, &m);
	fake_close(&run->stream);
	run->id = 0;
}

static void takes_stop(struct follower_fake *follower, uint32_t id)
{
	for (size_t i = 0; i < FOLLOWER_RUNS; i++)
		if (id != 0 && follower->runs[i].id == id && !follower->keeps_silent)
			run_ends(follower, &follower->runs[i], 137);
}

static void takes_question(struct follower_fake *follower, uint32_t id)
{
	if (!follower->keeps_silent)
		answers(follower, id, 0, 0);
	else
		follower->questions[follower->num_questions++ % FOLLOWER_RUNS] = id;
}

bool follower_fake_take(struct follower_fake *follower)
{
	bool took = false;

	struct msg_images_export export;
	struct msg_images_users users;
	struct msg_images_list list;
	struct msg_images_stop stop;
	struct msg_images_run run;
	const uint8_t *tail;
	struct message m;
	size_t len;

	while (follower->channel != HANDLE_NONE && channel_recv(follower->channel, &m) == 0) {
		took = true;
		if (message_decode_images_run(&m, &run, &tail, &len) == 0) {
			takes_run(follower, &run, &m, tail, len);
		} else if (message_decode_images_export(&m, &export, &tail, &len) == 0) {
			if (m.num_handles != 1)
				abort();
			run_begins(follower, export.id, m.handles[0])->is_export = true;
		} else if (message_decode_images_list(&m, &list, &tail, &len) == 0) {
			takes_list(follower, &list, &m);
		} else {
			if (message_decode_images_users(&m, &users, &tail, &len) == 0)
				takes_question(follower, users.id);
			else if (message_decode_images_stop(&m, &stop, &tail, &len) == 0)
				takes_stop(follower, stop.id);
			message_discard(&m);
		}
	}
	return took;
}

// --- What a container does -----------------------------------------------------------------------

static void says_frame(const struct follower_run *run, uint8_t stream, const void *text, size_t len)
{
	uint8_t frame[8 + LINE_MAX] = { stream };

	if (len > LINE_MAX)
		len = LINE_MAX;
	frame[6] = (uint8_t)(len >> 8);
	frame[7] = (uint8_t)len;
	if (len > 0)
		memcpy(frame + 8, text, len);
	fake_send_bytes(run->stream, frame, 8 + len);
}

// A line about an image, as the system's container writes it: the image has come, or was there.
static size_t image_line(const struct follower_run *run, uint8_t how, char out[static LINE_MAX])
{
	const char *name = run->name[0] != '\0' ? run->name : "docker.io/library/c:1";
	char id[80], digest[80];

	follower_fake_digest(how, id);
	follower_fake_digest(how / 4, digest);
	if (how / 16 % 4 == 3)
		return fmt_write(out, LINE_MAX,
		                 "{\"image\":{\"digest\":\"%s\",\"unchanged\":true,\"references\":"
		                 "[\"%s\"]}}\n",
		                 digest, name);
	return fmt_write(out, LINE_MAX,
	                 "{\"image\":{\"id\":\"%s\",\"digest\":\"%s\",\"references\":[%s%s%s]}}\n",
	                 id, digest, how < 64 ? "\"" : "", how < 64 ? name : "",
	                 how < 64 ? "\"" : "");
}

static void says_line(const struct follower_run *run, uint8_t how)
{
	static const char *const verbs[] = { "see", "get", "keep", "drop", "put" };
	static const char *const others[] = { "{\"status\":\"Pulling\",\"id\":\"x\"}\n",
		                              "{\"error\":\"manifest for x not found\"}\n", "\n",
		                              "{\"error\":\"dockerfile parse error\"}\n" };
	char line[LINE_MAX], digest[80];
	size_t len;

	switch (how % 3) {
	case 0: len = image_line(run, how / 3, line); break;
	case 1:
		follower_fake_digest(how / 3, digest);
		len = fmt_write(line, sizeof(line),
		                "{\"layer\":{\"digest\":\"%s\",\"do\":\"%s\"}}\n", digest,
		                verbs[how / 12 % 5]);
		break;
	default: len = str_copy(line, others[how / 3 % 4], sizeof(line)); break;
	}
	says_frame(run, STDOUT, line, len);
}

// --- Its files -----------------------------------------------------------------------------------

static size_t write_record(uint8_t how, char out[static LINE_MAX])
{
	char id[80], layer[80], parent[80];

	follower_fake_digest(how, id);
	follower_fake_digest(how / 4, layer);
	follower_fake_digest(how / 16, parent);
	return fmt_write(out, LINE_MAX,
	                 "{\"id\":\"%s\",\"config\":{\"Cmd\":[\"x\"],\"Labels\":{\"a\":\"b\"}},"
	                 "\"created\":\"2026-11-30T10:00:00.5Z\",\"history\":[{\"created_by\":"
	                 "\"x\"}],\"layers\":[\"%s\"],\"blobs\":[\"%s\",\"%s\"],\"architecture\":"
	                 "\"riscv64\",\"os\":\"linux\",\"parent\":\"%s\",\"size\":7}",
	                 id, layer, layer, id, parent);
}

// Puts a file into its folder: an image, its record, a layer; or what only has such a name.
static void makes_file(const struct follower_run *run, struct provider_fake *files, uint8_t how,
                       const uint8_t *data, size_t len)
{
	static const char *const suffixes[] = { ".img", ".json", ".layer", "" };
	static const uint8_t image[1024];
	const char *suffix = suffixes[how / 4 % 4];
	uint32_t folder = provider_fake_find(files, 1, run->folder), i;
	char name[100], digest[80], record[LINE_MAX];

	follower_fake_digest(how, digest);
	fmt_write(name, sizeof(name), "%s%s", digest + 7, suffix);
	i = folder != 0 ? provider_fake_find(files, folder, name) : 1;
	if (i != 0)
		return;
	if (how >= 224)
		(void)provider_fake_make(files, folder, name, 040755, NULL, 0);
	else if (how >= 192)
		(void)provider_fake_make(files, folder, name, 0120777, "/x", 2);
	else if (strcmp(suffix, ".img") == 0)
		(void)provider_fake_make(files, folder, name, 0100644, image, sizeof(image));
	else if (strcmp(suffix, ".json") == 0 && len < 2)
		(void)provider_fake_make(files, folder, name, 0100644, record,
		                         write_record(len > 0 ? data[0] : how, record));
	else
		(void)provider_fake_make(files, folder, name, 0100644, data, len);
}

// Part of what an export gives: a length, the size in digits, an archive.
static void exports(const struct follower_run *run, uint8_t how)
{
	static const char whole[] = "\0\0\0\3"
				    "512\0\0\0\0";
	uint8_t frame[4 + 512 + 4] = { 0, 0, 2, 0 };

	if (how % 3 == 0)
		fake_send_bytes(run->stream, whole, how % 2 == 0 ? sizeof(whole) - 1 : 5);
	else
		fake_send_bytes(run->stream, frame, how % 3 == 1 ? sizeof(frame) : 100);
}

static void run_acts(struct follower_fake *follower, struct follower_run *run,
                     struct provider_fake *files, const uint8_t *data, size_t len)
{
	uint8_t more = len > 1 ? data[1] : 0;

	switch (len > 0 ? data[0] % 9 : 0) {
	case 0: says_line(run, more); break;
	case 1: makes_file(run, files, more, data + 2, len > 2 ? len - 2 : 0); break;
	case 2: says_frame(run, STDOUT, data, len); break;
	case 3: says_frame(run, STDERR, data, len); break;
	case 4: run_ends(follower, run, more % 4); break;
	case 5: exports(run, more); break;
	case 6: fake_stream_acts(&run->stream, more % 5, more, data, len); break;
	case 7: fake_close(&run->stream); break;
	// It has ended, but not all that it has said has come.
	default:
		fake_say(follower->channel, MSG_IMAGES_RAN,
		         (const uint8_t *)&(struct msg_images_ran){ .id = run->id }, 8,
		         FAKE_NOTHING, 0);
		break;
	}
}

void follower_fake_acts(struct follower_fake *follower, struct provider_fake *files, uint8_t how,
                        const uint8_t *data, size_t len)
{
	uint8_t more = how / 8;

	switch (how % 8) {
	case 0: follower->keeps_silent = more % 2 != 0; break;
	case 1:
		answers(follower, follower->questions[more % FOLLOWER_RUNS], more / 8 % 2,
		        more / 16 % 2);
		follower->questions[more % FOLLOWER_RUNS] = 0;
		break;
	case 2:
		if (more == 0)
			follower_fake_leave(follower);
		else
			fake_say(follower->channel, 143 + more % 16u, data, len,
			         fake_cargo((more & 1) != 0, (more & 2) != 0), PAGE_SIZE);
		break;
	default:
		run_acts(follower,
		         &follower->runs[(follower->num_runs - 1 - more % 3) % FOLLOWER_RUNS],
		         files, data, len);
		break;
	}
}

void follower_fake_leave(struct follower_fake *follower)
{
	fake_close(&follower->channel);
	for (size_t i = 0; i < FOLLOWER_RUNS; i++) {
		fake_close(&follower->runs[i].stream);
		follower->runs[i].id = 0;
		follower->questions[i] = 0;
	}
}
