// SPDX-License-Identifier: MIT
//
// The spec of an app file.
#include "libs/base/string.h"
#include "libs/base/text.h"
#include "libs/loader/parse.h"

#define HEADER_SIZE 80u
#define NEED_SIZE 16u
#define PROVIDE_SIZE 4u
#define TABLE_ALIGNMENT 4u
#define MAX_MEMORY (64ull << 30)
#define MAX_STACK APP_DEFAULT_MEMORY  // process_start takes no more
#define MAX_HANDLES (1u << 20)

struct header {
	uint32_t name;
	uint32_t needs;
	uint32_t num_needs;
	uint32_t provides;
	uint32_t num_provides;
	uint32_t strings;
	uint32_t strings_size;
	uint32_t runtime;
};

// --- The header ---------------------------------------------------------------------------------

static error_t check_version(struct app_file *app, struct reader *r, size_t section_size)
{
	uint32_t magic = reader_le32(r);
	uint16_t version = reader_le16(r);
	uint16_t header_size = reader_le16(r);
	uint32_t size = reader_le32(r);

	if (reader_status(r) != 0)
		return app_file_fail(app, ERR_INVALID, "its spec ends within the header");
	if (magic != APP_FILE_SPEC_MAGIC)
		return app_file_fail(app, ERR_INVALID,
		                     "its spec begins with %#x, not with \"AppS\"", magic);
	if (version != APP_FILE_SPEC_VERSION)
		return app_file_fail(
			app, ERR_NOT_SUPPORTED,
			"its spec has version %u, this system knows %u: build it against "
			"this tree",
			version, APP_FILE_SPEC_VERSION);
	if (header_size != HEADER_SIZE || size != section_size)
		return app_file_fail(
			app, ERR_INVALID,
			"its spec has %u bytes with a header of %u, and says that they "
			"are %u and %u",
			(unsigned)section_size, HEADER_SIZE, size, header_size);
	return 0;
}

static error_t read_numbers(struct app_file *app, struct reader *r)
{
	struct app_spec *spec = &app->spec;
	uint32_t restart;

	spec->abi_version = reader_le32(r);
	spec->memory_limit = reader_le64(r);
	spec->stack_size = reader_le64(r);
	spec->handle_limit = reader_le32(r);
	restart = reader_le32(r);
	app->thread_return = reader_le64(r);
	if (spec->abi_version != APP_ABI_VERSION)
		return app_file_fail(
			app, ERR_NOT_SUPPORTED,
			"it is built for version %u of the system's interface, this is "
			"%u: build it against this tree",
			spec->abi_version, APP_ABI_VERSION);
	if (spec->memory_limit > MAX_MEMORY || spec->stack_size > MAX_STACK ||
	    spec->handle_limit > MAX_HANDLES)
		return app_file_fail(
			app, ERR_INVALID,
			"its limits (%zu bytes of memory, %zu of stack, %u handles) are "
			"more than any app may have",
			spec->memory_limit, spec->stack_size, spec->handle_limit);
	if (restart > RESTART_ALWAYS)
		return app_file_fail(app, ERR_INVALID, "its spec has the unknown restart policy %u",
		                     restart);
	spec->restart = (enum app_restart)restart;
	return 0;
}

static error_t check_table(struct app_file *app, uint32_t offset, uint32_t count, uint32_t size,
                           size_t section_size, const char *what)
{
	if (count > 0 &&
	    (offset < HEADER_SIZE || offset % TABLE_ALIGNMENT != 0 ||
	     !range_within(offset, (uint64_t)count * size, section_size)))
		return app_file_fail(app, ERR_INVALID,
		                     "the %s of its spec (%u at %#x) are not within its %#zx bytes",
		                     what, count, offset, section_size);
	return 0;
}

static error_t read_header(struct app_file *app, struct span section, struct header *header)
{
	struct reader r = reader_make(section.data, section.len);
	error_t err = check_version(app, &r, section.len);
	if (err == 0)
		err = read_numbers(app, &r);
	if (err != 0)
		return err;
	header->name = reader_le32(&r);
	header->needs = reader_le32(&r);
	header->num_needs = reader_le32(&r);
	header->provides = reader_le32(&r);
	header->num_provides = reader_le32(&r);
	header->strings = reader_le32(&r);
	header->strings_size = reader_le32(&r);
	header->runtime = reader_le32(&r);
	if (reader_status(&r) != 0)
		return app_file_fail(app, ERR_INVALID, "its spec ends within the header");
	if (header->num_needs > APP_MAX_NEEDS || header->num_provides > APP_MAX_PROVIDES)
		return app_file_fail(
			app, ERR_INVALID,
			"its spec has %u needs and provides %u services; %u and %u are "
			"the most",
			header->num_needs, header->num_provides, APP_MAX_NEEDS, APP_MAX_PROVIDES);
	err = check_table(app, header->needs, header->num_needs, NEED_SIZE, section.len, "needs");
	if (err == 0)
		err = check_table(app, header->provides, header->num_provides, PROVIDE_SIZE,
		                  section.len, "services");
	return err;
}

// --- Strings ------------------------------------------------------------------------------------

// Takes the strings over: the last one ends, so that each does.
static error_t copy_strings(struct app_file *app, struct span section, const struct header *header)
{
	uint32_t size = header->strings_size;

	if (size == 0 || size > APP_FILE_STRINGS_MAX || header->strings < HEADER_SIZE ||
	    !range_within(header->strings, size, section.len))
		return app_file_fail(app, ERR_INVALID,
		                     "the strings of its spec (%u bytes at %#x) are not within its "
		                     "%#zx bytes, or more than %u",
		                     size, header->strings, section.len, APP_FILE_STRINGS_MAX);
	memcpy(app->strings, section.data + header->strings, size);
	if (app->strings[size - 1] != '\0')
		return app_file_fail(app, ERR_INVALID, "the strings of its spec do not end");
	return 0;
}

// The string at `offset` of the section, shorter than `max`.
static error_t find_string(struct app_file *app, const struct header *header, uint32_t offset,
                           size_t max, const char *what, const char **out)
{
	uint32_t at = offset - header->strings;

	if (offset < header->strings || at >= header->strings_size)
		return app_file_fail(
			app, ERR_INVALID,
			"%s of its spec is at %#x, and the strings are %u bytes at %#x", what,
			offset, header->strings_size, header->strings);
	*out = app->strings + at;
	if (strnlen(*out, max) == max)
		return app_file_fail(app, ERR_INVALID, "%s of its spec is longer than %zu bytes",
		                     what, max - 1);
	return 0;
}

static error_t find_name(struct app_file *app, const struct header *header, uint32_t offset,
                         size_t max, const char *what, const char **out)
{
	error_t err = find_string(app, header, offset, max, what, out);

	if (err != 0)
		return err;
	for (const char *at = *out; *at != '\0'; at++) {
		if (*at <= ' ' || *at > '~')
			return app_file_fail(
				app, ERR_INVALID,
				"%s of its spec has blanks, or characters that are not "
				"ASCII",
				what);
	}
	if (**out == '\0')
		return app_file_fail(app, ERR_INVALID, "%s of its spec is empty", what);
	return 0;
}

static error_t find_value(struct app_file *app, const struct header *header, uint32_t offset,
                          const char **out)
{
	error_t err = find_string(app, header, offset, ENV_VALUE_MAX, "a fallback", out);
	size_t len = err == 0 ? strlen(*out) : 0;

	for (size_t at = 0; at < len;) {
		size_t n = text_visible(*out + at, len - at);

		if (n == 0)
			return app_file_fail(app, ERR_INVALID,
			                     "a fallback of its spec has characters that cannot be "
			                     "shown");
		at += n;
	}
	return err;
}

// --- What is needed and provided ----------------------------------------------------------------

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// The name of an app, `what` of the spec.
static error_t read_app_name(struct app_file *app, const struct header *header, uint32_t offset,
                             const char *what, const char **out)
{
	error_t err = find_name(app, header, offset, APP_NAME_MAX, what, out);

	if (err != 0)
		return err;
	for (const char *at = *out; *at != '\0'; at++) {
		if (!is_letter(*at) && (*at < '0' || *at > '9' || at == *out))
			return app_file_fail(
				app, ERR_INVALID,
				"\"%s\" is not a name for an app: letters, digits and _ "
				"make one, and no digit begins it",
				*out);
	}
	return 0;
}

static bool is_named(enum app_need_kind kind)
{
	return kind != NEED_SYSTEM && kind != NEED_LAUNCHER && kind != NEED_LOOK;
}

static error_t check_new(struct app_file *app, uint32_t index)
{
	const struct app_need *need = &app->spec.needs[index];

	for (uint32_t i = 0; i < index; i++) {
		const struct app_need *other = &app->spec.needs[i];

		if (other->kind == need->kind &&
		    (!is_named(need->kind) || strcmp(other->name, need->name) == 0))
			return app_file_fail(app, ERR_INVALID, "its spec needs %s twice",
			                     need->kind == NEED_SYSTEM             ? "the system"
			                             : need->kind == NEED_LAUNCHER ? "the launcher"
			                             : need->kind == NEED_LOOK     ? "to look"
			                                                           : need->name);
	}
	return 0;
}

static error_t read_need(struct app_file *app, struct span section, const struct header *header,
                         uint32_t index)
{
	struct reader r = reader_make(section.data + header->needs + index * NEED_SIZE, NEED_SIZE);
	struct app_need *need = &app->spec.needs[index];
	uint32_t kind = reader_le32(&r);
	uint32_t name = reader_le32(&r);
	uint32_t fallback = reader_le32(&r);
	uint32_t optional = reader_le32(&r);
	error_t err = 0;

	if (kind < NEED_SERVICE || kind > NEED_LOOK)
		return app_file_fail(app, ERR_INVALID,
		                     "need %u of its spec is of the unknown kind %u", index + 1,
		                     kind);
	if (optional > 1 || (fallback != 0 && kind != NEED_CONFIG))
		return app_file_fail(
			app, ERR_INVALID,
			"need %u of its spec has a fallback or a flag that its kind does "
			"not have",
			index + 1);
	need->kind = (enum app_need_kind)kind;
	need->optional = (int)optional;
	if (name != 0 || is_named(need->kind))
		err = find_name(app, header, name, ENV_NAME_MAX, "the name of a need", &need->name);
	if (err == 0 && fallback != 0)
		err = find_value(app, header, fallback, &need->fallback);
	return err != 0 ? err : check_new(app, index);
}

static error_t read_service(struct app_file *app, struct span section, const struct header *header,
                            uint32_t index)
{
	struct reader r =
		reader_make(section.data + header->provides + index * PROVIDE_SIZE, PROVIDE_SIZE);
	const char **provides = app->spec.provides;
	error_t err = find_name(app, header, reader_le32(&r), ENV_NAME_MAX, "a service",
	                        &provides[index]);

	for (uint32_t i = 0; err == 0 && i < index; i++) {
		if (strcmp(provides[i], provides[index]) == 0)
			err = app_file_fail(app, ERR_INVALID, "its spec provides \"%s\" twice",
			                    provides[i]);
	}
	return err;
}

error_t app_spec_read(struct app_file *app, struct span section)
{
	struct header header;
	error_t err = read_header(app, section, &header);

	if (err == 0)
		err = copy_strings(app, section, &header);
	if (err == 0)
		err = read_app_name(app, &header, header.name, "the name", &app->spec.name);
	if (err == 0 && header.runtime != 0)
		err = read_app_name(app, &header, header.runtime, "the runtime",
		                    &app->spec.runtime);
	for (uint32_t i = 0; err == 0 && i < header.num_needs; i++)
		err = read_need(app, section, &header, i);
	for (uint32_t i = 0; err == 0 && i < header.num_provides; i++)
		err = read_service(app, section, &header, i);
	return err;
}
