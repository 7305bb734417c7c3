// SPDX-License-Identifier: MIT
import { channel, channelPrototype } from "native:channel";

export { channel };

// A method of channels, and of WebSockets: sends, and waits for room where there is none.
export async function sendWait(message) {
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

// Closes what was added, the last first, whatever happens. The error of the body counts before those
// of what it added, and of these the first.
export async function scope(body) {
	const added = [];
	const add = (object) => {
		added.push(object);
		return object;
	};

	const errors = [];
	let result;

	try {
		result = await body({ add });
	} catch (error) {
		errors.push(error);
	}
	while (added.length > 0) {
		try {
			added.pop().close();
		} catch (error) {
			errors.push(error);
		}
	}
	if (errors.length > 0)
		throw errors[0];
	return result;
}
