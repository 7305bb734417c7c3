// SPDX-License-Identifier: MIT
//
// Which ports a container's are: ExposedPorts and HostConfig.PortBindings.
#include "apps/containers/settings_own.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"
#include "libs/linux/image/string_list.h"
#include "libs/starina/alloc.h"

static bool read_key(struct port *port, struct span key)
{
	char text[PORT_TEXT_MAX];

	if (key.len >= sizeof(text))
		return false;
	memcpy(text, key.data, key.len);
	text[key.len] = '\0';
	return port_read(port, text);
}

static error_t refuse_key(struct span key, char error[static SETTINGS_ERROR_MAX])
{
	fmt_write(error, SETTINGS_ERROR_MAX,
	          "invalid port specification: \"%.*s\": it is a number, with /tcp or /udp",
	          (int)(key.len < 32 ? key.len : 32), (const char *)key.data);
	return ERR_INVALID;
}

static error_t add(struct port_list *list, const struct port *port,
                   char error[static SETTINGS_ERROR_MAX])
{
	error_t err = port_list_add(list, port);

	if (err != ERR_LIMIT)
		return err;
	fmt_write(error, SETTINGS_ERROR_MAX, "a container has at most %u ports", PORT_LIST_MAX);
	return ERR_INVALID;
}

error_t settings_take_exposed(struct settings *settings, struct json_reader *r,
                              char error[static SETTINGS_ERROR_MAX])
{
	struct span key;
	error_t err = 0;

	port_list_deinit(&settings->exposed);
	json_enter_object(r);
	while (err == 0 && json_next_member(r, &key)) {
		struct port port = { 0 };

		json_skip(r);
		if (!read_key(&port, key))
			err = refuse_key(key, error);
		else if (!port_list_has(&settings->exposed, &port))
			err = add(&settings->exposed, &port, error);
	}
	return err;
}

// Where on the host: {"HostIp":"","HostPort":"8080"}.
static error_t take_place(struct port *port, struct json_reader *r,
                          char error[static SETTINGS_ERROR_MAX])
{
	struct span key;
	error_t err = 0;

	memset(port->host, 0, sizeof(port->host));
	port->first = port->last = 0;
	json_enter_object(r);
	while (err == 0 && json_next_member(r, &key)) {
		char *text = json_take_null(r) ? string_copy("") : json_take_string(r);
		bool is_address = field_is(key, "HostIp");

		if (text == NULL) {
			err = json_reader_status(r) == 0 ? ERR_NO_MEMORY : ERR_PROTOCOL;
		} else if (is_address && !port_read_address(port, text)) {
			fmt_write(
				error, SETTINGS_ERROR_MAX,
				"invalid IP address: %.64s: ports are published on addresses of IPv4",
				text);
			err = ERR_INVALID;
		} else if (!is_address &&
		           (!field_is(key, "HostPort") || !port_read_host(port, text))) {
			fmt_write(
				error, SETTINGS_ERROR_MAX,
				"invalid port specification: \"%.64s\": HostPort is such as 8080 or "
				"8000-8010",
				text);
			err = ERR_INVALID;
		}
		heap_free(text);
	}
	return err;
}

static error_t take_places(struct settings *settings, struct port *port, struct json_reader *r,
                           char error[static SETTINGS_ERROR_MAX])
{
	error_t err = 0;

	if (json_take_null(r))
		return 0;
	json_enter_array(r);
	while (err == 0 && json_next_element(r)) {
		err = take_place(port, r, error);
		if (err == 0 && json_reader_status(r) == 0)
			err = add(&settings->ports, port, error);
	}
	return err;
}

error_t settings_take_ports(struct settings *settings, struct json_reader *r,
                            char error[static SETTINGS_ERROR_MAX])
{
	struct span key;
	error_t err = 0;

	port_list_deinit(&settings->ports);
	json_enter_object(r);
	while (err == 0 && json_next_member(r, &key)) {
		struct port port = { 0 };

		err = read_key(&port, key) ? take_places(settings, &port, r, error)
					   : refuse_key(key, error);
	}
	return err;
}
