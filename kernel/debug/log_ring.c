// SPDX-License-Identifier: MIT
#include "kernel/debug/log_ring.h"

#include "kernel/sched/spinlock.h"
#include "libs/base/string.h"

#define RING_BYTES (256u * 1024)
#define RING_LINES 4096u

static struct spinlock ring_lock = { .rank = LOCK_RANK_LOG_RING };
static uint8_t ring[RING_BYTES];
static uint64_t places[RING_LINES];  // of a line, by its number: bytes since the beginning
static uint64_t end;                 // bytes since the beginning
static uint64_t first = 1;           // the oldest line that is left
static uint64_t next = 1;

// `at` counts from the beginning; what lies there may go on at the ring's start.
static void copy_in(uint64_t at, const void *from, size_t len)
{
	size_t start = at % RING_BYTES;
	size_t part = len < RING_BYTES - start ? len : RING_BYTES - start;

	memcpy(ring + start, from, part);
	memcpy(ring, (const uint8_t *)from + part, len - part);
}

static void copy_out(uint64_t at, void *to, size_t len)
{
	size_t start = at % RING_BYTES;
	size_t part = len < RING_BYTES - start ? len : RING_BYTES - start;

	memcpy(to, ring + start, part);
	memcpy((uint8_t *)to + part, ring, len - part);
}

void log_ring_add(const char *app, enum log_level level, const char *text, size_t len, nsec_t now)
{
	struct look_line line = { .time_ns = now, .level = (uint16_t)level };

	if (len > LOOK_LINE_MAX)
		len = LOOK_LINE_MAX;
	line.length = (uint16_t)len;
	str_copy(line.app, app, sizeof(line.app));
	spin_lock(&ring_lock);
	line.sequence = next;
	while (next - first == RING_LINES ||
	       (first < next && end + sizeof(line) + len - places[first % RING_LINES] > RING_BYTES))
		first++;
	places[next % RING_LINES] = end;
	copy_in(end, &line, sizeof(line));
	copy_in(end + sizeof(line), text, len);
	end += sizeof(line) + len;
	next++;
	spin_unlock(&ring_lock);
}

bool log_ring_read(uint64_t sequence, struct look_line *line, char text[LOOK_LINE_MAX])
{
	uint64_t place;
	bool there;

	spin_lock(&ring_lock);
	if (sequence < first)
		sequence = first;
	there = sequence < next;
	if (there) {
		place = places[sequence % RING_LINES];
		copy_out(place, line, sizeof(*line));
		copy_out(place + sizeof(*line), text, line->length);
	}
	spin_unlock(&ring_lock);
	return there;
}

uint64_t log_ring_next(void)
{
	uint64_t value;

	spin_lock(&ring_lock);
	value = next;
	spin_unlock(&ring_lock);
	return value;
}
