// SPDX-License-Identifier: MIT
#include "apps/containers/mac.h"

#include "libs/abi/netdev.h"
#include "libs/base/fmt.h"
#include "libs/base/hex.h"
#include "libs/base/string.h"
#include "libs/starina/alloc.h"

bool mac_read(const char *text, uint8_t out[static NETDEV_MAC_LEN])
{
	memset(out, 0, NETDEV_MAC_LEN);
	if (text[0] == '\0')
		return true;
	if (strlen(text) != MAC_TEXT_MAX - 1)
		return false;
	for (size_t i = 0; i < NETDEV_MAC_LEN; i++, text += 3) {
		int high = hex_digit((uint8_t)text[0]), low = hex_digit((uint8_t)text[1]);

		if (high < 0 || low < 0 ||
		    (i + 1 < NETDEV_MAC_LEN && text[2] != ':' && text[2] != '-'))
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	// One of the switch's: who creates a container by what inspect says of another one has
	// asked for none.
	if (out[0] == NETDEV_PORT_MAC_0 && out[1] == NETDEV_PORT_MAC_1)
		memset(out, 0, NETDEV_MAC_LEN);
	return true;
}

void mac_write(const uint8_t mac[static NETDEV_MAC_LEN], char out[static MAC_TEXT_MAX])
{
	out[0] = '\0';
	if (netdev_mac_is_set(mac))
		fmt_write(out, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		          mac[2], mac[3], mac[4], mac[5]);
}

void mac_write_record(struct json_writer *w, const uint8_t mac[static NETDEV_MAC_LEN])
{
	char text[MAC_TEXT_MAX];

	mac_write(mac, text);
	if (text[0] == '\0')
		return;
	json_write_raw(w, ",\"Mac\":");
	json_write_string(w, text);
}

void mac_read_record(struct json_reader *r, uint8_t out[static NETDEV_MAC_LEN])
{
	char *text = json_take_string(r);

	if (text != NULL && !mac_read(text, out))
		r->bad = true;
	heap_free(text);
}

error_t mac_check(const char *text, char error[static SETTINGS_ERROR_MAX])
{
	uint8_t mac[NETDEV_MAC_LEN];

	if (!mac_read(text, mac)) {
		fmt_write(error, SETTINGS_ERROR_MAX, "invalid MAC address: %.64s", text);
		return ERR_INVALID;
	}
	if (netdev_mac_is_set(mac) && !netdev_mac_is_free(mac)) {
		fmt_write(error, SETTINGS_ERROR_MAX,
		          "invalid MAC address: %s: it is a group's, or one of this machine's own "
		          "(52:55)",
		          text);
		return ERR_INVALID;
	}
	return 0;
}
