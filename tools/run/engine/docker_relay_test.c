// SPDX-License-Identifier: MIT
//
// Docker's clients and an OS that answers, does not, or vanishes.
#include "tools/run/engine/docker_relay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/run/engine/docker_socket.h"

static const uint8_t secret[ENGINE_SECRET_SIZE] = "01234567890123456789012345678901";

static char folder[64];
static struct docker_socket docker;
static int os;  // listens
static struct docker_relay *relay;
static unsigned descriptors;

static unsigned descriptors_count(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static unsigned os_listen(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	os = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(os, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(os, 512), 0);
	assert_int_equal(getsockname(os, (struct sockaddr *)&address, &length), 0);
	return ntohs(address.sin_port);
}

static int setup(void **state)
{
	struct error err;

	(void)state;
	descriptors = descriptors_count();
	strcpy(folder, "/tmp/docker_relay_test.XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(docker_socket_open(&docker, folder, &err), 0);
	relay = docker_relay_create(docker.fd, os_listen(), secret, &err);
	assert_non_null(relay);
	docker_relay_accept(relay, true);
	return 0;
}

static int teardown(void **state)
{
	char path[128];

	(void)state;
	docker_relay_destroy(relay);
	docker_socket_close(&docker);
	close(os);
	snprintf(path, sizeof(path), "%s/docker.lock", folder);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
	return descriptors_count() == descriptors ? 0 : -1;
}

// Until nothing is to be done: a busy loop would not end.
static void turn(void)
{
	struct pollfd fd = { .fd = docker_relay_fd(relay), .events = POLLIN };

	// The kernel passes loopback segments at once, or soon.
	while (poll(&fd, 1, 20) > 0)
		docker_relay_move(relay);
}

static int client_open(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path, docker.path, sizeof(address.sun_path));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

// The OS's end of the next connection, which has said the secret.
static int os_accept(void)
{
	uint8_t said[ENGINE_SECRET_SIZE];
	int fd;

	turn();
	fd = accept(os, NULL, NULL);
	assert_true(fd >= 0);
	assert_int_equal(recv(fd, said, sizeof(said), MSG_WAITALL), sizeof(said));
	assert_memory_equal(said, secret, sizeof(said));
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
	turn();
}

static void hears(int fd, const char *text)
{
	char heard[256];
	ssize_t length = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);

	assert_int_equal(length, strlen(text));
	assert_memory_equal(heard, text, strlen(text));
}

static void half_closes(void **state)
{
	int client, engine;

	(void)state;
	client = client_open();
	engine = os_accept();
	say(client, "a question");
	hears(engine, "a question");
	shutdown(client, SHUT_WR);
	turn();
	hears(engine, "");
	say(engine, "an answer");
	hears(client, "an answer");
	assert_int_equal(docker_relay_count(relay), 1);
	close(engine);
	turn();
	hears(client, "");
	close(client);
	turn();
	assert_int_equal(docker_relay_count(relay), 0);
	// The other way round.
	client = client_open();
	engine = os_accept();
	say(engine, "before it was asked");
	shutdown(engine, SHUT_WR);
	turn();
	hears(client, "before it was asked");
	hears(client, "");
	say(client, "goes on");
	hears(engine, "goes on");
	close(client);
	turn();
	hears(engine, "");
	assert_int_equal(docker_relay_count(relay), 0);
	close(engine);
}

// What a client has said goes out, though it is gone; nothing is kept for it.
static void a_client_that_goes(void **state)
{
	char heard[64];
	int client, engine;

	(void)state;
	client = client_open();
	assert_int_equal(send(client, "last words", 10, 0), 10);
	close(client);
	engine = os_accept();
	assert_int_equal(docker_relay_count(relay), 0);
	assert_int_equal(recv(engine, heard, sizeof(heard), 0), 10);
	assert_int_equal(recv(engine, heard, sizeof(heard), 0), 0);
	close(engine);
}

// What it has said is read to its end, however slowly; then the client hears of it.
static void an_os_that_goes(void **state)
{
	static char bytes[300000];
	size_t heard = 0;
	int client, engine;
	ssize_t length;

	(void)state;
	client = client_open();
	engine = os_accept();
	for (size_t sent = 0; sent < sizeof(bytes); turn()) {
		length = send(engine, bytes + sent, sizeof(bytes) - sent,
		              MSG_DONTWAIT | MSG_NOSIGNAL);
		if (length > 0)
			sent += (size_t)length;
		else
			heard += (size_t)recv(client, bytes, 4096, 0);
	}
	close(engine);
	turn();
	while ((length = recv(client, bytes, 4096, MSG_DONTWAIT)) > 0) {
		heard += (size_t)length;
		turn();
	}
	assert_int_equal(length, 0);
	assert_int_equal(heard, sizeof(bytes));
	close(client);
	turn();
	assert_int_equal(docker_relay_count(relay), 0);
}

// It has died without a word: its clients hear of the end, and new ones get through.
static void an_os_that_is_lost(void **state)
{
	int clients[2], engines[2], client, engine;

	(void)state;
	for (int i = 0; i < 2; i++) {
		clients[i] = client_open();
		engines[i] = os_accept();
	}
	say(clients[0], "asked");
	turn();
	docker_relay_drop(relay);
	assert_int_equal(docker_relay_count(relay), 0);
	for (int i = 0; i < 2; i++) {
		hears(clients[i], "");
		close(clients[i]);
		close(engines[i]);
	}
	client = client_open();
	engine = os_accept();
	say(engine, "answer");
	turn();
	hears(client, "answer");
	close(client);
	close(engine);
	turn();
}

static void nobody_listens(void **state)
{
	int client;

	(void)state;
	close(os);
	os = -1;
	client = client_open();
	turn();
	hears(client, "");
	assert_int_equal(docker_relay_count(relay), 0);
	close(client);
	// While it is known, they wait.
	docker_relay_accept(relay, false);
	client = client_open();
	turn();
	assert_int_equal(recv(client, &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	close(client);
}

static size_t fill(int fd)
{
	static const char bytes[65536];
	size_t filled = 0;
	ssize_t length;

	do {
		length = send(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_NOSIGNAL);
		filled += length > 0 ? (size_t)length : 0;
		turn();
	} while (length > 0);
	return filled;
}

// A reader that does not read stops its writer, and nobody else.
static void slow_readers(void **state)
{
	int slow, fast, slow_os, fast_os;

	(void)state;
	slow = client_open();
	slow_os = os_accept();
	fast = client_open();
	fast_os = os_accept();
	assert_true(fill(slow_os) > 65536);
	assert_true(fill(slow) > 65536);
	say(fast, "quick");
	hears(fast_os, "quick");
	say(fast_os, "too");
	hears(fast, "too");
	close(slow);
	close(slow_os);
	close(fast);
	close(fast_os);
	turn();
	assert_int_equal(docker_relay_count(relay), 0);
}

// So many at a time that the OS does not lose any on their way; those that it has answered make
// room, and all that are too many wait.
static void crowds(void **state)
{
	enum { CROWD = DOCKER_RELAY_MAX + 20 };
	static int clients[CROWD], engines[CROWD];
	unsigned accepted = 0;

	(void)state;
	for (unsigned i = 0; i < CROWD; i++)
		clients[i] = client_open();
	turn();
	assert_int_equal(docker_relay_count(relay), DOCKER_RELAY_YOUNG);
	while (accepted < DOCKER_RELAY_MAX) {
		engines[accepted] = os_accept();
		say(engines[accepted++], "well");
	}
	assert_int_equal(docker_relay_count(relay), DOCKER_RELAY_MAX);
	assert_int_equal(recv(clients[CROWD - 1], &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	for (unsigned i = 0; i < 20; i++) {
		close(engines[i]);
		close(clients[i]);
	}
	while (accepted < CROWD) {
		engines[accepted] = os_accept();
		say(engines[accepted++], "well");
	}
	for (unsigned i = 20; i < CROWD; i++) {
		hears(clients[i], "well");
		close(clients[i]);
		close(engines[i]);
	}
	turn();
	assert_int_equal(docker_relay_count(relay), 0);
}

// Another one of the same folder is refused while the first lives.
static void sockets(void **state)
{
	struct docker_socket other;
	struct stat stat_;
	struct error err;

	(void)state;
	assert_int_equal(docker_socket_open(&other, folder, &err), -1);
	assert_non_null(strstr(err.text, docker.path));
	docker_socket_close(&other);
	assert_int_equal(stat(docker.path, &stat_), 0);
	assert_int_equal(stat_.st_mode & 0777, 0600);
	assert_int_equal(stat(folder, &stat_), 0);
	assert_int_equal(stat_.st_mode & 0777, 0700);
	// What somebody has left there who died.
	close(docker.fd);
	close(docker.lock);
	assert_int_equal(docker_socket_open(&docker, folder, &err), 0);
}

static void sockets_elsewhere(void **state)
{
	struct docker_socket other;
	char path[256], runtime[128];
	struct error err;

	(void)state;
	snprintf(runtime, sizeof(runtime), "%s/run", folder);
	snprintf(path, sizeof(path), "%s/%0100d", folder, 0);
	assert_int_equal(mkdir(path, 0755) | mkdir(runtime, 0700), 0);
	setenv("XDG_RUNTIME_DIR", runtime, 1);
	assert_int_equal(docker_socket_open(&other, path, &err), 0);
	assert_memory_equal(other.path, runtime, strlen(runtime));
	docker_socket_close(&other);
	*strrchr(other.path, '/') = '\0';
	rmdir(path);
	// A link in its place is not followed.
	snprintf(path, sizeof(path), "%s/docker.lock", other.path);
	assert_int_equal(unlink(path) | rmdir(other.path) | symlink("/tmp", other.path), 0);
	snprintf(path, sizeof(path), "%s/%0100d", folder, 0);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(docker_socket_open(&other, path, &err), -1);
	docker_socket_close(&other);
	unsetenv("XDG_RUNTIME_DIR");
	snprintf(path + strlen(path), 1, "%s", "");
	rmdir(path);
	snprintf(path, sizeof(path), "rm -rf %s/run", folder);
	assert_int_equal(system(path), 0);
}

#define relay_case(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		relay_case(half_closes),
		relay_case(a_client_that_goes),
		relay_case(an_os_that_goes),
		relay_case(an_os_that_is_lost),
		relay_case(nobody_listens),
		relay_case(slow_readers),
		relay_case(crowds),
		relay_case(sockets),
		relay_case(sockets_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
