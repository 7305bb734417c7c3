// SPDX-License-Identifier: MIT
//
// Sends back each message of the echo protocol (libs/abi/echo.h), with its bytes and handles.
import { app, type Channel, log, services } from "starina";

async function serve(client: Channel) {
	for await (const message of client) {
		if (message.type === "echo")
			await client.sendWait(message);
	}
}

export default app({
	name: "parrot_ts",
	provides: ["parrot"],
	restart: "on fault",
	async main() {
		log.info("ready");
		for await (const client of services.provide("parrot")) {
			// A client that is gone while it is answered is none of the others' business.
			serve(client).catch(error => log.debug(error)).finally(() => client.close());
		}
	},
});
