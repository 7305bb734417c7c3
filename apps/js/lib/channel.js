// SPDX-License-Identifier: MIT
import { channel, channelPrototype } from "native:channel";

export { channel };

// Sends, and waits for room where there is none.
async function sendWait(message) {
	for (;;) {
		try {
			this.send(message);
			return;
		} catch (error) {
			if (error?.code !== "ERR_FULL")
				throw error;
		}
		await this.writable();
	}
}

Object.defineProperty(channelPrototype(), "sendWait", { value: sendWait, writable: true, configurable: true });

// Closes what was added, the last first, whatever happens.
export async function scope(body) {
	const added = [];
	const add = (object) => {
		added.push(object);
		return object;
	};

	try {
		return await body({ add });
	} finally {
		while (added.length > 0)
			added.pop().close();
	}
}
