// SPDX-License-Identifier: MIT
//
// Ports as JSON, in the forms of Docker's API and of the record.
#include "apps/containers/containers.h"
#include "apps/containers/settings_own.h"
#include "libs/base/fmt.h"
#include "libs/starina/alloc.h"

#define ADDRESS_TEXT_MAX 16u

static void address_text(const uint8_t a[4], char out[static ADDRESS_TEXT_MAX])
{
	fmt_write(out, ADDRESS_TEXT_MAX, "%u.%u.%u.%u", a[0], a[1], a[2], a[3]);
}

bool ports_are_published(const struct container *c)
{
	return settings_has_network(&c->settings);
}

static error_t add_once(struct port_list *list, const struct port *port)
{
	const struct port exposed = { .protocol = port->protocol, .number = port->number };

	return port_list_has(list, &exposed) ? 0 : port_list_add(list, &exposed);
}

error_t ports_exposed(const struct container *c, struct port_list *out)
{
	const struct image *image = container_image(c);
	const struct settings *s = &c->settings;
	error_t err = 0;

	*out = (struct port_list){ 0 };
	for (size_t i = 0; i < s->ports.count && err == 0; i++)
		err = add_once(out, &s->ports.items[i]);
	for (size_t i = 0; i < s->exposed.count && err == 0; i++)
		err = add_once(out, &s->exposed.items[i]);
	for (size_t i = 0; image != NULL && i < image->exposed.count && err == 0; i++) {
		struct port port;

		if (port_read(&port, image->exposed.items[i]))
			err = add_once(out, &port);
	}
	return err;
}

// --- For clients ---------------------------------------------------------------------------------

void show_ports_config(struct json_writer *w, const struct container *c)
{
	struct port_list exposed;
	char text[PORT_TEXT_MAX];

	if (ports_exposed(c, &exposed) < 0)
		w->bad = true;
	json_write_raw(w, "{");
	for (size_t i = 0; i < exposed.count; i++) {
		port_text(&exposed.items[i], text);
		json_write_raw(w, i > 0 ? ",\"" : "\"");
		json_write_raw(w, text);
		json_write_raw(w, "\":{}");
	}
	json_write_raw(w, "}");
	port_list_deinit(&exposed);
}

static void write_places(struct json_writer *w, const struct container *c, const struct port *port)
{
	bool first = true;

	for (size_t i = 0; i < c->ports.count; i++) {
		const struct port *p = &c->ports.items[i];
		char address[ADDRESS_TEXT_MAX], number[8];

		if (p->protocol != port->protocol || p->number != port->number)
			continue;
		address_text(p->host, address);
		fmt_write(number, sizeof(number), "%u", p->host_port);
		json_write_raw(w, first ? "[{\"HostIp\":" : ",{\"HostIp\":");
		json_write_string(w, address);
		json_write_raw(w, ",\"HostPort\":");
		json_write_string(w, number);
		json_write_raw(w, "}");
		first = false;
	}
	json_write_raw(w, first ? "null" : "]");
}

void show_ports(struct json_writer *w, const struct container *c)
{
	struct port_list exposed = { 0 };
	char text[PORT_TEXT_MAX];

	json_write_raw(w, "{");
	if (c->started && ports_are_published(c) && ports_exposed(c, &exposed) < 0)
		w->bad = true;
	for (size_t i = 0; i < exposed.count; i++) {
		port_text(&exposed.items[i], text);
		json_write_raw(w, i > 0 ? ",\"" : "\"");
		json_write_raw(w, text);
		json_write_raw(w, "\":");
		write_places(w, c, &exposed.items[i]);
	}
	json_write_raw(w, "}");
	port_list_deinit(&exposed);
}

static void write_summary(struct json_writer *w, const struct port *port, bool first)
{
	char address[ADDRESS_TEXT_MAX];

	json_write_raw(w, first ? "{" : ",{");
	if (port->host_port != 0) {
		address_text(port->host, address);
		json_write_raw(w, "\"IP\":");
		json_write_string(w, address);
		json_write_raw(w, ",\"PublicPort\":");
		json_write_i64(w, port->host_port);
		json_write_raw(w, ",");
	}
	json_write_raw(w, "\"PrivatePort\":");
	json_write_i64(w, port->number);
	json_write_raw(w, port->protocol == HOST_UDP ? ",\"Type\":\"udp\"}" : ",\"Type\":\"tcp\"}");
}

void show_ports_summary(struct json_writer *w, const struct container *c)
{
	struct port_list exposed = { 0 };
	bool first = true;

	json_write_raw(w, "[");
	if (c->started && ports_are_published(c) && ports_exposed(c, &exposed) < 0)
		w->bad = true;
	for (size_t i = 0; c->started && i < c->ports.count; i++, first = false)
		write_summary(w, &c->ports.items[i], first);
	for (size_t i = 0; i < exposed.count; i++) {
		if (port_list_has(&c->ports, &exposed.items[i]))
			continue;
		write_summary(w, &exposed.items[i], first);
		first = false;
	}
	json_write_raw(w, "]");
	port_list_deinit(&exposed);
}

// --- The record ----------------------------------------------------------------------------------

void ports_write_record(struct json_writer *w, const struct container *c)
{
	char text[PORT_TEXT_MAX], address[ADDRESS_TEXT_MAX];

	json_write_raw(w, "[");
	for (size_t i = 0; i < c->ports.count; i++) {
		const struct port *port = &c->ports.items[i];

		port_text(port, text);
		address_text(port->host, address);
		json_write_raw(w, i > 0 ? ",{\"Port\":" : "{\"Port\":");
		json_write_string(w, text);
		json_write_raw(w, ",\"Address\":");
		json_write_string(w, address);
		json_write_raw(w, ",\"HostPort\":");
		json_write_i64(w, port->host_port);
		json_write_raw(w, "}");
	}
	json_write_raw(w, "]");
}

static void read_one(struct json_reader *r, struct port *port)
{
	struct span key;

	json_enter_object(r);
	while (json_next_member(r, &key)) {
		uint64_t number;
		char *text;

		if (span_is(key, "HostPort")) {
			number = json_take_u64(r);
			port->host_port = (uint16_t)number;
			r->bad = r->bad || number > UINT16_MAX;
			continue;
		}
		text = json_take_string(r);
		if (text == NULL ||
		    !(span_is(key, "Port") ? port_read(port, text) : port_read_address(port, text)))
			r->bad = true;
		heap_free(text);
	}
}

void ports_read_record(struct json_reader *r, struct port_list *ports)
{
	port_list_deinit(ports);
	json_enter_array(r);
	while (json_next_element(r)) {
		struct port port = { 0 };

		read_one(r, &port);
		r->bad = r->bad || port.number == 0;
		if (json_reader_status(r) == 0 && port_list_add(ports, &port) < 0)
			r->bad = true;
	}
}
