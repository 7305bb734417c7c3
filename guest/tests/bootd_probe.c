// SPDX-License-Identifier: MIT
// What bootd_test.py runs inside the guest: `probe COMMAND [ARGUMENT]` looks at its container from
// within.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "probe_files.h"
#include "probe_limits.h"

#define SYSLOG_ACTION_READ_ALL 3

extern char **environ;

static int print_file(const char *path)
{
	char buffer[4096];
	ssize_t got;
	int fd = open(path, O_RDONLY);

	if (fd < 0) {
		printf("%s: %s\n", path, strerror(errno));
		return 1;
	}
	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		fwrite(buffer, 1, (size_t)got, stdout);
	if (got < 0)
		printf("%s: %s\n", path, strerror(errno));
	return 0;
}

static int print_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);

	if (count < 0) {
		printf("%s: %s\n", path, strerror(errno));
		return 1;
	}
	for (int i = 0; i < count; i++) {
		if (entries[i]->d_name[0] != '.')
			printf("%s ", entries[i]->d_name);
	}
	putchar('\n');
	return 0;
}

static int info(void)
{
	char text[256];
	static gid_t groups[65536];
	int count = getgroups(65536, groups);

	printf("pid=%d ppid=%d sid=%d\n", getpid(), getppid(), getsid(0));
	printf("uid=%u gid=%u groups=", getuid(), getgid());
	for (int i = 0; i < count; i++)
		printf("%s%u", i > 0 ? "," : "", groups[i]);
	printf("\ncwd=%s\n", getcwd(text, sizeof(text)));
	gethostname(text, sizeof(text));
	printf("hostname=%s\n", text);
	mode_t mask = umask(0);
	printf("umask=%04o\n", (unsigned int)mask);
	for (char **variable = environ; *variable != NULL; variable++)
		printf("env %s\n", *variable);
	return 0;
}

static int copy(int from, int to)
{
	static char buffer[65536];
	ssize_t got;

	while ((got = read(from, buffer, sizeof(buffer))) > 0) {
		for (ssize_t done = 0; done < got;) {
			ssize_t written = write(to, buffer + done, (size_t)(got - done));

			if (written <= 0)
				return 1;
			done += written;
		}
	}
	return got == 0 ? 0 : 1;
}

// xorshift32, which the test repeats; starts again after each MiB.
static int random_bytes(size_t size)
{
	static uint8_t block[4096];
	uint32_t state = 0;

	for (size_t done = 0; size > 0; done += sizeof(block)) {
		if (done % (1u << 20) == 0)
			state = 2463534242u;
		size_t length = size < sizeof(block) ? size : sizeof(block);

		for (size_t i = 0; i < length; i++) {
			state ^= state << 13;
			state ^= state >> 17;
			state ^= state << 5;
			block[i] = (uint8_t)state;
		}
		fwrite(block, 1, length, stdout);
		size -= length;
	}
	return 0;
}

static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
	caught = signal;
}

static int wait_signal(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
	printf("ready\n");
	fflush(stdout);
	while (caught == 0)
		usleep(10000);
	printf("caught %d\n", caught);
	return 3;
}

static void print_signal(int signal)
{
	printf("caught %d\n", signal);
	fflush(stdout);
}

// All that can be caught, SIGTERM last. The C library keeps two to itself.
static int wait_signals(void)
{
	struct sigaction action = { .sa_handler = print_signal };

	for (int i = 1; i <= SIGRTMAX; i++)
		sigaction(i, &action, NULL);
	return wait_signal();
}

static int write_to(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0644);

	if (fd < 0 || write(fd, "x", 1) != 1) {
		printf("%s: %s\n", path, strerror(errno));
		return 1;
	}
	printf("%s: written\n", path);
	return 0;
}

static int orphan(void)
{
	if (fork() == 0) {
		// Must die with PID 1, so that the end of output comes.
		for (;;)
			pause();
	}
	printf("leaving\n");
	return 0;
}

static int terminal(void)
{
	struct winsize size;
	char line[64];

	ioctl(0, TIOCGWINSZ, &size);
	printf("tty=%d%d%d %s %dx%d\n", isatty(0), isatty(1), isatty(2), ttyname(0), size.ws_row,
	       size.ws_col);
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) != NULL)
		printf("got %s", line);
	ioctl(0, TIOCGWINSZ, &size);
	printf("now %dx%d\n", size.ws_row, size.ws_col);
	return 0;
}

// Writes until nothing has taken any more for a second, then says on stderr how much that was.
static int fill(void)
{
	static const char block[4096];
	const struct timespec pause_time = { 0, 50000000 };
	long long total = 0;

	fcntl(1, F_SETFL, O_NONBLOCK);
	for (int idle = 0; idle < 20; idle++) {
		ssize_t written;

		while ((written = write(1, block, sizeof(block))) > 0) {
			total += written;
			idle = 0;
		}
		nanosleep(&pause_time, NULL);
	}
	fprintf(stderr, "%lld\n", total);
	return 0;
}

static int show_stat(const char *path)
{
	struct stat status;

	if (lstat(path, &status) != 0) {
		printf("%s: %s\n", path, strerror(errno));
		return 1;
	}
	printf("%s: %o %u:%u\n", path, status.st_mode, status.st_uid, status.st_gid);
	return 0;
}

static const char *interface_address(int fd, unsigned long request, const char *name)
{
	struct ifreq interface = { 0 };
	struct sockaddr_in address;

	strcpy(interface.ifr_name, name);
	if (ioctl(fd, request, &interface) != 0)
		return strerror(errno);
	memcpy(&address, &interface.ifr_addr, sizeof(address));
	return inet_ntoa(address.sin_addr);
}

static const char *interface_is_up(int fd, const char *name)
{
	struct ifreq interface = { 0 };

	strcpy(interface.ifr_name, name);
	if (ioctl(fd, SIOCGIFFLAGS, &interface) != 0)
		return strerror(errno);
	return interface.ifr_flags & IFF_UP ? "up" : "down";
}

static void print_gateway(void)
{
	FILE *routes = fopen("/proc/net/route", "r");
	unsigned int destination, gateway;
	char line[256];

	while (routes != NULL && fgets(line, sizeof(line), routes) != NULL) {
		if (sscanf(line, "eth0 %x %x", &destination, &gateway) == 2 && destination == 0)
			printf("gateway=%s\n", inet_ntoa((struct in_addr){ gateway }));
	}
	if (routes != NULL)
		fclose(routes);
}

// As a user who may do nothing: ping, and a port below 1024.
static int network(void)
{
	struct sockaddr_in low = { .sin_family = AF_INET, .sin_port = htons(80) };
	struct ifreq interface = { .ifr_name = "eth0" };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	const uint8_t *mac = (const uint8_t *)interface.ifr_hwaddr.sa_data;

	printf("flags=%s\n", interface_is_up(fd, "eth0"));
	printf("lo=%s\n", interface_is_up(fd, "lo"));
	printf("address=%s\n", interface_address(fd, SIOCGIFADDR, "eth0"));
	printf("mask=%s\n", interface_address(fd, SIOCGIFNETMASK, "eth0"));
	printf("broadcast=%s\n", interface_address(fd, SIOCGIFBRDADDR, "eth0"));
	if (ioctl(fd, SIOCGIFHWADDR, &interface) == 0)
		printf("mac=%02x:%02x:%02x:%02x:%02x:%02x\n", mac[0], mac[1], mac[2], mac[3],
		       mac[4], mac[5]);
	if (ioctl(fd, SIOCGIFMTU, &interface) == 0)
		printf("mtu=%d\n", interface.ifr_mtu);
	print_gateway();
	if (setuid(1000) != 0)
		return 1;
	printf("ping=%s\n",
	       socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) >= 0 ? "yes" : strerror(errno));
	printf("low port=%s\n",
	       bind(fd, (struct sockaddr *)&low, sizeof(low)) == 0 ? "yes" : strerror(errno));
	return 0;
}

static int say_hello(void)
{
	printf("hello\n");
	return 0;
}

static int show_clocks(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	printf("%lld\n", (long long)now.tv_sec * 1000000000 + now.tv_nsec);
	clock_gettime(CLOCK_REALTIME, &now);
	printf("%lld\n", (long long)now.tv_sec);
	return 0;
}

static int show_cwd(void)
{
	char path[4096];

	printf("%s\n", getcwd(path, sizeof(path)));
	return 0;
}

// The first process of a namespace is deaf to its own signals, but not to faults.
static int fault(void)
{
	*(volatile int *)(uintptr_t)8 = 1;
	return 0;
}

static int both_streams(void)
{
	(void)!write(1, "to stdout\n", 10);
	(void)!write(2, "to stderr\n", 10);
	return 0;
}

static int copy_stdin(void)
{
	return copy(0, 1);
}

static int reopen(void)
{
	return write_to("/dev/stdout");
}

// The lines of the kernel's log that `text` is in, from there on.
static int show_log(const char *text)
{
	static char log[1 << 17];
	int got = klogctl(SYSLOG_ACTION_READ_ALL, log, sizeof(log) - 1);

	if (got < 0)
		printf("%s\n", strerror(errno));
	for (char *line = strtok(log, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		if (strstr(line, text) != NULL)
			printf("%s\n", strstr(line, text));
	}
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} plain[] = {
	{ "hello", say_hello },      { "clock", show_clocks }, { "cwd", show_cwd },
	{ "raise", fault },          { "info", info },         { "cat", copy_stdin },
	{ "both", both_streams },    { "reopen", reopen },     { "fill", fill },
	{ "signal", wait_signal },   { "orphan", orphan },     { "tty", terminal },
	{ "signals", wait_signals },
};

// Commands that take each of their arguments in turn.
static const struct {
	const char *name;
	int (*run)(const char *path);
} each[] = {
	{ "ls", print_directory },
	{ "show", print_file },
	{ "stat", show_stat },
	{ "write", write_to },
	{ "direct", probe_direct },
	{ "crash", probe_crash },
	{ "attributes", probe_attributes },
	{ "log", show_log },
};

// Commands whose first argument is a number or a name. Returns -1 for none of them.
static int run_with_argument(const char *command, int argc, char **argv)
{
	const char *argument = argc > 2 ? argv[2] : "";

	if (strcmp(command, "exit") == 0)
		return atoi(argument);
	if (strcmp(command, "random") == 0)
		return random_bytes((size_t)atol(argument));
	if (strcmp(command, "take") == 0)
		return probe_take(argument, (size_t)atol(argc > 3 ? argv[3] : "1"));
	if (strcmp(command, "become") == 0 && argc > 3)
		return probe_become((uid_t)atoi(argument), argv + 3);
	if (strcmp(command, "set-attributes") == 0) {
		for (int i = 3; i < argc; i++)
			probe_set_attribute(argument, argv[i]);
		return probe_attributes(argument);
	}
	if (strcmp(command, "net") == 0) {
		char byte;

		if (strcmp(argument, "wait") == 0)
			(void)!read(0, &byte, 1);
		return network();
	}
	return -1;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "hello";
	int result = 0;

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		if (strcmp(command, plain[i].name) == 0)
			return plain[i].run();
	}
	for (size_t i = 0; i < sizeof(each) / sizeof(each[0]); i++) {
		if (strcmp(command, each[i].name) != 0)
			continue;
		for (int argument = 2; argument < argc; argument++)
			result |= each[i].run(argv[argument]);
		return result;
	}
	result = run_with_argument(command, argc, argv);
	return result >= 0 ? result : 1;
}
