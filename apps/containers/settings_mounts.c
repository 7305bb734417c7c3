// SPDX-License-Identifier: MIT
//
// What is mounted in a container: HostConfig.Binds, Tmpfs and VolumesFrom, and Volumes.
#include "apps/containers/settings_mounts.h"

#include "apps/containers/settings_own.h"
#include "libs/abi/containers.h"
#include "libs/abi/engine.h"
#include "libs/base/fmt.h"
#include "libs/files/volume.h"
#include "libs/linux/image/string_list.h"
#include "libs/starina/alloc.h"

// Docker's.
#define TMPFS_OPTIONS "noexec,nosuid,nodev"

static error_t out_of(const struct json_reader *r)
{
	return json_reader_status(r) == 0 ? ERR_NO_MEMORY : ERR_PROTOCOL;
}

// --- The options ---------------------------------------------------------------------------------

enum mode_kind {
	MODE_WRITE,
	MODE_LABEL,
	MODE_PROPAGATION,
	MODE_COPY,
	MODE_CONSISTENCY,
	MODE_KINDS,
};

static const struct {
	const char *word;
	enum mode_kind kind;
} mode_words[] = {
	{ "ro", MODE_WRITE },
	{ "rw", MODE_WRITE },
	{ "z", MODE_LABEL },
	{ "Z", MODE_LABEL },
	{ "nocopy", MODE_COPY },
	{ "cached", MODE_CONSISTENCY },
	{ "consistent", MODE_CONSISTENCY },
	{ "delegated", MODE_CONSISTENCY },
};

static enum mode_kind find_word(const char *word, size_t len)
{
	if (mount_propagation(word, len) != NULL)
		return MODE_PROPAGATION;
	for (size_t i = 0; i < sizeof(mode_words) / sizeof(mode_words[0]); i++)
		if (strlen(mode_words[i].word) == len && memcmp(mode_words[i].word, word, len) == 0)
			return mode_words[i].kind;
	return MODE_KINDS;
}

error_t settings_read_mode(struct mount *mount, const char *mode,
                           char error[static SETTINGS_ERROR_MAX])
{
	bool seen[MODE_KINDS] = { false };

	for (const char *word = mode; word != NULL && mode[0] != '\0';) {
		size_t len = 0;
		enum mode_kind kind;

		while (word[len] != '\0' && word[len] != ',')
			len++;
		kind = find_word(word, len);
		// One of each kind, as with docker.
		if (kind == MODE_KINDS || seen[kind] ||
		    (kind == MODE_COPY && mount->kind == MOUNT_BIND) ||
		    (kind == MODE_PROPAGATION && mount->kind == MOUNT_VOLUME)) {
			fmt_write(error, SETTINGS_ERROR_MAX, "invalid mode: %.80s", mode);
			return ERR_INVALID;
		}
		seen[kind] = true;
		mount->read_only = mount->read_only || (len == 2 && memcmp(word, "ro", 2) == 0);
		mount->no_copy = mount->no_copy || kind == MODE_COPY;
		if (kind == MODE_PROPAGATION)
			mount->propagation = mount_propagation(word, len);
		word = word[len] == ',' ? word + len + 1 : NULL;
	}
	return 0;
}

// --- Checks --------------------------------------------------------------------------------------

// What is wrong, in `error`; "" when nothing is.
static void check_source(const struct mount *mount, char error[static SETTINGS_ERROR_MAX])
{
	const char *source = mount->source;

	error[0] = '\0';
	if (mount->kind == MOUNT_BIND && (source == NULL || source[0] != '/'))
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "invalid mount path: '%.80s' mount path must be absolute",
		          source != NULL ? source : "");
	else if (mount->kind == MOUNT_BIND && strlen(source) > ENGINE_HOST_PATH_MAX)
		str_copy(error, "the path of a bind is too long", SETTINGS_ERROR_MAX);
	else if (mount->kind == MOUNT_VOLUME && source != NULL &&
	         strlen(source) > CONTAINERS_TARGET_MAX)
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "create %.80s: a volume's name has at most %u characters", source,
		          CONTAINERS_TARGET_MAX);
	else if (mount->kind == MOUNT_VOLUME && source != NULL && !volume_name_is_good(source))
		fmt_write(
			error, SETTINGS_ERROR_MAX,
			"create %.80s: \"%.80s\" includes invalid characters for a local volume "
			"name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to "
			"pass a host directory, use absolute path",
			source, source);
}

// A guest's mounts are its own.
static error_t warn_of_sharing(struct settings *settings, const struct mount *mount)
{
	char text[MOUNT_TARGET_MAX + 80];

	if (!mount_is_shared(mount))
		return 0;
	fmt_write(text, sizeof(text), "the host does not see what the container mounts below %s",
	          mount->target);
	return string_list_add(&settings->host.warnings, text);
}

error_t settings_add_mount(struct settings *settings, struct mount *mount,
                           char error[static SETTINGS_ERROR_MAX])
{
	error_t err = ERR_INVALID;

	check_source(mount, error);
	if (error[0] != '\0')
		;
	else if (mount->target == NULL || mount->target[0] != '/')
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "invalid mount path: '%.80s' mount path must be absolute",
		          mount->target != NULL ? mount->target : "");
	else if (strlen(mount->target) >= MOUNT_TARGET_MAX)
		str_copy(error, "the path of a mount is too long", SETTINGS_ERROR_MAX);
	else if (!mount_path_clean(mount->target))
		str_copy(error, "invalid specification: destination can't be '/'",
		         SETTINGS_ERROR_MAX);
	else if (mount_list_find(&settings->mounts, mount->target) != NULL)
		fmt_write(error, SETTINGS_ERROR_MAX, "Duplicate mount point: %.120s",
		          mount->target);
	else
		err = warn_of_sharing(settings, mount);
	if (err < 0) {
		mount_free(mount);
		return err;
	}
	err = mount_list_add(&settings->mounts, mount);
	if (err != ERR_LIMIT)
		return err;
	fmt_write(error, SETTINGS_ERROR_MAX, "a container has at most %u mounts", MOUNT_LIST_MAX);
	return ERR_INVALID;
}

// --- Binds: [SOURCE:]TARGET[:MODE] ---------------------------------------------------------------

// Cuts the text at its first colon, and returns what is behind it; NULL: there is none.
static char *cut(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text != ':')
			continue;
		*text = '\0';
		return text + 1;
	}
	return NULL;
}

static error_t add_bind(struct settings *settings, char *text,
                        char error[static SETTINGS_ERROR_MAX])
{
	char *target = cut(text), *mode = target != NULL ? cut(target) : NULL;
	struct mount mount = { .kind = text[0] == '/' ? MOUNT_BIND : MOUNT_VOLUME };
	error_t err;

	if (text[0] == '\0' || (target != NULL && target[0] == '\0') ||
	    (mode != NULL && cut(mode) != NULL)) {
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "invalid volume specification: it is SOURCE:TARGET[:OPTIONS]");
		return ERR_INVALID;
	}
	// One word is a volume without a name.
	if (target == NULL) {
		mount.kind = MOUNT_VOLUME;
		target = text;
	} else {
		mount.source = string_copy(text);
	}
	mount.target = string_copy(target);
	mount.options = string_copy(mode != NULL ? mode : "");
	if ((mount.source == NULL && target != text) || mount.target == NULL ||
	    mount.options == NULL)
		err = ERR_NO_MEMORY;
	else
		err = settings_read_mode(&mount, mount.options, error);
	if (err == 0)
		return settings_add_mount(settings, &mount, error);
	mount_free(&mount);
	return err;
}

error_t settings_take_binds(struct settings *settings, struct json_reader *r,
                            char error[static SETTINGS_ERROR_MAX])
{
	error_t err = 0;

	json_enter_array(r);
	while (err == 0 && json_next_element(r)) {
		char *text = json_take_string(r);

		err = text != NULL ? add_bind(settings, text, error) : out_of(r);
		heap_free(text);
	}
	return err;
}

// --- Keys of objects -----------------------------------------------------------------------------

// A member's key, its escapes resolved, in fresh heap memory; NULL when it is none.
static char *key_take(struct span key)
{
	uint8_t *quoted = heap_alloc(key.len + 2);
	struct json_reader r;
	char *text;

	if (quoted == NULL)
		return NULL;
	quoted[0] = quoted[key.len + 1] = '"';
	memcpy(quoted + 1, key.data, key.len);
	r = json_reader_make((struct span){ .data = quoted, .len = key.len + 2 });
	text = json_take_string(&r);
	heap_free(quoted);
	return text;
}

// {"/run":"size=64m"}
error_t settings_take_tmpfs(struct settings *settings, struct json_reader *r,
                            char error[static SETTINGS_ERROR_MAX])
{
	struct span key;
	error_t err = 0;

	json_enter_object(r);
	while (err == 0 && json_next_member(r, &key)) {
		struct mount mount = { .kind = MOUNT_MEMORY, .target = key_take(key) };
		char *options = json_take_null(r) ? string_copy("") : json_take_string(r);
		size_t size = sizeof(TMPFS_OPTIONS) + 1 + (options != NULL ? strlen(options) : 0);

		mount.options = heap_alloc(size);
		if (options == NULL || mount.target == NULL || mount.options == NULL) {
			err = out_of(r);
			mount_free(&mount);
		} else {
			fmt_write(mount.options, size, TMPFS_OPTIONS "%s%s",
			          options[0] != '\0' ? "," : "", options);
			err = settings_add_mount(settings, &mount, error);
		}
		heap_free(options);
	}
	return err;
}

// {"/data":{}}: volumes without names.
error_t settings_take_volumes(struct settings *settings, struct json_reader *r,
                              char error[static SETTINGS_ERROR_MAX])
{
	struct span key;
	error_t err = 0;

	string_list_deinit(&settings->volumes);
	json_enter_object(r);
	while (err == 0 && json_next_member(r, &key)) {
		char *path = key_take(key);

		json_skip(r);
		if (path != NULL && !mount_path_clean(path)) {
			fmt_write(error, SETTINGS_ERROR_MAX,
			          "invalid volume specification: '%.80s': it is an absolute path",
			          path);
			heap_free(path);
			return ERR_INVALID;
		}
		err = string_list_take(&settings->volumes, path);
	}
	return err;
}
