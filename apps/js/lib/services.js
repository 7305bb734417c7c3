// SPDX-License-Identifier: MIT
import { connect, accept } from "native:service";
import { config, given, name, restarts } from "native:environ";
import { device, kept } from "./device.js";
import { system } from "./system.js";

// The clients of a service, one channel each, as an iteration without an end.
class Service {
	#name;

	constructor(name) {
		this.#name = name;
	}

	accept() {
		return accept(this.#name);
	}

	next() {
		return accept(this.#name).then((value) => ({ value, done: false }));
	}

	[Symbol.asyncIterator]() {
		return this;
	}
}

// Calls `use` with each connection, for as long as `use` ends because the provider is gone. The code
// alone does not tell: another peer may be gone, and a peer may say this code in an answer.
async function client(name, use) {
	for (;;) {
		const channel = await connect(name);

		try {
			await use(channel);
		} catch (error) {
			if (error?.code !== "ERR_PEER_CLOSED" || channel.closed || !channel.peerClosed) {
				channel.close();
				throw error;
			}
		}
		if (channel.closed || !channel.peerClosed)
			return;
		channel.close();
	}
}

export const services = {
	connect: async (name) => connect(name),
	provide: (name) => new Service(name),
	client,
};

export const env = {
	service: services.connect,
	config,
	given,
	device,
	kept,
	system,
	name: name(),
	restarts: restarts(),
};
