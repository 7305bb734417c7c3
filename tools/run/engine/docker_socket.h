// SPDX-License-Identifier: MIT
//
// The socket of docker's clients: docker.sock in a folder that only its user can enter.
#pragma once

#include <sys/un.h>

#include "tools/common/error.h"

struct docker_socket {
	int fd;    // listens, does not block; -1: there is none
	int lock;  // of the folder: who has it owns the socket
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
};

// Makes it in `folder`, which is there and is closed to other users by this. Where the path is too
// long for a socket, a folder of XDG_RUNTIME_DIR or /tmp stands for it. What a dead run has left is
// replaced; -1 with `err` when a living one has the socket. Released by docker_socket_close(), also
// then.
int docker_socket_open(struct docker_socket *docker, const char *folder, struct error *err);
// Removes it.
void docker_socket_close(struct docker_socket *docker);
// Writes `export DOCKER_HOST=...` to stdout, as a shell takes it.
void docker_socket_announce(const struct docker_socket *docker);
