// SPDX-License-Identifier: MIT
//
// The way from the host into the OS: docker's clients, and starina-run, which has the machine.
//
// A connection to docker.sock comes to the engine as one to its TCP port, and begins with the
// machine's secret: ENGINE_SECRET_SIZE random bytes, made at each boot, that are the file
// ENGINE_SECRET_FILE of the boot disk. Who does not know them is no client.
//
// Apps reach starina-run by the service "host" (libs/abi/host.h). Its provider speaks with it over
// the console port ENGINE_HOST_PORT, in lines that a newline ends; numbers are decimal. From the
// OS:
//   starina-host 1 NONCE   the beginning: whatever the host said before is void
//   ready | away           the engine takes connections, or does not any more
//   lost                   the OS's network stack has died: nobody has the connections any more
//   publish ID tcp|udp HOST_ADDRESS HOST_PORT ADDRESS PORT
//                          port HOST_PORT (0: any free one) of the host leads to PORT of ADDRESS,
//                          which is in the machine's network. What is so already is no error
//   unpublish ID tcp|udp HOST_ADDRESS HOST_PORT
//   bind ID make|keep PATH what is at PATH of the host (the rest of the line) can be opened as
//                          "files:host/+N/" (libs/abi/files.h); "make": a folder, if there is
//                          nothing
//   time                   what time it is
//   stopping SECONDS       it needs so long at most, from now on, to power off
// From the host:
//   sync NONCE             first, with the nonce of the OS's last beginning
//   ok ID HOST_PORT        the answer to a request; to "bind", N
//   error ID TEXT          why it could not be done, as docker says it
//   time NANOSECONDS       it is so long since 1970, as this is written
//   stop                   end all that runs, write everything out, and power off
// At most ENGINE_HOST_REQUESTS requests with an ID are without an answer at a time.
#pragma once

#define ENGINE_PORT 2375
#define ENGINE_SECRET_SIZE 32u
#define ENGINE_SECRET_FILE "engine.secret"

#define ENGINE_HOST_PORT "org.starina.host"
#define ENGINE_HOST_LINE_MAX 4352u   // of the OS: a path with what is before it
#define ENGINE_HOST_ANSWER_MAX 512u  // of the host
#define ENGINE_HOST_PATH_MAX 4095u
#define ENGINE_HOST_REQUESTS 16u
// Ports of the host that are published at a time.
#define ENGINE_MAX_PUBLISHED 256u
