// SPDX-License-Identifier: MIT
//
// The service "kv" (libs/abi/kv.h): values by their keys. apps/kv_client uses it from C.
import { app, type Channel, ERR, log, type Message, type Outgoing, services } from "starina";

const MAX_KEYS = 1000;

const values = new Map<string, Uint8Array>();

function put(key: string, value: Uint8Array): number {
	if (!values.has(key) && values.size === MAX_KEYS)
		return ERR.LIMIT;
	values.set(key, value);
	return 0;
}

// The answer to a message; undefined: it is no request of this service.
function answerTo(message: Message): Outgoing | undefined {
	const type = "kv_answer";

	switch (message.type) {
	case "kv_get": {
		const tail = values.get(message.key);
		return { type, id: message.id, error: tail === undefined ? ERR.NOT_FOUND : 0, tail: tail ?? new Uint8Array() };
	}
	case "kv_put":
		return { type, id: message.id, error: put(message.key, message.tail) };
	case "kv_remove":
		return { type, id: message.id, error: values.delete(message.key) ? 0 : ERR.NOT_FOUND };
	}
	return undefined;
}

async function serve(client: Channel): Promise<void> {
	for await (const message of client) {
		const answer = answerTo(message);

		if (answer === undefined) {
			log.warn(`a client that sends ${message.type} is let go`);
			for (const handle of "handles" in message ? message.handles : [])
				handle.close();
			break;
		}
		// A client that does not read waits for itself alone.
		await client.sendWait(answer);
	}
}

export default app({
	name: "kv_ts",
	provides: ["kv"],
	restart: "on fault",
	async main() {
		log.info("keeps values");
		for await (const client of services.provide("kv"))
			serve(client).catch(error => log.warn(error)).finally(() => client.close());
	},
});
