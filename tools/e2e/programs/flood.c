// SPDX-License-Identifier: MIT
//
// A guest that means harm: sends the network as many 64-byte frames as it can, in turn to the OS,
// to the gateway and to all. Each line of its input stops it or lets it go on; it says "quiet" or
// "flooding" then, and "quiet" at the start. When it stops it says first how many frames its card
// took, and in how many milliseconds.
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAYLOAD 22  // Ethernet, IPv4 and UDP headers are 42 bytes

// Waits for a line, or only looks whether there is one. Returns whether there was.
static int take_line(int wait)
{
	struct pollfd input = { .fd = 0, .events = POLLIN };
	char line[16];

	if (poll(&input, 1, wait ? -1 : 0) <= 0)
		return 0;
	if (read(0, line, sizeof(line)) <= 0)
		_exit(0);
	return 1;
}

static long long frames_sent(void)
{
	FILE *file = fopen("/sys/class/net/eth0/statistics/tx_packets", "r");
	long long count = -1;

	if (file == NULL || fscanf(file, "%lld", &count) != 1 || fclose(file) != 0)
		_exit(2);
	return count;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

int main(void)
{
	long long frames = 0, began = 0;
	static const char *const targets[] = { "10.0.2.15", "10.0.2.2", "255.255.255.255" };
	struct sockaddr_in to[3];
	char payload[PAYLOAD] = { 0 };
	int flooding = 0, yes = 1;
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)) < 0) {
		perror("socket");
		return 1;
	}
	for (int i = 0; i < 3; i++) {
		to[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(9) };
		inet_pton(AF_INET, targets[i], &to[i].sin_addr);
	}
	for (;;) {
		if (!flooding && began != 0)
			printf("%lld frames in %lld ms\n", frames_sent() - frames,
			       now_ms() - began);
		began = now_ms();
		frames = frames_sent();
		puts(flooding ? "flooding" : "quiet");
		fflush(stdout);
		while (!take_line(!flooding)) {
			for (int i = 0; i < 99; i++)
				sendto(s, payload, sizeof(payload), 0,
				       (struct sockaddr *)&to[i % 3], sizeof(to[0]));
		}
		flooding = !flooding;
	}
}
