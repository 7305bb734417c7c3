// SPDX-License-Identifier: MIT
#include "apps/containers/stats_json.h"

#include "libs/base/date.h"
#include "libs/base/fmt.h"

static void number(struct json_writer *w, const char *key, uint64_t value)
{
	json_write_raw(w, key);
	json_write_i64(w, value <= INT64_MAX ? (int64_t)value : INT64_MAX);
}

static void time(struct json_writer *w, const char *key, nsec_t wall)
{
	char text[DATE_LENGTH + 1];

	date_write(wall, text);
	json_write_raw(w, key);
	json_write_string(w, wall != 0 ? text : "0001-01-01T00:00:00Z");
}

// Clients divide by the time of all processors that has passed.
static void write_cpu(struct json_writer *w, const char *key, const struct stats_sample *sample,
                      uint32_t cpus)
{
	const struct control_stats *s = &sample->stats;

	json_write_raw(w, key);
	number(w, "{\"cpu_usage\":{\"total_usage\":", s->cpu_us * NSEC_PER_USEC);
	number(w, ",\"usage_in_kernelmode\":", s->cpu_system_us * NSEC_PER_USEC);
	number(w, ",\"usage_in_usermode\":", s->cpu_user_us * NSEC_PER_USEC);
	json_write_raw(w, "}");
	if (sample->wall != 0) {
		number(w, ",\"system_cpu_usage\":", sample->monotonic * cpus);
		number(w, ",\"online_cpus\":", cpus);
	}
	number(w, ",\"throttling_data\":{\"periods\":", s->cpu_periods);
	number(w, ",\"throttled_periods\":", s->cpu_throttled_periods);
	number(w, ",\"throttled_time\":", s->cpu_throttled_us * NSEC_PER_USEC);
	json_write_raw(w, "}}");
}

static void write_memory(struct json_writer *w, const struct control_stats *s, uint64_t memory)
{
	uint64_t limit = s->memory_limit;

	if (limit == 0 || limit > memory)
		limit = memory;
	number(w, ",\"memory_stats\":{\"usage\":", s->memory);
	// What clients take off: it can be had back at any time.
	number(w, ",\"stats\":{\"inactive_file\":", s->memory_cached);
	number(w, "},\"limit\":", limit);
	json_write_raw(w, "}");
}

static void write_disk(struct json_writer *w, const struct control_stats *s)
{
	number(w,
	       ",\"blkio_stats\":{\"io_service_bytes_recursive\":[{\"major\":254,\"minor\":0,\"op\":"
	       "\"read\",\"value\":",
	       s->disk_read);
	number(w, "},{\"major\":254,\"minor\":0,\"op\":\"write\",\"value\":", s->disk_written);
	json_write_raw(w,
	               "}],\"io_serviced_recursive\":null,\"io_queue_recursive\":null,"
	               "\"io_service_time_recursive\":null,\"io_wait_time_recursive\":null,"
	               "\"io_merged_recursive\":null,\"io_time_recursive\":null,"
	               "\"sectors_recursive\":null}");
}

static void write_network(struct json_writer *w, const struct control_stats *s)
{
	number(w, ",\"networks\":{\"eth0\":{\"rx_bytes\":", s->received.bytes);
	number(w, ",\"rx_packets\":", s->received.packets);
	number(w, ",\"rx_errors\":", s->received.errors);
	number(w, ",\"rx_dropped\":", s->received.dropped);
	number(w, ",\"tx_bytes\":", s->sent.bytes);
	number(w, ",\"tx_packets\":", s->sent.packets);
	number(w, ",\"tx_errors\":", s->sent.errors);
	number(w, ",\"tx_dropped\":", s->sent.dropped);
	json_write_raw(w, "}}");
}

void stats_write(const struct stats_subject *subject, const struct stats_sample *before,
                 const struct stats_sample *now, struct json_writer *w)
{
	const struct control_stats *s = &now->stats;
	char name[160];

	fmt_write(name, sizeof(name), "/%s", subject->name);
	json_write_raw(w, "{\"name\":");
	json_write_string(w, name);
	json_write_raw(w, ",\"id\":");
	json_write_string(w, subject->id);
	time(w, ",\"read\":", now->wall);
	time(w, ",\"preread\":", before->wall);
	number(w, ",\"num_procs\":0,\"storage_stats\":{},\"pids_stats\":{\"current\":", s->pids);
	if (s->pids_limit > 0)
		number(w, ",\"limit\":", s->pids_limit);
	json_write_raw(w, "}");
	write_cpu(w, ",\"cpu_stats\":", now, subject->cpus);
	write_cpu(w, ",\"precpu_stats\":", before, subject->cpus);
	if (now->wall == 0) {
		json_write_raw(w, ",\"blkio_stats\":{},\"memory_stats\":{}}\n");
		return;
	}
	write_memory(w, s, subject->memory);
	write_disk(w, s);
	if (subject->has_network)
		write_network(w, s);
	json_write_raw(w, "}\n");
}
