// SPDX-License-Identifier: MIT
#include "tools/run/relay/ending.h"

// From the kill to the end of QEMU: the guest writes out what it has in its memory meanwhile.
#define KILL_MS 60000
#define FORCE_REQUESTS 3
#define NEVER UINT64_MAX

void ending_init(struct ending *ending, uint32_t seconds)
{
	*ending = (struct ending){
		.due_at = NEVER,
		.patience = seconds == UINT32_MAX ? NEVER : (uint64_t)seconds * 1000,
	};
}

enum ending_step ending_insist(struct ending *ending, uint64_t now)
{
	if (ending->killed || ending->over)
		return ENDING_QUIT;
	ending->killed = true;
	ending->due_at = now + KILL_MS;
	return ENDING_KILL;
}

enum ending_step ending_ask(struct ending *ending, uint64_t now)
{
	if (++ending->requests >= FORCE_REQUESTS || ending->killed)
		return ending_insist(ending, now);
	if (ending->due_at == NEVER && ending->patience != NEVER && !ending->over)
		ending->due_at = now + ending->patience;
	return ENDING_WAIT;
}

enum ending_step ending_due(struct ending *ending, uint64_t now)
{
	return ending->due_at <= now ? ending_insist(ending, now) : ENDING_WAIT;
}

void ending_is_over(struct ending *ending)
{
	ending->over = true;
	ending->due_at = NEVER;
}
