// SPDX-License-Identifier: MIT
#include "apps/dns/names.h"

#include "libs/base/string.h"
#include "libs/starina/alloc.h"

// --- Who asks ------------------------------------------------------------------------------------

static struct names_port *find(struct names *names, const uint8_t address[4])
{
	for (size_t i = 0; i < NAMES_PORTS_MAX; i++)
		if (names->ports[i].used && memcmp(names->ports[i].address, address, 4) == 0)
			return &names->ports[i];
	return NULL;
}

const struct names_port *names_find_port(const struct names *names, const uint8_t address[4])
{
	return find((struct names *)(uintptr_t)names, address);
}

void names_set_port(struct names *names, const struct msg_ports_port *port)
{
	struct names_port *place = find(names, port->address);

	for (size_t i = 0; place == NULL && i < NAMES_PORTS_MAX; i++)
		if (!names->ports[i].used)
			place = &names->ports[i];
	if (place == NULL)
		return;
	*place = (struct names_port){ .used = port->is_gone == 0, .reach = port->reach };
	memcpy(place->address, port->address, sizeof(place->address));
	memcpy(place->networks, port->networks, sizeof(place->networks));
}

void names_forget_ports(struct names *names)
{
	memset(names->ports, 0, sizeof(names->ports));
}

static bool is_in(const struct names_port *port, uint32_t network)
{
	for (size_t i = 0; i < NETDEV_NETWORKS_MAX; i++)
		if (network != 0 && port->networks[i] == network)
			return true;
	return false;
}

static bool has_asker(const struct names_entry *entry)
{
	static const uint8_t nobody[4];

	return memcmp(entry->asker, nobody, sizeof(nobody)) != 0;
}

static bool may_see(const struct names_port *port, const struct names_entry *entry)
{
	return has_asker(entry) ? memcmp(entry->asker, port->address, sizeof(entry->asker)) == 0
				: is_in(port, entry->network);
}

// --- The table -----------------------------------------------------------------------------------

// The next entry, and its text; false at the end, or where it is no table.
static bool next_entry(struct reader *r, struct names_entry *entry, struct span *text)
{
	if (r->rest.len == 0)
		return false;
	reader_copy(r, entry, sizeof(*entry));
	*text = reader_bytes(r, entry->length);
	return reader_status(r) == 0 && entry->length > 0 && entry->length <= NAMES_MAX;
}

error_t names_set_table(struct names *names, struct span table)
{
	struct reader r = reader_make(table.data, table.len);
	struct names_entry entry;
	struct span text;
	uint8_t *copy = NULL;

	while (next_entry(&r, &entry, &text))
		continue;
	if (r.rest.len > 0 || reader_status(&r) < 0 || table.len > NAMES_TABLE_MAX)
		return ERR_PROTOCOL;
	if (table.len > 0) {
		copy = heap_alloc(table.len);
		if (copy == NULL)
			return ERR_NO_MEMORY;
		memcpy(copy, table.data, table.len);
	}
	heap_free(names->table);
	names->table = copy;
	names->table_len = table.len;
	return 0;
}

static char small(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_name(struct span text, const char *name)
{
	for (size_t i = 0; i < text.len; i++)
		if (small((char)text.data[i]) != name[i])
			return false;
	return name[text.len] == '\0';
}

static bool is_among(const uint8_t (*found)[4], size_t count, const uint8_t address[4])
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(found[i], address, 4) == 0)
			return true;
	return false;
}

// One may have a name twice: as an alias, too.
size_t names_find(const struct names *names, const struct names_port *port, const char *name,
                  uint8_t (*out)[4], size_t max)
{
	struct reader r = reader_make(names->table, names->table_len);
	struct names_entry entry;
	struct span text;
	size_t count = 0;

	while (count < max && next_entry(&r, &entry, &text)) {
		if (!may_see(port, &entry) || !is_name(text, name) ||
		    is_among((const uint8_t(*)[4])out, count, entry.address))
			continue;
		memcpy(out[count++], entry.address, sizeof(entry.address));
	}
	return count;
}

bool names_find_address(const struct names *names, const struct names_port *port,
                        const uint8_t address[4], char out[static NAMES_MAX + 1])
{
	struct reader r = reader_make(names->table, names->table_len);
	struct names_entry entry;
	struct span text;

	while (next_entry(&r, &entry, &text)) {
		if (has_asker(&entry) || !is_in(port, entry.network) ||
		    memcmp(entry.address, address, 4) != 0)
			continue;
		memcpy(out, text.data, text.len);
		out[text.len] = '\0';
		return true;
	}
	return false;
}
