// SPDX-License-Identifier: MIT
//
// The containers of the machine (state.h), and what the app's parts do. Parts of it:
//   requests.c  the service "containers"; create.c, operations.c, lifecycle.c and show.c do what is
//               asked, waiters.c has who is answered later
//   vmms.c      the processes with virtual machines, those that wait included; vmm_links.c is
//               what they and this app say to each other
//   container_names.c  which container is meant, and new names
//   grants.c    what such a process may open
//   store.c     what of them lies on the state disk
//   boot.c      what the boot disk has: the app of virtual machines
//   images_link.c  which images there are; jobs.c has what pulls and unpacks them
//   config.c    a container's config.json
//   logs.c      what they have written; log_clients.c is who reads it
//   events.c    what happens, for who watches; event.c is one event
//   policy.c    restart policies; update.c: changes of them and of limits
//   exec.c      processes that are added to containers (exec_settings.c: their settings)
//   query.c     what is asked of a container's guest, for pause.c and stats.c
#pragma once

#include "apps/containers/state.h"
#include "libs/starina/log.h"

// --- requests.c ---

// It is known which images there are: clients are accepted.
void images_known(struct containers *all);

// --- create.c ---

// POST /containers/create: 201, 400 (the body; what is to be mounted is not there), 404 (the
// image), 409 (the name).
void operation_create(struct request *request);
// A client that is gone, or gave up request `id` (0: all): what it was to create is not.
void creations_drop(struct containers *all, const struct client *client, uint32_t id);

// --- operations.c: all answer their request, now or when it is done ---

// POST start: 204 once its process runs, 304 (it does), 400 and 500 (it could not).
void operation_start(struct request *request);
// POST stop, or restart: 204 once it has ended, or runs again; 304 (it does not run).
void operation_stop(struct request *request, bool restarts);
// POST kill: 204 when the signal is on its way, 409 (it does not run).
void operation_kill(struct request *request);
// POST wait: its exit status at the end that was asked for.
void operation_wait(struct request *request);
// DELETE: 204, 409 (it runs, and no force).
void operation_remove(struct request *request);
// POST attach: 200 when its vmm has the request's channel, or will have it at the start.
void operation_attach(struct request *request);
// Gives a container the channel of a client of its streams, now or at its start. False when it
// has too many: the channel is left.
bool container_attach(struct container *c, const struct msg_vmm_attach *order, handle_t channel);
// POST resize: 200 when the new size is on its way, 409 (it does not run).
void operation_resize(struct request *request);
// Whether a container's process can be told something; the request is answered otherwise. After a
// restart of this app it takes a moment to come back.
bool operation_can_reach(struct request *request, const struct container *c);
// Reads a terminal's size from the query; false, and the request was answered, when it says none.
bool operation_take_size(struct request *request, struct msg_vmm_resize *resize);

// --- container_names.c ---

// The container that is called so, by its name, its id or the beginning of it that no other has, or
// NULL; *num_begin: how many ids begin so.
struct container *containers_find(struct containers *all, const char *target, size_t *num_begin);
// The one of exactly this name, or NULL.
struct container *containers_find_name(const struct containers *all, const char *name);
// Whether a container may be called so; the request was answered otherwise.
bool operation_name_is_free(struct request *request, const char *name);
// The container that the target names, or NULL, and the request was answered.
struct container *operation_find(struct request *request);
// POST rename: 204, 400, 409 (the name), 500 (it cannot be written: it has its old name).
void operation_rename(struct request *request);

// --- store.c ---

// Reads the records of all containers. Blocks until the server of files has answered.
void store_read(struct containers *all);
// Writes a container's record; what goes wrong is logged. Blocks until it lies on the disk. Returns
// whether it does, or is not to.
bool store_write(const struct container *c);
void store_remove(const struct container *c);
// Why what store_write does not write is refused; the log has more.
#define STORE_REFUSES "the state disk does not take its record (is it full?)"
// Writes the file `name` of the app's folder, and frees the text; what goes wrong is logged, too.
// Blocks. Without a state disk it does nothing. Errors: as folder_replace's, ERR_NO_MEMORY.
__must_check error_t store_put(const struct containers *all, const char *name,
                               struct json_writer *w);
void store_drop(const struct containers *all, const char *name);
// The names of at most `max` files that have `name_len` characters, and a file, in heap memory.
// Both block. Errors: as folder_open's, folder_list's and folder_read's.
__must_check error_t store_list(const struct containers *all, size_t name_len, size_t max,
                                struct string_list *out);
__must_check error_t store_get(const struct containers *all, const char *name, size_t max,
                               uint8_t **text, size_t *len);
// Whether a container's record can be read again: its body may be too deep, or too long.
bool store_accepts(const struct container *c);

// CLOCK_WALL; 0: there is none.
static inline nsec_t wall_time(void)
{
	nsec_t now = 0;

	return clock_get(CLOCK_WALL, &now) == 0 ? now : 0;
}

// The wall clock as records keep it, in whole microseconds: what is shown is the same after a
// restart. 0: there is none.
static inline nsec_t record_time(void)
{
	nsec_t now = wall_time();

	return now - now % NSEC_PER_USEC;
}

// CLOCK_MONOTONIC, which cannot fail.
static inline nsec_t monotonic_time(void)
{
	nsec_t now = 0;
	error_t err = clock_get(CLOCK_MONOTONIC, &now);

	assert(err == 0);
	return now;
}

// --- lifecycle.c ---

// An empty container, in zeroed memory.
void container_init(struct container *c, struct containers *all);
// It is one of those that there are.
void container_add(struct container *c);
// Frees one that was not added.
void container_discard(struct container *c);
// Starts it.
void container_begin(struct container *c);
// Its vmm has its disks, of which the image is the last.
void container_disks_given(struct container *c);
// Its vmm says how it is.
void container_vmm_told(struct container *c, const struct msg_vmm_state *state, const char *text);
// Its vmm is gone, and the container with it.
void container_vmm_lost(struct container *c);
// It does not start again by itself, as it had waited for: who waits for its end is told. Returns
// as store_write.
bool container_stays(struct container *c);
// The signal that asks it to end.
uint32_t container_stop_signal(const struct container *c);
// How it, or else its image, calls that signal; NULL: neither does.
const char *container_stop_word(const struct container *c);
// Its labels and its image's, an object in JSON, in fresh heap memory; NULL: there is none.
char *container_labels(const struct container *c);
// Whose process it is to be, as it or else its image says; "": neither does.
const char *container_user(const struct container *c);
// Asks it by a signal to end within `seconds` (below 0: without a limit).
void container_stop(struct container *c, uint32_t number, int64_t seconds);
// One that is being started gets the signal once it runs, and its time begins then.
void container_signal_send(struct container *c, uint32_t number);
// Its process runs: it gets what it was to wait for.
void signals_send_due(struct container *c);
// Nothing is waited for any more.
void signals_end(struct container *c);
// It has ended with `status`; `error` is what was wrong, or "".
void container_over(struct container *c, int status, const char *error);
// It could not be started; `error` is what clients are told.
void container_fail(struct container *c, const char *error);
// Frees one that does not run, and answers who waits for that.
void container_remove(struct container *c);

// --- waiters.c ---

// A request that is answered later; false when memory is out.
bool waiter_add(struct container *c, const struct request *request, enum waiter_kind kind,
                enum wait_condition condition, bool removes, bool restarts);
// What a client that is gone, or gave up request `id` (0: all), has waited for.
void waiters_drop(struct containers *all, const struct client *client, uint32_t id);
// It runs, or could not be made to: who has started it is answered.
void waiters_started(struct container *c);
void waiters_not_started(struct container *c);
// It has ended: all are answered that have waited for that. Sets what somebody has asked for to
// become of it then: to go, to run once more.
void waiters_ended(struct container *c, bool *removes, bool *restarts);
// It is removed: the others are answered.
void waiters_removed(struct container *c);

// --- policy.c ---

// Whether clients take it for running: it does, or waits for its next start.
bool container_is_active(const struct container *c);
// Whether it waits for its next start.
bool policy_waits(const struct container *c);
// Whether it does, or is being started by itself.
bool policy_is_restarting(const struct container *c);
// Whether it is to start again, now that it has ended.
bool policy_restarts(const struct container *c);
// Has it start again after a while.
void policy_wait(struct container *c);
// It does not wait any more.
void policy_cancel(struct container *c);
// Its user starts it: what was counted is forgotten.
void policy_started_by_user(struct container *c);
// Its user stops it: it stays so. Also of one that waits for its next start.
void policy_stopped_by_user(struct container *c);
// Starts those that are to run, once the records and the images are known.
void policy_resume(struct containers *all);
// A member "Restarts" of a record; reading it marks the reader as bad when it is none.
void policy_write_record(struct json_writer *w, const struct container *c);
void policy_read_record(struct json_reader *r, struct container *c);

// --- update.c ---

// POST update: 200, 400 (the body), 409 (it is being started; its virtual machine is too small).
void operation_update(struct request *request);

// --- show.c ---

// GET /containers/json.
void show_list(struct request *request);
// GET /containers/NAME/json.
void show_inspect(struct request *request);
// The word of a container's state.
const char *show_state(const struct container *c);
// The object HostConfig of inspect.
void show_host_config(struct json_writer *w, const struct container *c);
// A further member: its annotations, when it was created with some.
void show_annotations(struct json_writer *w, const struct container *c);
// The list of all containers, with their sizes.
void show_summaries(struct json_writer *w, const struct containers *all, uint32_t minor);

// --- usage.c ---

// GET /info.
void show_info(struct request *request);
// GET /system/df.
void show_usage(struct request *request);
// The answer, once volumes are counted if it is to have them.
void show_usage_now(struct containers *all, const struct usage_question *question);
// The list of volumes, with how many containers have each, and what was counted.
void show_volumes_usage(struct json_writer *w, struct containers *all);
// POST /containers/prune: 200, 400 (the filters).
void operation_prune(struct request *request);

// --- mounts.c ---

// Decides what a container that is created has mounted. Returns false, and has answered, when that
// is not possible.
bool mounts_resolve(struct request *request, struct container *c);
// Makes the volumes of it. Returns false, and has answered, when one cannot be made.
bool mounts_make(struct request *request, struct container *c);
// Whether a container has a volume.
bool mounts_use(const struct container *c, const char *volume);
// Removes its volumes without a name, but those that others have, or may have (lacks_records).
void mounts_remove(struct container *c);
// Asks the host for what is to be bound next (c->provision); false: nothing is.
bool mounts_ask(struct container *c);
// The host's answer. Returns false when the container has failed.
bool mounts_answered(struct container *c, error_t error, uint32_t value, struct span text);
// Tells the container's vmm what it has, before its start.
void mounts_send(struct container *c);

// --- show_mounts.c ---

// Writes the Mounts of a container, and Config.Volumes.
void show_mounts(struct json_writer *w, const struct container *c);
void show_volumes_config(struct json_writer *w, const struct container *c);
// Writes `key` and where a volume is said to be.
void show_volume_place(struct json_writer *w, const char *key, const char *name);
// What a record keeps of the container's mounts.
void mounts_write_record(struct json_writer *w, const struct mount_list *mounts);
void mounts_read_record(struct json_reader *r, struct mount_list *mounts);

// --- volume_operations.c ---

// GET /volumes.
void volume_list(struct request *request);
// GET /volumes/NAME: 404.
void volume_inspect(struct request *request);
// POST /volumes/create: 201, 400 (the body), 404 (the driver).
void volume_create(struct request *request);
// DELETE /volumes/NAME: 204, 404, 409 (a container has it).
void volume_delete(struct request *request);
// POST /volumes/prune.
void volume_prune(struct request *request);

// --- ports.c ---

// Chooses the ports of the host. Returns false when there is one that cannot be had: the container
// has failed.
bool ports_choose(struct container *c);
// Asks the host for the port that is next (c->provision).
void ports_ask(struct container *c);
// The host's answer. Returns false when the container has failed.
bool ports_answered(struct container *c, error_t error, struct span text);
// Takes back all that was asked for.
void ports_release(struct container *c);

// --- show_ports.c ---

// Whether it has a network that ports of the host can lead to.
bool ports_are_published(const struct container *c);
// The ports that a container is said to have, its image's among them, to be freed by
// port_list_deinit (also on errors). Errors: ERR_LIMIT, ERR_NO_MEMORY.
__must_check error_t ports_exposed(const struct container *c, struct port_list *out);
// Writes Config.ExposedPorts, NetworkSettings.Ports, and the Ports of a list.
void show_ports_config(struct json_writer *w, const struct container *c);
void show_ports(struct json_writer *w, const struct container *c);
void show_ports_summary(struct json_writer *w, const struct container *c);
// What a record keeps of the container's ports.
void ports_write_record(struct json_writer *w, const struct container *c);
void ports_read_record(struct json_reader *r, struct port_list *ports);

// --- vmms.c ---

// Errors: as loop_add's and timer_create's.
__must_check error_t vmms_init(struct containers *all);
// It is gone, or to be forgotten, and with it the container that it has.
void vmms_lose(struct vmm_process *vmm);
// Something has changed that a start may have waited for.
void vmms_retry(struct containers *all);

// --- links.c ---

// The container that a link names, and what it is called by it; NULL: there is none.
struct container *link_target(struct containers *all, const char *text,
                              char alias[static LINK_NAME_MAX]);
// The address that the switch gave it; all zero: none.
const uint8_t *link_address(const struct container *c);
// DELETE /containers/NAME/ALIAS?link=1: 204, 400, 404, 500 (it cannot be written). The container
// forgets the alias.
void links_remove(struct request *request);
// What a container's links on the bridge are; NULL: it is not on it.
struct string_list *links_on_bridge(const struct container *c);
// Whether any container has links: then addresses that the switch gives are in the table of names.
bool links_any(const struct containers *all);
// Whether there is what HostConfig.Links names on the bridge. Errors: ERR_INVALID.
__must_check error_t links_check(const struct container *c, char error[static SETTINGS_ERROR_MAX]);
// Takes what the container's environment says of it, at each start. Errors: ERR_INVALID (it does
// not run), ERR_NO_MEMORY.
__must_check error_t links_take(struct container *c, char error[static SETTINGS_ERROR_MAX]);

// --- vmm_links.c ---

// Accepts the processes, once it is known which there may be. Errors: as service_listen's.
__must_check error_t vmms_listen(struct containers *all);
// Hands `app_file` to the app manager, now or when it is there.
void vmms_load(struct containers *all);
// A process for a container, which is sent its order once it is there; NULL when memory is out.
struct vmm_process *vmms_take(struct containers *all, struct container *c);
// The process of a container that runs, from the time before this app was restarted: it has a while
// to come back, from vmms_await on. NULL is left in c->vmm when memory is out.
void vmms_expect(struct container *c, const uint8_t token[VMM_TOKEN_SIZE]);
void vmms_await(struct containers *all);
// Sends a message, which is consumed. Returns whether it is on its way.
bool vmms_send(struct vmm_process *vmm, struct message *m);
// Makes the order for an added process, without the channel of its client: `process` has its
// `process` object, and is freed, on errors too. Errors: ERR_NO_MEMORY, ERR_LIMIT.
__must_check error_t vmms_exec_order(struct message *m, struct msg_vmm_exec order,
                                     struct json_writer *process);
// The process of its container runs: no other virtual machine boots for a while, or until its end.
void vmms_container_runs(struct vmm_process *vmm);
// Has the app manager end a process that does not end by itself.
void vmms_end(struct vmm_process *vmm);
// Likewise, by the name of its app.
void vmms_stop(struct containers *all, const char *app);
// The container is over: so is the process.
void vmms_release(struct vmm_process *vmm);
// The order and the clients of a container's streams; called when the vmm waits for them.
void container_order(struct container *c);

// --- boot.c ---

// Begins to read the boot disk.
void boot_start(struct containers *all);

// --- images_link.c ---

// Follows "images", whose list is known before clients are accepted.
void images_follow(struct containers *all);
// The image of a container; NULL: it is gone.
const struct image *container_image(const struct container *c);

// --- config.c ---

// What a container runs: lists of its settings or its image; either may be empty.
struct command {
	const struct string_list *entrypoint, *cmd;
};

#define CONFIG_NO_COMMAND "no command specified"
// By Docker's rules: an entrypoint of its own drops the image's Cmd, [] its Entrypoint alone, and
// [""] both. `image`: NULL when it is gone.
struct command config_command(const struct settings *settings, const struct image *image);
// Whether inspect shows the entrypoint of such a command: [] stays what it is, [""] is none.
bool config_shows_entrypoint(const struct settings *settings, const struct command *command);
// Writes a container's config.json. Errors: ERR_INVALID with a text for people, ERR_NO_MEMORY.
__must_check error_t config_write(const struct container *c, const struct image *image,
                                  struct json_writer *w, char error[static SETTINGS_ERROR_MAX]);

// Writes the `process` object of a process that is added to it. Errors: ERR_NO_MEMORY.
__must_check error_t config_write_exec(const struct container *c, const struct image *image,
                                       const struct exec_settings *exec, struct json_writer *w);

// --- exec.c ---

// POST /containers/NAME/exec: 201, 400 (the body), 409 (it does not run, too many).
void operation_exec_create(struct request *request);
// POST /exec/ID/start: 200 when it has the request's channel, or runs without one; 400 (it could
// not), 404, 409 (it was started).
void operation_exec_start(struct request *request);
// POST /exec/ID/resize: 200 when the new size is on its way, 404, 409 (it does not run).
void operation_exec_resize(struct request *request);
// GET /exec/ID/json.
void operation_exec_inspect(struct request *request);
// The container's vmm says what has become of one.
void exec_told(struct container *c, const struct msg_vmm_process *process, const char *text);
// The container has ended: so have they.
void exec_end_all(struct container *c);
// Frees them.
void exec_free_all(struct container *c);
// Who has waited for one's start, as waiters_drop.
void exec_waiters_drop(struct container *c, const struct client *client, uint32_t id);
// The ids of those that run, as an array, or null.
void exec_write_ids(struct json_writer *w, const struct container *c);
// --- config_mounts.c ---

// Writes the annotations that mount something; *first: whether none was written yet. Errors:
// ERR_NO_MEMORY.
__must_check error_t config_write_mounts(const struct container *c, const struct image *image,
                                         struct json_writer *w, bool *first);

// --- hosts.c ---

// Writes the annotations of config.json that are /etc/hostname and /etc/hosts, or lines of the
// latter. bootd makes /etc/hosts of others.
void hosts_write(const struct container *c, const char *hostname, struct json_writer *w);

// --- pause.c ---

// POST pause: 204 once all its processes stand still, 409 (it does not run, or is paused).
void operation_pause(struct request *request);
// POST unpause: 204 once they go on, 409 (it does not run, or is not paused).
void operation_unpause(struct request *request);
// Has one that is paused go on, for it is to end.
void pause_lift(struct container *c);

// --- stats.c ---

// GET stats: a sample after a second, at once with one-shot, or a stream of them.
void operation_stats(struct request *request);
// GET top: its processes; 400 (what ps is asked for), 409 (it does not run).
void operation_top(struct request *request);
// Who waits for a sample, as waiters_drop.
void stats_waiters_drop(struct containers *all, const struct client *client, uint32_t id);

// --- shutdown.c ---

// Hears of the machine's end from "host". Errors: as host_start's.
__must_check error_t shutdown_init(struct containers *all);
// A container has ended: it may have been the last one.
void shutdown_advance(struct containers *all);

// --- words.c ---

// A name of an adjective and a noun.
void words_name(uint64_t random, char out[static CONTAINER_NAME_MAX]);
#define TIME_TEXT_MAX 40u
// A time in UTC, as RFC 3339 has it; of 0, what Docker says for "never".
void words_time(nsec_t wall, char out[static TIME_TEXT_MAX]);
// A duration for people, as "3 minutes".
void words_duration(nsec_t duration, char out[static TIME_TEXT_MAX]);
