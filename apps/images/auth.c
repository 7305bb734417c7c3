// SPDX-License-Identifier: MIT
//
// docker login: the registry says whether it takes a name and a password. The client keeps them.
#include "apps/images/images.h"
#include "apps/images/jobs.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

#define HOST_MAX 256u
#define DEFAULT_HOST "docker.io"

static const char *const keys[] = { "username", "password", "identitytoken", "serveraddress" };

enum { USER, PASSWORD, TOKEN, SERVER, NUM_KEYS };

struct credentials {
	char *texts[NUM_KEYS];  // heap; NULL: not said
};

static bool is_set(const char *text)
{
	return text != NULL && text[0] != '\0';
}

static void credentials_deinit(struct credentials *c)
{
	for (size_t i = 0; i < NUM_KEYS; i++)
		heap_free(c->texts[i]);
}

static void take_member(struct credentials *c, struct json_reader *r, struct span key)
{
	size_t i = 0;

	// dockerd takes members in any case.
	while (i < NUM_KEYS && !span_equals_nocase(key, keys[i]))
		i++;
	if (i == NUM_KEYS) {
		json_skip(r);
	} else if (!json_take_null(r)) {
		heap_free(c->texts[i]);
		c->texts[i] = json_take_string(r);
	}
}

// Returns whether the body is an object.
static bool credentials_read(struct span body, struct credentials *out)
{
	struct json_reader r = json_reader_make(body);
	struct span key;

	*out = (struct credentials){ 0 };
	json_enter_object(&r);
	while (json_next_member(&r, &key))
		take_member(out, &r, key);
	return json_at_end(&r);
}

// The host that an address names, with its port: clients send whole URLs, too. Returns whether it
// is one.
static bool read_host(const char *address, char out[static HOST_MAX])
{
	const char *start = is_set(address) ? address : DEFAULT_HOST;
	size_t len;

	if (strncmp(start, "https://", 8) == 0)
		start += 8;
	else if (strncmp(start, "http://", 7) == 0)
		start += 7;
	len = strchr(start, '/') != NULL ? (size_t)(strchr(start, '/') - start) : strlen(start);
	if (len == 0 || len >= HOST_MAX || start[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++)
		if (start[i] <= ' ' || start[i] > '~' || strchr("\"'\\@?#%", start[i]) != NULL)
			return false;
	memcpy(out, start, len);
	out[len] = '\0';
	if (strcmp(out, "index.docker.io") == 0 || strcmp(out, "registry-1.docker.io") == 0)
		str_copy(out, DEFAULT_HOST, HOST_MAX);
	return true;
}

// A line for its stdin. NULL: no memory.
static char *line_make(const struct credentials *c)
{
	struct json_writer w = { 0 };
	char *line;

	json_write_raw(&w, "{\"username\":");
	json_write_string(&w, c->texts[USER]);
	json_write_raw(&w, ",\"password\":");
	json_write_string(&w, c->texts[PASSWORD]);
	json_write_raw(&w, "}\n");
	line = json_writer_text(&w) != NULL ? string_copy(w.text) : NULL;
	json_writer_deinit(&w);
	return line;
}

static void answer(struct client *client, uint32_t id, const char *status)
{
	struct json_writer w = { 0 };

	json_write_raw(&w, "{\"Status\":");
	json_write_string(&w, status);
	json_write_raw(&w, ",\"IdentityToken\":\"\"}");
	reply_json(client, id, 200, &w);
}

static void ask(struct request *request, const struct credentials *c, const char *host)
{
	char *line = line_make(c);
	struct job *job = line != NULL ? job_make(request, JOB_LOGIN) : NULL;

	if (line == NULL)
		request_refuse(request, 500, "out of memory");
	if (job == NULL) {
		heap_free(line);
		return;
	}
	job->login = line;
	job->client = request->client;
	job->request = request->id;
	if (job_add_argument(job, "login") < 0 || job_add_argument(job, host) < 0)
		str_copy(job->error, "too many arguments", sizeof(job->error));
	job_go(job);
}

void operation_login(struct request *request)
{
	struct credentials c;
	char host[HOST_MAX];
	bool good = credentials_read(request->body, &c);

	if (!good ||
	    (!is_set(c.texts[TOKEN]) && (!is_set(c.texts[USER]) || !is_set(c.texts[PASSWORD]))))
		request_refuse(request, 400, "a login is a JSON object with username and password");
	else if (!read_host(c.texts[SERVER], host))
		request_refuse(request, 400, "%.128s is no address of a registry", c.texts[SERVER]);
	else if (is_set(c.texts[TOKEN]))
		// It is one for a repository that only a pull names.
		answer(request->client, request->id,
		       "The token is not checked now: the next pull tries it");
	else
		ask(request, &c, host);
	credentials_deinit(&c);
}

void login_finish(const struct job *job, uint32_t status)
{
	if (job->client == NULL)
		return;
	if (job->error[0] != '\0')
		reply_error(job->client, job->request, status, "%s", job->error);
	else
		answer(job->client, job->request, "Login Succeeded");
}

void logins_drop(struct images *images, const struct client *client, uint32_t id)
{
	list_for_each_safe(pos, &images->jobs)
	{
		struct job *job = container_of(pos, struct job, entry);

		if (job->kind != JOB_LOGIN || job->client != client ||
		    (id != 0 && job->request != id))
			continue;
		job->client = NULL;
		if (job->number == 0)
			job_discard(job);
		else
			job_give_up(job, "nobody waits for it");
	}
}
