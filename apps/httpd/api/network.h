// SPDX-License-Identifier: MIT
//
// What the service "traffic" (libs/abi/traffic.h) tells.
#pragma once

#include "apps/httpd/api/asked.h"
#include "libs/abi/traffic.h"

// The uplink, our own TCP/IP and the virtual machines; of more, the first ones are shown.
#define NETWORK_MAX_PORTS 40u

struct network {
	struct asked_document asked;
	struct netdev_network own;
	struct traffic_port ports[NETWORK_MAX_PORTS];
	uint32_t num_ports;
};

// Connects, if the image has the service.
void network_start(struct httpd *httpd);
