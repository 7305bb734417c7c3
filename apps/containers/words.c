// SPDX-License-Identifier: MIT
//
// Names and times, as Docker writes them.
#include "apps/containers/containers.h"
#include "libs/base/date.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

static const char *const adjectives[] = {
	"amber",  "brave", "calm",  "clever", "crisp",  "eager", "fair",  "fleet",
	"gentle", "happy", "keen",  "kind",   "lively", "lucid", "merry", "neat",
	"noble",  "plain", "proud", "quick",  "quiet",  "rapid", "sharp", "silver",
	"steady", "stout", "sunny", "swift",  "tidy",   "vivid", "warm",  "wise",
};

static const char *const nouns[] = {
	"anchor", "aspen", "beacon", "birch",  "brook",  "cedar", "cliff",  "comet",
	"coral",  "delta", "ember",  "falcon", "fern",   "fjord", "harbor", "heron",
	"island", "lark",  "maple",  "meadow", "orbit",  "otter", "pine",   "quartz",
	"raven",  "reef",  "river",  "spruce", "summit", "tern",  "valley", "willow",
};

void words_name(uint64_t random, char out[static CONTAINER_NAME_MAX])
{
	size_t count = sizeof(adjectives) / sizeof(adjectives[0]);

	fmt_write(out, CONTAINER_NAME_MAX, "%s_%s%u", adjectives[random % count],
	          nouns[random / count % (sizeof(nouns) / sizeof(nouns[0]))],
	          (unsigned int)(random >> 32 & 0x3ff));
}

void words_time(nsec_t wall, char out[static TIME_TEXT_MAX])
{
	// Docker's "never".
	if (wall == 0) {
		str_copy(out, "0001-01-01T00:00:00Z", TIME_TEXT_MAX);
		return;
	}
	date_write(wall, out);
}

void words_duration(nsec_t duration, char out[static TIME_TEXT_MAX])
{
	static const struct {
		uint64_t below;  // seconds
		uint64_t unit;
		const char *name;
	} steps[] = {
		{ 120, 1, "second" },      { 7200, 60, "minute" },         { 172800, 3600, "hour" },
		{ 1209600, 86400, "day" }, { UINT64_MAX, 604800, "week" },
	};
	uint64_t seconds = duration / NSEC_PER_SEC;
	size_t i = 0;

	if (seconds < 1) {
		str_copy(out, "Less than a second", TIME_TEXT_MAX);
		return;
	}
	while (seconds >= steps[i].below)
		i++;
	fmt_write(out, TIME_TEXT_MAX, "%llu %s%s", (unsigned long long)(seconds / steps[i].unit),
	          steps[i].name, seconds / steps[i].unit == 1 ? "" : "s");
}
