// SPDX-License-Identifier: MIT
#include "guest/bootd/wall_clock.h"

#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_ENTROPY 64

void clock_and_entropy_set(uint64_t wall_time_ns, const uint8_t *entropy, size_t size)
{
	struct {
		struct rand_pool_info info;
		uint8_t bytes[MAX_ENTROPY];
	} pool;

	if (wall_time_ns != 0) {
		struct timespec now = {
			.tv_sec = (time_t)(wall_time_ns / 1000000000u),
			.tv_nsec = (long)(wall_time_ns % 1000000000u),
		};
		(void)clock_settime(CLOCK_REALTIME, &now);
	}

	if (size > MAX_ENTROPY)
		size = MAX_ENTROPY;
	pool.info.entropy_count = (int)(size * 8);
	pool.info.buf_size = (int)size;
	if (size > 0)
		memcpy(pool.bytes, entropy, size);
	int fd = open("/dev/random", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		(void)ioctl(fd, RNDADDENTROPY, &pool);
		close(fd);
	}
	explicit_bzero(&pool, sizeof(pool));
}
