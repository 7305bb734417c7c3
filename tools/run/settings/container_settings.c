// SPDX-License-Identifier: MIT
//
// What the container is asked to be. Each value is checked here as far as it can be without the
// image, so that nothing is fetched for a run that cannot be.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/image/config/environment.h"
#include "tools/image/source/reference.h"
#include "tools/image/config/words.h"
#include "tools/run/settings/numbers.h"
#include "tools/run/settings/guest_kernel.h"
#include "tools/run/settings/images.h"
#include "tools/run/settings/settings.h"
#include "tools/run/qemu/writable_disk.h"

#define MIB ((uint64_t)1 << 20)
#define MIN_GUEST_MEMORY (32 * MIB)
#define MAX_GUEST_MEMORY (8192 * MIB)  // MACHINE_MAX_MEMORY in libs/linux/machine/machine.h
// thousandths: a millisecond in each tenth of a second, the least that Linux takes
#define MIN_CPU_SHARE 10
#define MAX_GUEST_CPUS 4  // CONFIG_NR_CPUS of the guest kernel
#define MAX_HOSTNAME 64   // Linux's
#define MAX_WORKDIR 4095
#define MAX_USER 255
#define DEFAULT_STOP_TIMEOUT 10  // as docker's
#define MAX_STOP_TIMEOUT 86400

static const struct option *option_get(const struct settings *settings, enum option_id id)
{
	return &settings->options.values[id];
}

// The error of a value that is not possible: "NAME=VALUE: WHY".
static int refuse(const struct option *option, struct error *err, const char *why)
{
	return error_set(err, "%s: %s", option_text(option), why);
}

static int image_read(struct settings *settings, struct error *err)
{
	const struct option *image = option_get(settings, OPTION_IMAGE);
	char *normalized;

	settings->image = image->value;
	if (!image->value)
		return 0;
	if (strncmp(image->value, "docker://", 9) == 0) {
		normalized = reference_normalize(image->value + 9, err);
		free(normalized);
		return normalized ? 0 : error_prefix(err, "%s", option_text(image));
	}
	if ((strncmp(image->value, "file://", 7) == 0 && image->value[7]) ||
	    (strncmp(image->value, "oci://", 6) == 0 && image->value[6]))
		return 0;
	return error_set(
		err,
		"%s: \"%.200s\" names no image; write docker://NAME for a registry, file://PATH for a `docker save` "
		"archive, or oci://PATH for an OCI layout",
		image->name, image->value);
}

// Whether `option` is given as words; -1 with `err` when they are none.
static int words_check(const struct option *option, struct error *err)
{
	json_t *words = words_split(option->value, err);

	json_decref(words);
	return words ? 0 : error_prefix(err, "%s", option_text(option));
}

static int command_read(struct settings *settings, struct error *err)
{
	const struct options *options = &settings->options;
	const struct option *entrypoint = option_get(settings, OPTION_ENTRYPOINT);
	const struct option *args = option_get(settings, OPTION_ARGS);

	// docker's flag is one word; the variable has always been split.
	if (entrypoint->value && entrypoint->is_flag)
		arguments_add(&settings->config_options, "--entrypoint-word=%s", entrypoint->value);
	else if (entrypoint->value && words_check(entrypoint, err) < 0)
		return -1;
	else if (entrypoint->value)
		arguments_add(&settings->config_options, "--entrypoint=%s", entrypoint->value);
	for (size_t i = 0; i < options->num_command; i++)
		arguments_add(&settings->config_options, "--arg=%s", options->command[i]);
	if (options->num_command > 0 || !args->value)
		return 0;
	if (words_check(args, err) < 0)
		return -1;
	arguments_add(&settings->config_options, "--args=%s", args->value);
	return 0;
}

typedef int (*environment_add_fn)(json_t *changes, const char *text, struct error *err);

// Reads one source of variables, and passes on what is in it: a pipe can be read only once.
static int env_read_one(struct settings *settings, environment_add_fn add, const char *name,
                        const char *value, struct error *err)
{
	json_t *changes = json_array();
	int result = add(changes, value, err);
	json_t *change;
	size_t i;

	json_array_foreach(changes, i, change) arguments_add(
		&settings->config_options, "--env-item=%s", json_string_value(change));
	json_decref(changes);
	return result < 0 ? error_prefix(err, "%s", name) : 0;
}

static int env_read(struct settings *settings, struct error *err)
{
	const struct option_list *files = &settings->options.lists[LIST_ENV_FILE];
	const struct option_list *items = &settings->options.lists[LIST_ENV];
	const struct option *list = option_get(settings, OPTION_ENV);
	const struct option *file = option_get(settings, OPTION_ENV_FILE);

	if (file->value &&
	    env_read_one(settings, environment_add_file, file->name, file->value, err) < 0)
		return -1;
	if (list->value &&
	    env_read_one(settings, environment_add_list, list->name, list->value, err) < 0)
		return -1;
	for (size_t i = 0; i < files->count; i++)
		if (env_read_one(settings, environment_add_file, "--env-file", files->items[i],
		                 err) < 0)
			return -1;
	for (size_t i = 0; i < items->count; i++)
		if (env_read_one(settings, environment_add_item, "--env", items->items[i], err) < 0)
			return -1;
	return 0;
}

static int user_read(struct settings *settings, struct error *err)
{
	const struct option *user = option_get(settings, OPTION_USER);

	if (!user->value)
		return 0;
	if (strlen(user->value) > MAX_USER || user->value[0] == '-' ||
	    strpbrk(user->value, " \t\n/"))
		return refuse(user, err, "it is USER[:GROUP], names or numbers");
	arguments_add(&settings->config_options, "--user=%s", user->value);
	return 0;
}

static int workdir_read(struct settings *settings, struct error *err)
{
	const struct option *workdir = option_get(settings, OPTION_WORKDIR);

	if (!workdir->value)
		return 0;
	if (workdir->value[0] != '/')
		return refuse(workdir, err,
		              "the working directory is an absolute path, such as /srv");
	if (strlen(workdir->value) > MAX_WORKDIR)
		return refuse(workdir, err, "a path has at most 4095 bytes");
	arguments_add(&settings->config_options, "--workdir=%s", workdir->value);
	return 0;
}

static int hostname_read(struct settings *settings, struct error *err)
{
	const struct option *hostname = option_get(settings, OPTION_HOSTNAME);
	const char *text = hostname->value;

	if (!text)
		return 0;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
			return refuse(hostname, err,
			              "a host name has letters, digits, -, _ and . only");
	if (strstr(text, ".."))
		return refuse(hostname, err, "between the dots of a host name there is something");
	if (text[0] == '-' || text[0] == '.' || strlen(text) > MAX_HOSTNAME)
		return refuse(hostname, err,
		              "a host name has 1 to 64 letters, digits, -, _ and ., and begins "
		              "with a letter, a digit or _");
	arguments_add(&settings->config_options, "--hostname=%s", text);
	return 0;
}

// Of an option that is on or off; not given is off.
static int switch_read(const struct option *option, bool *on, struct error *err)
{
	static const struct {
		const char *text;
		bool on;
	} words[] = { { "1", true }, { "true", true }, { "0", false }, { "false", false } };

	*on = false;
	for (size_t i = 0; option->value && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(option->value, words[i].text) == 0) {
			*on = words[i].on;
			return 0;
		}
	}
	return option->value ? refuse(option, err, "choose 1 (yes) or 0 (no)") : 0;
}

static int quiet_read(struct settings *settings, struct error *err)
{
	return switch_read(option_get(settings, OPTION_QUIET), &settings->quiet, err);
}

static int readonly_read(struct settings *settings, struct error *err)
{
	bool on;

	if (switch_read(option_get(settings, OPTION_READONLY), &on, err) < 0)
		return -1;
	if (on)
		arguments_add(&settings->config_options, "--readonly");
	return 0;
}

// A number of CPUs, such as 2 or 1.5, in thousandths, rounded up.
static bool cpus_parse(const char *text, unsigned *thousandths)
{
	size_t whole = strspn(text, "0123456789");
	size_t places = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
	const char *digits = text + whole + 1;

	if (whole + places == 0 || whole > 6 || text[whole + (text[whole] == '.') + places])
		return false;
	*thousandths = (whole ? (unsigned)strtoul(text, NULL, 10) : 0) * 1000;
	for (unsigned i = 0, unit = 100; i < places && unit > 0; i++, unit /= 10)
		*thousandths += (unsigned)(digits[i] - '0') * unit;
	if (places > 3 && strspn(digits + 3, "0") < places - 3)
		++*thousandths;
	return true;
}

// The virtual machine has whole CPUs; of a share, the container's control group sees to the rest.
int cpu_share_set(struct settings *settings, const struct option *option, unsigned thousandths,
                  struct error *err)
{
	if (thousandths < MIN_CPU_SHARE || thousandths > MAX_GUEST_CPUS * 1000)
		return error_set(err, "%s: choose 0.01 to %d CPUs", option_text(option),
		                 MAX_GUEST_CPUS);
	settings->guest_cpus = (thousandths + 999) / 1000;
	settings->cpu_share = thousandths % 1000 != 0 ? thousandths : 0;
	return 0;
}

static int cpus_read(struct settings *settings, struct error *err)
{
	const struct option *cpus = option_get(settings, OPTION_CPUS);
	unsigned thousandths;

	if (!cpus->value)
		return 0;
	if (!cpus_parse(cpus->value, &thousandths))
		return error_set(err, "%s: choose 0.01 to %d CPUs, such as 2 or 1.5",
		                 option_text(cpus), MAX_GUEST_CPUS);
	// As for docker, 0 is as when nothing is said.
	return thousandths == 0 ? 0 : cpu_share_set(settings, cpus, thousandths, err);
}

static int limits_read(struct settings *settings, struct error *err)
{
	const struct option *memory = option_get(settings, OPTION_MEMORY);

	if (memory->value && !size_parse(memory->value, &settings->guest_memory))
		return error_set(err, "%s is not a size from 32M to 8G; write for example 256M",
		                 option_text(memory));
	// As for docker, 0 is as when nothing is said.
	if (settings->guest_memory > 0 && settings->guest_memory < MIN_GUEST_MEMORY)
		return error_set(err, "%s is too little for Linux; give it at least %lluM",
		                 option_text(memory), (unsigned long long)(MIN_GUEST_MEMORY / MIB));
	if (settings->guest_memory > MAX_GUEST_MEMORY)
		return error_set(err, "%s is more than a container can have; give it at most %lluG",
		                 option_text(memory),
		                 (unsigned long long)(MAX_GUEST_MEMORY / MIB / 1024));
	return cpus_read(settings, err);
}

static int disk_read(struct settings *settings, struct error *err)
{
	const struct option *disk = option_get(settings, OPTION_DISK);

	settings->disk_file = option_get(settings, OPTION_DISK_FILE)->value;
	if (!disk->value)
		return 0;
	if (!size_parse(disk->value, &settings->disk))
		return error_set(err, "%s is not a size from 16M to 1T; write for example 1G",
		                 option_text(disk));
	if (settings->disk < WRITABLE_DISK_MIN || settings->disk > WRITABLE_DISK_MAX)
		return refuse(disk, err, "the disk of a container has 16M to 1T");
	return 0;
}

static int stop_timeout_read(struct settings *settings, struct error *err)
{
	const struct option *timeout = option_get(settings, OPTION_STOP_TIMEOUT);
	unsigned seconds;

	settings->stop_timeout = DEFAULT_STOP_TIMEOUT;
	if (!timeout->value)
		return 0;
	if (strcmp(timeout->value, "-1") == 0)
		settings->stop_timeout = STOP_FOREVER;
	else if (number_parse(timeout->value, MAX_STOP_TIMEOUT, &seconds))
		settings->stop_timeout = seconds;
	else
		return refuse(timeout, err, "choose 0 to 86400 seconds, or -1 to wait for ever");
	return 0;
}

// docker's -t: the container has a terminal; -i besides, as LINUXRUN_TTY has it: what is typed here
// goes there.
static int terminal_read(struct settings *settings, struct error *err)
{
	const struct option *tty = option_get(settings, OPTION_TTY);

	if (switch_read(tty, &settings->terminal, err) < 0)
		return -1;
	if (!settings->terminal)
		return 0;
	settings->terminal_input = !tty->is_flag ||
		option_is_on(&settings->options, OPTION_INTERACTIVE);
	if (!settings->image)
		return refuse(tty, err, "there is no image to run");
	if (settings->terminal_input && !isatty(STDIN_FILENO))
		return refuse(
			tty, err,
			"the input device is not a TTY; leave it out, or start this from a terminal");
	return 0;
}

static int kernel_read(struct settings *settings, struct error *err)
{
	const struct option *kernel = option_get(settings, OPTION_KERNEL);

	settings->kernel = kernel->value;
	if (kernel->value && guest_kernel_check(kernel->value, err) < 0)
		return error_prefix(err, "%s", kernel->name);
	return 0;
}

static int ports_read(struct settings *settings, struct error *err)
{
	const struct option *ports = option_get(settings, OPTION_PORTS);
	const struct option *app_ports = option_get(settings, OPTION_APP_PORTS);

	if (ports->value && ports_parse(&settings->ports, ports->value, err) < 0)
		return error_prefix(err, "%s", option_text(ports));
	if (app_ports->value && ports_parse(&settings->app_ports, app_ports->value, err) < 0)
		return error_prefix(err, "%s", option_text(app_ports));
	return 0;
}

int settings_reserve_ports(struct settings *settings, struct error *err)
{
	if (ports_reserve(&settings->ports, err) < 0)
		return error_prefix(err, "%s", option_text(option_get(settings, OPTION_PORTS)));
	if (ports_reserve(&settings->app_ports, err) < 0)
		return error_prefix(err, "%s", option_text(option_get(settings, OPTION_APP_PORTS)));
	return 0;
}

void settings_release_ports(struct settings *settings)
{
	ports_release(&settings->ports);
	ports_release(&settings->app_ports);
}

int container_settings_read(struct settings *settings, struct error *err)
{
	settings->images = option_get(settings, OPTION_IMAGES)->value;
	if (settings->images && images_check(settings->images, err) < 0)
		return -1;
	if (image_read(settings, err) < 0 || command_read(settings, err) < 0 ||
	    env_read(settings, err) < 0 || user_read(settings, err) < 0 ||
	    workdir_read(settings, err) < 0 || hostname_read(settings, err) < 0 ||
	    readonly_read(settings, err) < 0 || quiet_read(settings, err) < 0 ||
	    limits_read(settings, err) < 0 || disk_read(settings, err) < 0 ||
	    stop_timeout_read(settings, err) < 0 || terminal_read(settings, err) < 0 ||
	    kernel_read(settings, err) < 0 || ports_read(settings, err) < 0 ||
	    volume_settings_read(settings, err) < 0)
		return -1;
	return 0;
}
