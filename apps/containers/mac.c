// SPDX-License-Identifier: MIT
#include "apps/containers/mac.h"

#include "apps/containers/containers.h"
#include "apps/containers/networks.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

static const uint8_t none[MAC_LEN];

static bool is_set(const uint8_t mac[MAC_LEN])
{
	return memcmp(mac, none, MAC_LEN) != 0;
}

const uint8_t *mac_wanted(const struct container *c)
{
	list_for_each(entry, &c->endpoints) {
		const struct endpoint *endpoint = container_of(entry, struct endpoint, entry);

		if (is_set(endpoint->mac))
			return endpoint->mac;
	}
	return NULL;
}

error_t mac_fits(const struct container *c, const uint8_t mac[static MAC_LEN],
                 char error[static SETTINGS_ERROR_MAX])
{
	const uint8_t *wanted = mac_wanted(c);
	char text[MAC_TEXT_MAX];

	if (!is_set(mac) || (wanted != NULL && memcmp(mac, wanted, MAC_LEN) == 0) ||
	    (wanted == NULL && !endpoint_is_active(c)))
		return 0;
	mac_show(c, text);
	fmt_write(error, SETTINGS_ERROR_MAX,
	          "a container has one network card, and one MAC address in all of its networks: "
	          "%s",
	          text);
	return ERR_INVALID;
}

error_t mac_take(const struct container *c, char error[static SETTINGS_ERROR_MAX])
{
	const uint8_t *wanted = mac_wanted(c), *held;

	if (wanted == NULL)
		return 0;
	list_for_each(entry, &c->all->containers) {
		const struct container *other = container_of(entry, struct container, entry);

		held = mac_wanted(other);
		if (other == c || !endpoint_is_active(other) || held == NULL ||
		    memcmp(held, wanted, MAC_LEN) != 0)
			continue;
		fmt_write(error, SETTINGS_ERROR_MAX, "MAC address already in use by container %s",
		          other->name);
		return ERR_EXISTS;
	}
	return 0;
}

void mac_show(const struct container *c, char out[static MAC_TEXT_MAX])
{
	const uint8_t *wanted = mac_wanted(c), *a = c->address;
	// As the switch makes it of the address that it gave.
	const uint8_t given[MAC_LEN] = {
		NETDEV_PORT_MAC_0, NETDEV_PORT_MAC_1, a[0], a[1], a[2], a[3]
	};

	if (wanted == NULL && address_load(a) == 0)
		wanted = none;
	mac_write(wanted != NULL ? wanted : given, out);
}
