// SPDX-License-Identifier: MIT
#include "apps/containers/mac.h"

#include "apps/containers/containers.h"
#include "apps/containers/networks.h"
#include "libs/base/fmt.h"
#include "libs/base/string.h"

// The one that an endpoint asks for; NULL: none does.
static const uint8_t *asked(const struct container *c)
{
	list_for_each(entry, &c->endpoints) {
		const struct endpoint *endpoint = container_of(entry, struct endpoint, entry);

		if (netdev_mac_is_set(endpoint->mac))
			return endpoint->mac;
	}
	return NULL;
}

// The one that its card has by name, or will have; NULL: the switch's choice.
static const uint8_t *named(const struct container *c)
{
	if (netdev_mac_is_set(c->mac))
		return c->mac;
	return endpoint_is_active(c) ? NULL : asked(c);
}

error_t mac_fits(const struct container *c, const uint8_t mac[static NETDEV_MAC_LEN],
                 char error[static SETTINGS_ERROR_MAX])
{
	const uint8_t *wanted = named(c);
	char text[MAC_TEXT_MAX];

	if (!netdev_mac_is_set(mac) ||
	    (wanted != NULL && memcmp(mac, wanted, NETDEV_MAC_LEN) == 0) ||
	    (wanted == NULL && !endpoint_is_active(c)))
		return 0;
	mac_show(c, text);
	fmt_write(error, SETTINGS_ERROR_MAX,
	          "a container has one network card, and one MAC address in all of its networks: "
	          "%s",
	          text);
	return ERR_INVALID;
}

error_t mac_take(struct container *c, char error[static SETTINGS_ERROR_MAX])
{
	const uint8_t *wanted = asked(c);

	if (wanted == NULL)
		return 0;
	list_for_each(entry, &c->all->containers) {
		const struct container *other = container_of(entry, struct container, entry);

		if (other == c || memcmp(other->mac, wanted, NETDEV_MAC_LEN) != 0)
			continue;
		fmt_write(error, SETTINGS_ERROR_MAX, "MAC address already in use by container %s",
		          other->name);
		return ERR_EXISTS;
	}
	memcpy(c->mac, wanted, sizeof(c->mac));
	return 0;
}

void mac_release(struct container *c)
{
	memset(c->mac, 0, sizeof(c->mac));
}

void mac_show(const struct container *c, char out[static MAC_TEXT_MAX])
{
	static const uint8_t none[NETDEV_MAC_LEN];
	const uint8_t *wanted = named(c), *a = c->address;
	// As the switch makes it of the address that it gave.
	const uint8_t given[NETDEV_MAC_LEN] = {
		NETDEV_PORT_MAC_0, NETDEV_PORT_MAC_1, a[0], a[1], a[2], a[3]
	};

	if (wanted == NULL && address_load(a) == 0)
		wanted = none;
	mac_write(wanted != NULL ? wanted : given, out);
}
