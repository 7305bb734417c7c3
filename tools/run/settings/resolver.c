// SPDX-License-Identifier: MIT
#include "tools/run/settings/resolver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/run/qemu/qemu.h"
#include "tools/run/settings/arguments.h"

#define BLANKS " \t\r\n"
#define MAX_LINE 4096
#define MAX_WORDS 64  // of each kind
#define MAX_DOMAIN 255

struct resolver {
	struct arguments servers;
	struct arguments search;
	struct arguments options;
	bool seen_ipv4;  // a server of the host's
	bool seen_ipv6;
};

static void resolver_deinit(struct resolver *resolver)
{
	arguments_deinit(&resolver->servers);
	arguments_deinit(&resolver->search);
	arguments_deinit(&resolver->options);
}

// Adds a word that is not there yet.
static void word_add(struct arguments *words, const char *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (strcmp(words->items[i], word) == 0)
			return;
	if (words->count < MAX_WORDS)
		arguments_add(words, "%s", word);
}

// Whether `text` is a word that a line of these files can hold.
static bool is_word(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c == 0x7f)
			return false;
	return text[0] != '\0';
}

// --- The host's file ----------------------------------------------------------------------------

// The container's name for a name server of the host's.
static void server_take(struct resolver *resolver, const char *text)
{
	struct in6_addr ipv6;
	struct in_addr ipv4;
	char address[INET6_ADDRSTRLEN];

	snprintf(address, sizeof(address), "%.*s", (int)strcspn(text, "%"), text);
	if (inet_pton(AF_INET, text, &ipv4) == 1) {
		uint32_t first = ntohl(ipv4.s_addr) >> 24;

		if (!resolver->seen_ipv4)
			word_add(&resolver->servers, QEMU_DNS_ADDRESS);
		else if (first != IN_LOOPBACKNET && first != 0)
			word_add(&resolver->servers, text);
		resolver->seen_ipv4 = true;
	} else if (inet_pton(AF_INET6, address, &ipv6) == 1) {
		if (!resolver->seen_ipv6)
			word_add(&resolver->servers, QEMU_DNS6_ADDRESS);
		else if (!IN6_IS_ADDR_LOOPBACK(&ipv6) && !IN6_IS_ADDR_LINKLOCAL(&ipv6) &&
		         !IN6_IS_ADDR_UNSPECIFIED(&ipv6))
			word_add(&resolver->servers, address);
		resolver->seen_ipv6 = true;
	}
}

static void line_take(struct resolver *resolver, char *line)
{
	char *rest = NULL;
	char *keyword = strtok_r(line, BLANKS, &rest);
	char *word = keyword ? strtok_r(NULL, BLANKS, &rest) : NULL;
	struct arguments *words = NULL;

	if (!word || keyword[0] == '#' || keyword[0] == ';')
		return;
	if (strcmp(keyword, "nameserver") == 0) {
		server_take(resolver, word);
	} else if (strcmp(keyword, "search") == 0 || strcmp(keyword, "domain") == 0) {
		// The last line of these is the one that holds.
		arguments_deinit(&resolver->search);
		words = &resolver->search;
	} else if (strcmp(keyword, "options") == 0) {
		words = &resolver->options;
	}
	for (; words && word; word = strtok_r(NULL, BLANKS, &rest))
		if (is_word(word) && strcmp(word, ".") != 0)
			word_add(words, word);
}

static void host_read(struct resolver *resolver, const char *path)
{
	FILE *file = fopen(path, "re");
	char line[MAX_LINE];

	while (file && fgets(line, sizeof(line), file))
		line_take(resolver, line);
	if (file)
		fclose(file);
	// Without a server's line, the host asks itself; so does QEMU.
	if (resolver->servers.count == 0)
		word_add(&resolver->servers, QEMU_DNS_ADDRESS);
}

// --- The flags ----------------------------------------------------------------------------------

static bool is_address(const char *text)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

static bool is_domain(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";

	return text[0] && text[0] != '-' && text[0] != '.' && !strstr(text, "..") &&
		strlen(text) <= MAX_DOMAIN && strspn(text, letters) == strlen(text);
}

static int flag_refuse(const char *flag, const char *value, const char *wanted, struct error *err)
{
	return error_set(err, "--%s %.200s: %s", flag, value, wanted);
}

// What the user says replaces the host's, each kind for itself.
static int flags_take(struct resolver *resolver, const struct options *options, struct error *err)
{
	const struct option_list *dns = &options->lists[LIST_DNS];
	const struct option_list *search = &options->lists[LIST_DNS_SEARCH];
	const struct option_list *more = &options->lists[LIST_DNS_OPTION];

	if (dns->count > 0)
		arguments_deinit(&resolver->servers);
	for (size_t i = 0; i < dns->count; i++) {
		if (!is_address(dns->items[i]))
			return flag_refuse("dns", dns->items[i],
			                   "it is the address of a name server, such as 1.1.1.1",
			                   err);
		word_add(&resolver->servers, dns->items[i]);
	}
	if (search->count > 0)
		arguments_deinit(&resolver->search);
	for (size_t i = 0; i < search->count; i++) {
		// docker's way to have none.
		if (strcmp(search->items[i], ".") == 0)
			continue;
		if (!is_domain(search->items[i]))
			return flag_refuse("dns-search", search->items[i],
			                   "it is a domain, such as example.org, or . for none",
			                   err);
		word_add(&resolver->search, search->items[i]);
	}
	if (more->count > 0)
		arguments_deinit(&resolver->options);
	for (size_t i = 0; i < more->count; i++) {
		if (!is_word(more->items[i]))
			return flag_refuse("dns-option", more->items[i],
			                   "it is an option of resolv.conf, such as ndots:2", err);
		word_add(&resolver->options, more->items[i]);
	}
	return 0;
}

// --- The texts ----------------------------------------------------------------------------------

static void words_write(FILE *file, const char *keyword, const struct arguments *words)
{
	for (size_t i = 0; i < words->count; i++)
		fprintf(file, "%s%s", i == 0 ? keyword : " ", words->items[i]);
	if (words->count > 0)
		fputc('\n', file);
}

static char *resolver_text(const struct resolver *resolver, struct error *err)
{
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);

	for (size_t i = 0; file && i < resolver->servers.count; i++)
		fprintf(file, "nameserver %s\n", resolver->servers.items[i]);
	if (file) {
		words_write(file, "search ", &resolver->search);
		words_write(file, "options ", &resolver->options);
	}
	if (!file || fclose(file) != 0 || resolver->servers.failed || resolver->search.failed ||
	    resolver->options.failed) {
		free(text);
		error_set(err, "out of memory");
		return NULL;
	}
	return text;
}

char *resolver_conf_make(const struct options *options, const char *host_file, struct error *err)
{
	struct resolver resolver = { 0 };
	char *text = NULL;

	host_read(&resolver, host_file);
	if (flags_take(&resolver, options, err) == 0)
		text = resolver_text(&resolver, err);
	resolver_deinit(&resolver);
	return text;
}

// NAME:ADDRESS or NAME=ADDRESS, an IPv6 address also in brackets.
static int host_write(FILE *file, const char *item, struct error *err)
{
	static const char wanted[] = "it is NAME:ADDRESS, such as db:10.0.2.2; host-gateway is the "
				     "address of this host";
	size_t length = strcspn(item, strchr(item, '=') ? "=" : ":");
	char address[64];
	char name[256];

	if (!item[length] || length == 0 || length >= sizeof(name))
		return flag_refuse("add-host", item, wanted, err);
	snprintf(name, sizeof(name), "%.*s", (int)length, item);
	item += length + 1;
	if (item[0] == '[' && item[strlen(item) - 1] == ']')
		snprintf(address, sizeof(address), "%.*s", (int)strlen(item) - 2, item + 1);
	else
		snprintf(address, sizeof(address), "%s", item);
	if (strcmp(item, "host-gateway") == 0)
		snprintf(address, sizeof(address), "%s", QEMU_GATEWAY_ADDRESS);
	if (!is_word(name) || !is_address(address))
		return flag_refuse("add-host", item - length - 1, wanted, err);
	fprintf(file, "%s\t%s\n", address, name);
	return 0;
}

char *resolver_hosts_make(const struct options *options, struct error *err)
{
	const struct option_list *list = &options->lists[LIST_ADD_HOST];
	char *text = NULL;
	size_t length;
	FILE *file = open_memstream(&text, &length);
	int result = file ? 0 : error_set(err, "out of memory");

	for (size_t i = 0; result == 0 && i < list->count; i++)
		result = host_write(file, list->items[i], err);
	if (file && fclose(file) != 0 && result == 0)
		result = error_set(err, "out of memory");
	if (result == 0)
		return text;
	free(text);
	return NULL;
}
