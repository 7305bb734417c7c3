// SPDX-License-Identifier: MIT
#include "tools/system/proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/common/subprocess.h"
#include "tools/image/json_input.h"
#include "tools/image/source/oci_select.h"

#define MAX_REPLY 65536
#define PATIENCE_S 120

struct reply {
	json_t *document;
	json_t *value;  // of it
	int fd;         // -1: none came
};

// Waits until there is something to read: a registry may stop in the midst of an answer, and skopeo
// waits for ever then. SYSTEM_PATIENCE: other seconds than PATIENCE_S, for tests.
static int readable_wait(int fd, struct error *err)
{
	const char *text = getenv("SYSTEM_PATIENCE");
	int seconds = text ? atoi(text) : PATIENCE_S;
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	int result;

	do
		result = poll(&poller, 1, seconds * 1000);
	while (result < 0 && errno == EINTR);
	if (result == 0)
		return error_set(err, "the registry has sent nothing for %d s", seconds);
	return result < 0 ? error_set_errno(err, errno, "it cannot be waited for") : 0;
}

static void reply_deinit(struct reply *reply)
{
	json_decref(reply->document);
	if (reply->fd >= 0)
		close(reply->fd);
	*reply = (struct reply){ .fd = -1 };
}

// Takes the reference of `args`.
static int request_send(struct proxy *proxy, const char *method, json_t *args, struct error *err)
{
	json_t *request = json_pack("{s:s, s:o}", "method", method, "args", args);
	char *text = request ? json_dumps(request, JSON_COMPACT) : NULL;
	int result = 0;

	if (!text)
		result = error_set(err, "out of memory");
	else if (send(proxy->socket, text, strlen(text), MSG_NOSIGNAL) < 0)
		result = error_set_errno(err, errno, "skopeo has ended");
	free(text);
	json_decref(request);
	return result;
}

// One message, and the descriptor that may come with it.
static ssize_t message_receive(struct proxy *proxy, char *text, size_t size, int *fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec vector = { .iov_base = text, .iov_len = size };
	struct msghdr message = { .msg_iov = &vector,
		                  .msg_iovlen = 1,
		                  .msg_control = control.bytes,
		                  .msg_controllen = sizeof(control.bytes) };
	const struct cmsghdr *header;
	ssize_t length;

	*fd = -1;
	do
		length = recvmsg(proxy->socket, &message, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	header = length > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len >= CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(header), sizeof(int));
	return length;
}

// Released by reply_deinit(), also after -1.
static int reply_receive(struct proxy *proxy, struct reply *reply, struct error *err)
{
	static char text[MAX_REPLY];
	const char *reason;
	ssize_t length;

	*reply = (struct reply){ .fd = -1 };
	if (readable_wait(proxy->socket, err) < 0)
		return -1;
	length = message_receive(proxy, text, sizeof(text), &reply->fd);
	if (length <= 0)
		return error_set(err, "skopeo has ended");
	reply->document = json_parse(text, (size_t)length, "skopeo's answer", err);
	if (!reply->document)
		return -1;
	reply->value = json_object_get(reply->document, "value");
	if (json_is_true(json_object_get(reply->document, "success")))
		return 0;
	reason = json_get_string(reply->document, "error");
	return error_set(err, "%s", reason ? reason : "skopeo says no reason");
}

static int call(struct proxy *proxy, const char *method, json_t *args, struct reply *reply,
                struct error *err)
{
	*reply = (struct reply){ .fd = -1 };
	if (request_send(proxy, method, args, err) < 0)
		return -1;
	return reply_receive(proxy, reply, err);
}

static int image_open(struct proxy *proxy, const char *location, struct error *err)
{
	struct reply reply;
	char *name;
	int result = call(proxy, "Initialize", json_array(), &reply, err);

	reply_deinit(&reply);
	if (result < 0)
		return -1;
	if (asprintf(&name, "docker://%s", location) < 0)
		return error_set(err, "out of memory");
	result = call(proxy, "OpenImage", json_pack("[s]", name), &reply, err);
	if (result == 0)
		proxy->image = json_integer_value(reply.value);
	reply_deinit(&reply);
	free(name);
	return result;
}

int proxy_open(struct proxy *proxy, const char *location, bool without_tls, struct error *err)
{
	const char *const argv[] = { "skopeo",
		                     "--insecure-policy",
		                     "--override-os=" OCI_OS,
		                     "--override-arch=" OCI_ARCHITECTURE,
		                     "experimental-image-proxy",
		                     without_tls ? "--tls-verify=false" : "--tls-verify=true",
		                     NULL };
	int ends[2];
	struct spawn spawn = { .argv = argv, .stdout_fd = -1, .cwd_fd = -1 };

	*proxy = (struct proxy){ .pid = -1, .socket = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return error_set_errno(err, errno, "cannot make a pair of sockets");
	proxy->socket = ends[0];
	spawn.stdin_fd = ends[1];
	// What is wrong is in its answers.
	spawn.stderr_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	proxy->pid = subprocess_spawn(&spawn, err);
	close(ends[1]);
	if (spawn.stderr_fd >= 0)
		close(spawn.stderr_fd);
	return proxy->pid < 0 ? -1 : image_open(proxy, location, err);
}

void proxy_close(struct proxy *proxy)
{
	if (proxy->socket >= 0)
		close(proxy->socket);
	if (proxy->pid > 0) {
		kill(proxy->pid, SIGKILL);
		subprocess_wait(proxy->pid);
	}
	*proxy = (struct proxy){ .pid = -1, .socket = -1 };
}

// Takes the pipe of a reply. Its other end is closed when all was written, but only once that was
// asked for.
static int pipe_take(struct proxy *proxy, struct reply *reply, int *fd, struct error *err)
{
	json_t *pipe = json_object_get(reply->document, "pipeid");

	if (reply->fd < 0 || !json_is_integer(pipe))
		return error_set(err, "skopeo's answer has no pipe");
	if (request_send(proxy, "FinishPipe", json_pack("[O]", pipe), err) < 0)
		return -1;
	*fd = reply->fd;
	reply->fd = -1;
	return 0;
}

int proxy_blob_open(struct proxy *proxy, struct proxy_blob *blob, const char *digest, uint64_t size,
                    struct error *err)
{
	struct reply reply;
	json_t *args = json_pack("[I, s, I]", proxy->image, digest, (json_int_t)size);
	int result = call(proxy, "GetBlob", args, &reply, err);

	*blob = (struct proxy_blob){ .fd = -1, .size = size };
	if (result == 0)
		result = pipe_take(proxy, &reply, &blob->fd, err);
	reply_deinit(&reply);
	return result;
}

long proxy_blob_read(struct proxy_blob *blob, void *buffer, size_t size, struct error *err)
{
	char *bytes = buffer;
	size_t done = 0;

	// The pipe gives little at a time.
	while (done < size) {
		ssize_t length;

		// Who reads its rest does not wait again.
		blob->is_stalled = blob->is_stalled || readable_wait(blob->fd, err) < 0;
		if (blob->is_stalled)
			return error_set(err, "the registry has stopped in the midst of it");
		length = read(blob->fd, bytes + done, size - done);
		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return error_set_errno(err, errno, "it cannot be read");
		if (length == 0)
			break;
		done += (size_t)length;
	}
	blob->done += done;
	if (blob->done > blob->size)
		return error_set(err, "the registry sends more than the manifest says");
	return (long)done;
}

int proxy_blob_finish(struct proxy *proxy, struct proxy_blob *blob, struct error *err)
{
	struct reply reply;
	int result;

	close(blob->fd);
	blob->fd = -1;
	result = reply_receive(proxy, &reply, err);
	reply_deinit(&reply);
	return result;
}

json_t *proxy_manifest(struct proxy *proxy, struct error *err)
{
	struct proxy_blob blob = { .fd = -1, .size = JSON_MAX_SIZE };
	char *text = malloc(JSON_MAX_SIZE + 1);
	json_t *manifest = NULL;
	struct reply reply;
	long length = -1;
	int result = call(proxy, "GetManifest", json_pack("[I]", proxy->image), &reply, err);

	if (result == 0)
		result = pipe_take(proxy, &reply, &blob.fd, err);
	reply_deinit(&reply);
	if (result == 0 && text)
		length = proxy_blob_read(&blob, text, JSON_MAX_SIZE + 1, err);
	if (length >= 0 && proxy_blob_finish(proxy, &blob, err) == 0)
		manifest = json_parse(text, (size_t)length, "the manifest", err);
	if (blob.fd >= 0)
		close(blob.fd);
	free(text);
	return manifest;
}
