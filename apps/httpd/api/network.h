// SPDX-License-Identifier: MIT
//
// The service "traffic" (libs/abi/traffic.h), as its client.
#pragma once

#include "apps/httpd/api/client.h"
#include "libs/abi/traffic.h"
#include "libs/base/list.h"

// The uplink, our own TCP/IP and the virtual machines; of more, the first ones are shown.
#define NETWORK_MAX_PORTS 40u

struct httpd;

struct network_client {
	struct api_client client;
	bool asked;        // an answer is awaited
	struct list jobs;  // requests that wait for it
	// What was told last, and when.
	nsec_t time;
	struct netdev_network own;
	struct traffic_port ports[NETWORK_MAX_PORTS];
	uint32_t num_ports;
};

// Connects, if the image has the service.
void network_client_start(struct httpd *httpd);
