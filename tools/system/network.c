// SPDX-License-Identifier: MIT
#include "tools/system/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/image/pack/host_network.h"
#include "tools/image/source/registry.h"
#include "tools/system/registry_access.h"

#define CA_FILE "/host.crt"
#define CA_OPTION "--ca-certificate="
#define DEBIAN_CA "/etc/ssl/certs"

static char ca_folder[] = "/tmp/ca.XXXXXX";
// As an option of wget's, with the path at its end.
static char ca_option[sizeof(CA_OPTION) + sizeof(ca_folder) + sizeof(CA_FILE)];
static const char *ca_path;  // NULL: there is none

char *network_proxy_address(const char *address, const char *gateway)
{
	const char *scheme = strstr(address, "://");
	const char *rest = scheme ? scheme + 3 : address;
	const char *end = rest + strcspn(rest, "/");
	const char *host = rest;
	char *name;
	char *out = NULL;
	size_t length;

	// Behind a user's name and password.
	for (const char *p = rest; p < end; p++)
		if (*p == '@')
			host = p + 1;
	length = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
	// As a registry's name, which goes on behind the host.
	if (asprintf(&name, "%.*s/", (int)length, host) < 0)
		return NULL;
	if (registry_is_local(name) &&
	    asprintf(&out, "%.*s%s%s", (int)(host - address), address, gateway, host + length) < 0)
		out = NULL;
	free(name);
	return out;
}

char *network_address(const char *url, bool *is_local)
{
	char gateway[INET_ADDRSTRLEN];
	bool is_behind = registry_access_gateway(gateway);
	char *text = network_proxy_address(url, is_behind ? gateway : "127.0.0.1");

	*is_local = text != NULL;
	return text ? text : strdup(url);
}

static void proxies_mend(const char *gateway)
{
	static const char *const names[] = { "HTTP_PROXY", "HTTPS_PROXY" };
	const char *others = getenv("NO_PROXY");
	char *text;

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *address = getenv(names[i]);

		text = address ? network_proxy_address(address, gateway) : NULL;
		if (text)
			setenv(names[i], text, 1);
		free(text);
	}
	if (asprintf(&text, "%s%s%s", gateway, others ? "," : "", others ? others : "") < 0)
		return;
	setenv("NO_PROXY", text, 1);
	free(text);
}

static int certificates_write(const char *text, struct error *err)
{
	char folders[sizeof(DEBIAN_CA) + sizeof(ca_folder) + 1];
	FILE *file = NULL;
	int result = 0;

	if (mkdtemp(ca_folder)) {
		snprintf(ca_option, sizeof(ca_option), CA_OPTION "%s" CA_FILE, ca_folder);
		ca_path = ca_option + sizeof(CA_OPTION) - 1;
		file = fopen(ca_path, "we");
	}
	if (!file || fputs(text, file) < 0)
		result = error_set_errno(err, errno, "cannot keep the host's certificates");
	if (file && fclose(file) != 0 && result == 0)
		result = error_set_errno(err, errno, "cannot keep the host's certificates");
	snprintf(folders, sizeof(folders), DEBIAN_CA ":%s", ca_folder);
	setenv("SSL_CERT_DIR", folders, 1);
	// It is long: each program would carry it along.
	unsetenv(HOST_NETWORK_CA);
	return result;
}

// It knows them by these names alone.
static void copy_for_wget(void)
{
	static const char *const names[][2] = { { "HTTP_PROXY", "http_proxy" },
		                                { "HTTPS_PROXY", "https_proxy" },
		                                { "NO_PROXY", "no_proxy" } };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getenv(names[i][0]))
			setenv(names[i][1], getenv(names[i][0]), 0);
}

int network_prepare(struct error *err)
{
	const char *text = getenv(HOST_NETWORK_CA);
	char gateway[INET_ADDRSTRLEN];

	if (registry_access_gateway(gateway))
		proxies_mend(gateway);
	copy_for_wget();
	return text ? certificates_write(text, err) : 0;
}

const char *network_authorities(void)
{
	return ca_path ? ca_option : NULL;
}

void network_forget(void)
{
	if (!ca_path)
		return;
	unlink(ca_path);
	rmdir(ca_folder);
}
