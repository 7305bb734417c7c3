// SPDX-License-Identifier: MIT
//
// reach ADDRESS PORT...: says of each whether a TCP connection comes about, is refused, or gets no
// answer within SECONDS.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define SECONDS 4

static const char *reach(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct pollfd entry = { .fd = fd, .events = POLLOUT };
	socklen_t length = sizeof(errno);
	int error = 0;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return "no address";
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		return "refused";
	if (poll(&entry, 1, SECONDS * 1000) == 0)
		return "silence";
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error == 0 ? "reached" : "refused";
}

int main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2)
		printf("%s\n", reach(argv[i], argv[i + 1]));
	return 0;
}
