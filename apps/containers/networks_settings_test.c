// SPDX-License-Identifier: MIT
// What clients say of networks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "apps/containers/links_text.h"
#include "apps/containers/settings_networks.h"

// What docker 28 and compose send for networks without more.
static void plain(void **state)
{
	static const char *const bodies[] = {
		"{\"Name\":\"a\"}",
		"{\"Name\":\"a\",\"CheckDuplicate\":true,\"Driver\":\"bridge\",\"Scope\":\"\",\"EnableIPv6\":false,"
		"\"IPAM\":{\"Driver\":\"default\",\"Options\":{},\"Config\":[]},\"Internal\":false,"
		"\"Attachable\":false,\"Ingress\":false,\"ConfigOnly\":false,\"ConfigFrom\":null,"
		"\"Options\":{},\"Labels\":{}}",
		"{\"Name\":\"a\",\"Driver\":null,\"IPAM\":null,\"Options\":null,\"Labels\":null}",
	};
	struct network_settings s;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(network_settings_parse(&s, text_span(bodies[i]), error), 0);
		assert_string_equal(s.name, "a");
		assert_int_equal(s.subnet.prefix_len, 0);
		network_settings_deinit(&s);
	}
}

static void with_addresses(void **state)
{
	struct network_settings s;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	assert_int_equal(
		network_settings_parse(
			&s,
			text_span(
				"{\"Name\":\"test 01\",\"Internal\":true,\"Labels\":{\"x\":\"y\"},\"IPAM\":{"
				"\"Config\":[{\"Subnet\":\"172.28.0.0/16\",\"IPRange\":\"172.28.5.0/24\","
				"\"Gateway\":\"172.28.5.254\",\"AuxiliaryAddresses\":{}}]}}"),
			error),
		0);
	assert_true(s.internal);
	assert_string_equal(s.labels, "{\"x\":\"y\"}");
	assert_int_equal(s.subnet.base, 0xac1c0000);
	assert_int_equal(s.range.base, 0xac1c0500);
	assert_int_equal(s.gateway, 0xac1c05fe);
	network_settings_deinit(&s);
}

static void refused(void **state)
{
	static const struct {
		const char *body, *says;
	} cases[] = {
		{ "{}", "name is missing" },
		{ "{\"Name\":\"a/b\"}", "invalid network name" },
		{ "{\"Name\":\" a\"}", "invalid network name" },
		{ "{\"Name\":\"a \"}", "invalid network name" },
		{ "{\"Name\":\"a\\n\"}", "invalid network name" },
		{ "{\"Name\":\"a\\\"\"}", "invalid network name" },
		{ "{\"Name\":\"a\",\"Driver\":\"overlay\"}", "overlay" },
		{ "{\"Name\":\"a\",\"Scope\":\"swarm\"}", "swarm" },
		{ "{\"Name\":\"a\",\"EnableIPv6\":true}", "Cannot read IPv6 setup for bridge a: " },
		{ "{\"Name\":\"a\",\"EnableIPv4\":false}", "EnableIPv4" },
		{ "{\"Name\":\"a\",\"Options\":{\"com.docker.network.bridge.enable_icc\":\"false\"}}",
		  "Options: com.docker.network.bridge.enable_icc=false is not supported" },
		{ "{\"Name\":\"a\",\"Options\":{\"x\":\"\"}}", "Options: x= is not supported" },
		{ "{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.0.0/24\","
		  "\"AuxiliaryAddresses\":{\"a\":\"10.2.0.1\"}}]}}",
		  "no matching subnet for aux-address 10.2.0.1" },
		{ "{\"Name\":\"a\",\"IPAM\":{\"Driver\":\"dhcp\"}}", "IPAM.Driver dhcp" },
		{ "{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Gateway\":\"1.2.3.4\"}]}}",
		  "needs a Subnet" },
		{ "{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Subnet\":\"fd00::/64\"}]}}",
		  "invalid subnet" },
		{ "{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Subnet\":\"127.0.0.0/8\"}]}}",
		  "invalid subnet" },
		{ "{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.0.0/24\",\"Gateway\":"
		  "\"10.2.0.1\"}]}}",
		  "no matching subnet for gateway" },
		{ "{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.0.0/24\",\"IPRange\":"
		  "\"10.2.0.0/24\"}]}}",
		  "invalid ip-range" },
		{ "{\"Name\":\"a\",\"IPAM\":{\"Config\":[{\"Subnet\":\"10.1.0.0/24\"},{\"Subnet\":"
		  "\"10.2.0.0/24\"}]}}",
		  "one IPv4 subnet" },
		{ "{\"Name\":\"a\",\"IPAM\":{\"Config\":{}}}", "" },
		{ "[]", "not a JSON object" },
	};
	struct network_settings s;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(network_settings_parse(&s, text_span(cases[i].body), error) < 0);
		network_settings_deinit(&s);
		if (strstr(error, cases[i].says) == NULL)
			fail_msg("%s: %s", cases[i].body, error);
	}
}

// --- A container's -------------------------------------------------------------------------------

static error_t note(void *context, const char *network, const struct endpoint_settings *endpoint,
                    char error[static SETTINGS_ERROR_MAX])
{
	char *out = context;

	error[0] = '\0';
	strcat(out, network);
	for (size_t i = 0; i < endpoint->aliases.count; i++) {
		strcat(out, " ");
		strcat(out, endpoint->aliases.items[i]);
	}
	strcat(out, endpoint->address != NULL ? " at " : "");
	strcat(out, endpoint->address != NULL ? endpoint->address : "");
	strcat(out, ";");
	return 0;
}

// What has no effect but on inspect, or on the addresses that are given out.
static void with_options(void **state)
{
	struct network_settings s;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	assert_int_equal(
		network_settings_parse(
			&s,
			text_span("{\"Name\":\"a\",\"Attachable\":true,\"Options\":{"
	                          "\"com.docker.network.driver.mtu\":\"1450\","
	                          "\"com.docker.network.bridge.enable_icc\":\"true\"},\"IPAM\":{"
	                          "\"Config\":[{\"Subnet\":\"10.1.0.0/24\",\"AuxiliaryAddresses\":{"
	                          "\"a\":\"10.1.0.7\",\"b\":\"10.1.0.9\"}}]}}"),
			error),
		0);
	assert_true(s.attachable && s.options != NULL && s.auxiliary != NULL);
	assert_true(network_reserves(&s, 0x0a010007) && network_reserves(&s, 0x0a010009));
	assert_false(network_reserves(&s, 0x0a010008));
	network_settings_deinit(&s);
}

static void links(void **state)
{
	static const char *const bad[] = { "",    ":",   "a:",   ":a",     "a:b:c",
		                           "a b", "a:/", "a:/b", "/a:/b/", "a:b/c" };
	char target[LINK_NAME_MAX], alias[LINK_NAME_MAX];

	(void)state;
	assert_true(link_read("db", target, alias));
	assert_string_equal(target, "db");
	assert_string_equal(alias, "db");
	assert_true(link_read("app_db_1:data-base", target, alias));
	assert_string_equal(target, "app_db_1");
	assert_string_equal(alias, "data-base");
	assert_true(link_read("/db:/web/store", target, alias));
	assert_string_equal(target, "db");
	assert_string_equal(alias, "store");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(link_read(bad[i], target, alias));
	link_prefix("data-base.x", target);
	assert_string_equal(target, "DATA_BASE.X");
}

static void endpoints(void **state)
{
	char error[SETTINGS_ERROR_MAX], seen[256] = "";

	(void)state;
	assert_int_equal(
		networking_read(
			"{\"EndpointsConfig\":{\"front\":{\"Aliases\":[\"web\",\"w-1\"],\"IPAMConfig\":{"
			"\"IPv4Address\":\"172.18.0.9\"},\"Links\":null,\"DriverOpts\":{},\"MacAddress\":\"02:42:AC:11:00:0a\"},"
			"\"back\":null,\"more\":{\"IPAMConfig\":{\"IPv6Address\":\"\","
			"\"LinkLocalIPs\":[]},\"Aliases\":null,\"GwPriority\":1}}}",
			note, seen, error),
		0);
	assert_string_equal(seen, "front web w-1 at 172.18.0.9;back;more;");
	for (const char *const *p =
	             (const char *const[]){
			     "{\"EndpointsConfig\":{\"a/b\":{}}}",
			     "{\"EndpointsConfig\":{\"a\":{\"Aliases\":[\"b c\"]}}}",
			     "{\"EndpointsConfig\":{\"a\":{\"IPAMConfig\":{\"IPv4Address\":\"x\"}}}}",
			     "{\"EndpointsConfig\":{\"a\":{\"MacAddress\":\"02:00:00:00:00:0g\"}}}",
			     "{\"EndpointsConfig\":[]}", "{\"Endpoints\":{\"a\":1}}", NULL };
	     *p != NULL; p++)
		assert_true(networking_read(*p, note, seen, error) < 0);
	assert_true(networking_read("{\"EndpointsConfig\":{\"a\":{\"IPAMConfig\":{"
	                            "\"LinkLocalIPs\":[\"169.254.8.8\"]}}}}",
	                            note, seen, error) < 0);
	assert_non_null(strstr(error, "LinkLocalIPs: all networks of a container share one card"));
	assert_int_equal(networking_read(NULL, note, seen, error), 0);
}

static void one_network(void **state)
{
	static const char *const fine[] = { NULL, "{}", "{\"EndpointsConfig\":null}",
		                            "{\"EndpointsConfig\":{}}",
		                            "{\"EndpointsConfig\":{\"a\":{}}}" };
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		assert_int_equal(networking_check_single(fine[i], error), 0);
	assert_int_equal(
		networking_check_single("{\"EndpointsConfig\":{\"a\":{},\"b\":null}}", error),
		ERR_INVALID);
	assert_string_equal(error, "Container cannot be connected to network endpoints: a, b");
}

static void connecting(void **state)
{
	struct connect_settings s;
	char error[SETTINGS_ERROR_MAX];

	(void)state;
	assert_int_equal(
		connect_settings_parse(&s,
	                               text_span("{\"Container\":\"c\",\"Force\":true,"
	                                         "\"EndpointConfig\":{\"Aliases\":[\"a\"]}}"),
	                               error),
		0);
	assert_string_equal(s.container, "c");
	assert_string_equal(s.endpoint, "{\"Aliases\":[\"a\"]}");
	connect_settings_deinit(&s);
	assert_int_equal(connect_settings_parse(&s, text_span("{}"), error), ERR_INVALID);
	connect_settings_deinit(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),       cmocka_unit_test(with_addresses),
		cmocka_unit_test(refused),     cmocka_unit_test(with_options),
		cmocka_unit_test(links),       cmocka_unit_test(endpoints),
		cmocka_unit_test(one_network), cmocka_unit_test(connecting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
