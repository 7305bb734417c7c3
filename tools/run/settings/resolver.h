// SPDX-License-Identifier: MIT
//
// How the container finds addresses for names: its /etc/resolv.conf and what is added to its
// /etc/hosts.
#pragma once

#include "tools/common/error.h"
#include "tools/run/settings/options.h"

#define RESOLVER_HOST_FILE "/etc/resolv.conf"

// Makes the container's resolv.conf of --dns, --dns-search and --dns-option, and of `host_file`
// (resolv.conf(5)) where these say nothing: every name server of the host, search domains and
// options. A server that the container cannot reach is left out, but for the first of each family:
// QEMU's own asks that one. The caller frees the text; NULL with `err`.
char *resolver_conf_make(const struct options *options, const char *host_file, struct error *err);

// Makes lines of hosts(5) of --add-host NAME:ADDRESS. The caller frees the text; NULL with `err`.
char *resolver_hosts_make(const struct options *options, struct error *err);
