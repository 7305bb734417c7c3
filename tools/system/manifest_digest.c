// SPDX-License-Identifier: MIT
#include "tools/system/manifest_digest.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/image/json_input.h"
#include "tools/image/tool.h"
#include "tools/system/network.h"

#define MAX_ANSWER 65536
#define MAX_ARGUMENTS 20         // above what anyone adds
#define PATIENCE "--timeout=10"  // seconds; skopeo has more
#define DOCKER_HOST "docker.io"
#define DOCKER_REGISTRY "registry-1.docker.io"

// What skopeo takes, in its order: by another representation a manifest has another digest.
#define OCI_TYPE "application/vnd.oci.image."
#define DOCKER_TYPE "application/vnd.docker.distribution.manifest."
#define ACCEPT                                                                                 \
	"--header=Accept: " OCI_TYPE "manifest.v1+json, " DOCKER_TYPE "v2+json, " DOCKER_TYPE  \
	"v1+prettyjws, " DOCKER_TYPE "v1+json, " DOCKER_TYPE "list.v2+json, " OCI_TYPE "index" \
	".v1+json"

// Of an answer; the texts are in it, and "" when it does not have them.
struct answer {
	int status;
	const char *digest;
	const char *challenge;  // how it wants to know who asks
};

struct question {
	const char *scheme;
	const char *host;
	int host_length;
	const char *name;
	int name_length;
	const char *reference;
	bool without_tls;
	const char *login;  // NULL: there is none
	const char *scratch;
};

// Behind "NAME: " when the line is that field, else NULL.
static const char *field_value(const char *line, const char *name)
{
	size_t length = strlen(name);

	if (strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	return line + length + 1 + strspn(line + length + 1, " ");
}

// Reads the last answer of those that wget tells, lines with two spaces before each. Cuts `text`
// into lines.
static struct answer answer_read(char *text)
{
	struct answer answer = { .digest = "", .challenge = "" };
	char *rest = text;
	char *line;

	while ((line = strsep(&rest, "\r\n"))) {
		const char *value;

		line += strspn(line, " ");
		if (sscanf(line, "HTTP/%*d.%*d %d", &answer.status) == 1)
			answer.digest = answer.challenge = "";
		else if ((value = field_value(line, "Docker-Content-Digest")))
			answer.digest = value;
		else if ((value = field_value(line, "WWW-Authenticate")))
			answer.challenge = value;
	}
	return answer;
}

// Of letters, digits and what stands in an address or a token as it is.
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("-._~+/:=", *text))
			return false;
	return true;
}

// The arguments that all of our calls of wget have, in `argv`; returns how many.
static unsigned arguments_begin(const char **argv, bool without_proxy)
{
	static const char *const common[] = { "wget",      "--no-hsts", "--no-verbose",
		                              "--tries=1", PATIENCE,    "--max-redirect=0" };
	unsigned count = 0;

	for (; count < sizeof(common) / sizeof(common[0]); count++)
		argv[count] = common[count];
	if (without_proxy)
		argv[count++] = "--no-proxy";
	if (network_authorities())
		argv[count++] = network_authorities();
	return count;
}

// What wget reads in place of its own files: who asks is on no command line.
struct settings {
	char *path;
	char *option;
};

static int settings_write(const char *path, const char *authorization)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	int length;

	if (fd < 0)
		return -1;
	length = authorization ? dprintf(fd, "header = Authorization: %s\n", authorization) : 0;
	return close(fd) == 0 && length >= 0 ? 0 : -1;
}

// They are removed, too, when that fails.
static void settings_remove(struct settings *settings)
{
	if (settings->path)
		unlink(settings->path);
	free(settings->path);
	free(settings->option);
	*settings = (struct settings){ 0 };
}

// `authorization`: the value of that field; NULL: none. -1: it cannot be.
static int settings_make(struct settings *settings, const char *scratch, const char *authorization)
{
	*settings = (struct settings){ 0 };
	if (asprintf(&settings->path, "%s/wgetrc", scratch) < 0)
		settings->path = NULL;
	if (settings->path && asprintf(&settings->option, "--config=%s", settings->path) < 0)
		settings->option = NULL;
	if (settings->option && settings_write(settings->path, authorization) == 0)
		return 0;
	settings_remove(settings);
	return -1;
}

static void arguments_end(const char **argv, unsigned count, const struct settings *settings,
                          const char *address)
{
	argv[count++] = settings->option;
	argv[count++] = address;
	argv[count] = NULL;
}

// The text that `*answer` is of is the caller's; NULL: wget has not answered.
static char *ask(const struct question *q, const char *authorization, struct answer *answer)
{
	const char *argv[MAX_ARGUMENTS];
	unsigned count = arguments_begin(argv, q->without_tls);
	struct settings settings;
	char *address;
	char *text = NULL;

	argv[count++] = "--spider";
	argv[count++] = "--server-response";
	argv[count++] = "--output-file=-";
	argv[count++] = ACCEPT;
	if (asprintf(&address, "%s://%.*s/v2/%.*s/manifests/%s", q->scheme, q->host_length, q->host,
	             q->name_length, q->name, q->reference) < 0)
		return NULL;
	if (settings_make(&settings, q->scratch, authorization) == 0) {
		arguments_end(argv, count, &settings, address);
		text = tool_words(argv, MAX_ANSWER, q->scratch);
	}
	if (text)
		*answer = answer_read(text);
	settings_remove(&settings);
	free(address);
	return text;
}

// The value of KEY="VALUE" in a challenge; the caller frees it. NULL: it has none.
static char *parameter(const char *challenge, const char *key)
{
	const char *start = strcasestr(challenge, key);

	if (!start)
		return NULL;
	start += strlen(key);
	return strchr(start, '"') ? strndup(start, strcspn(start, "\"")) : NULL;
}

static char *token_take(const char *text, size_t length)
{
	struct error ignored;
	json_t *document = json_parse(text, length, "the token", &ignored);
	const char *token = json_get_string(document, "token");
	char *copy = NULL;

	if (!token)
		token = json_get_string(document, "access_token");
	if (token && is_plain(token) && asprintf(&copy, "Bearer %s", token) < 0)
		copy = NULL;
	json_decref(document);
	return copy;
}

static char *token_fetch(const struct question *q, const char *address)
{
	const char *argv[MAX_ARGUMENTS];
	unsigned count = arguments_begin(argv, q->without_tls);
	struct settings settings;
	struct error ignored;
	size_t length;
	char *text = NULL;
	char *token = NULL;

	argv[count++] = "--output-document=-";
	if (settings_make(&settings, q->scratch, q->login) == 0) {
		arguments_end(argv, count, &settings, address);
		text = tool_output(argv, MAX_ANSWER, &length, "", q->scratch, &ignored);
	}
	if (text)
		token = token_take(text, length);
	free(text);
	settings_remove(&settings);
	return token;
}

// (Distribution's token authentication)
static char *token_ask(const struct question *q, const char *challenge)
{
	char *realm = parameter(challenge, "realm=\"");
	char *service = parameter(challenge, "service=\"");
	char *address = NULL;
	char *token = NULL;

	if (realm && service && is_plain(realm) && is_plain(service) &&
	    (strncmp(realm, "https://", 8) == 0 ||
	     (q->without_tls && strncmp(realm, "http://", 7) == 0)) &&
	    asprintf(&address, "%s?service=%s&scope=repository:%.*s:pull", realm, service,
	             q->name_length, q->name) >= 0) {
		token = token_fetch(q, address);
		free(address);
	}
	free(service);
	free(realm);
	return token;
}

// What the field Authorization is to have after a challenge; the caller frees it. NULL: there is
// nothing.
static char *authorization_make(const struct question *q, const char *challenge)
{
	if (strncasecmp(challenge, "Bearer ", 7) == 0)
		return token_ask(q, challenge);
	return q->login && strncasecmp(challenge, "Basic ", 6) == 0 ? strdup(q->login) : NULL;
}

// Splits a whole name. False: it has no part that names what is wanted.
static bool question_read(struct question *q, const char *location)
{
	const char *at = strchr(location, '@');
	const char *colon;

	q->host = location;
	q->host_length = (int)strcspn(location, "/");
	if (location[q->host_length] == '\0')
		return false;
	q->name = location + q->host_length + 1;
	q->name_length = (int)strcspn(q->name, ":@");
	colon = strchr(q->name, ':');
	q->reference = at ? at + 1 : colon ? colon + 1 : "";
	if ((size_t)q->host_length == strlen(DOCKER_HOST) &&
	    strncmp(location, DOCKER_HOST, strlen(DOCKER_HOST)) == 0) {
		q->host = DOCKER_REGISTRY;
		q->host_length = (int)strlen(DOCKER_REGISTRY);
	}
	return q->reference[0] != '\0';
}

// Whether the answer says a digest, and none but the one that was asked for, if it was one.
static bool is_settled(const struct question *q, const struct answer *answer)
{
	return answer->status == 200 && digest_is_valid(answer->digest) &&
		(!strchr(q->reference, ':') || strcmp(q->reference, answer->digest) == 0);
}

bool manifest_digest_ask(const char *location, bool without_tls, const char *login,
                         const char *scratch, char digest[static DIGEST_TEXT_SIZE])
{
	struct question q = { .scheme = without_tls ? "http" : "https",
		              .without_tls = without_tls,
		              .login = login,
		              .scratch = scratch };
	struct answer answer = { 0 };
	char *text = question_read(&q, location) ? ask(&q, NULL, &answer) : NULL;
	bool is_known;

	if (text && answer.status == 401) {
		char *authorization = authorization_make(&q, answer.challenge);

		free(text);
		text = authorization ? ask(&q, authorization, &answer) : NULL;
		free(authorization);
	}
	is_known = text && is_settled(&q, &answer);
	if (is_known)
		strcpy(digest, answer.digest);
	free(text);
	return is_known;
}
