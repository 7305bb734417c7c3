// SPDX-License-Identifier: MIT
#include "guest/bootd/control_queries.h"

#include <errno.h>
#include <string.h>

#include "guest/bootd/cgroup.h"
#include "guest/bootd/container_stats.h"

static void top(struct control_out *out, const struct control_header *request, const uint8_t *body)
{
	static uint8_t page[CONTROL_MAX_EVENT_BODY - sizeof(struct control_reply)];
	struct control_top after;

	memcpy(&after, body, sizeof(after));
	control_out_result(out, request, page, container_top_read(after.after, page, sizeof(page)));
}

static int freeze(const uint8_t *body, struct failure *failure)
{
	struct control_freeze wanted;

	memcpy(&wanted, body, sizeof(wanted));
	if (wanted.frozen > 1)
		return failure_set(failure, FAILURE_SETUP, -EINVAL, "freeze: %u is not 0 or 1",
		                   wanted.frozen);
	return cgroup_freeze(wanted.frozen == 1, failure);
}

static int limit(const uint8_t *body, struct failure *failure)
{
	struct control_limits limits;

	memcpy(&limits, body, sizeof(limits));
	if (limits.cpu_quota != 0 && (limits.cpu_period < 1000 || limits.cpu_period > 1000000))
		return failure_set(failure, FAILURE_SETUP, -EINVAL,
		                   "limit: a period of %llu microseconds is not 1000 to 1000000",
		                   (unsigned long long)limits.cpu_period);
	struct config_resources resources = { .memory = limits.memory,
		                              .pids = limits.pids,
		                              .cpu_quota = limits.cpu_quota,
		                              .cpu_period = limits.cpu_period };
	return cgroup_limit(&resources, failure);
}

void control_query(struct control_out *out, const struct control_header *request,
                   const uint8_t *body)
{
	struct failure failure = { 0 };
	struct control_stats stats;

	switch (request->type) {
	case CONTROL_STATS:
		container_stats_read(&stats);
		control_out_result(out, request, &stats, sizeof(stats));
		return;
	case CONTROL_TOP: top(out, request, body); return;
	case CONTROL_FREEZE: (void)freeze(body, &failure); break;
	default: (void)limit(body, &failure); break;
	}
	control_out_reply(out, request, failure.error, failure.message);
}
