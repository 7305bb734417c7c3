// SPDX-License-Identifier: MIT
//
// The service "echo": sends back what it gets, handles included, as apps/echo does in C.
import { app, type Channel, log, services } from "starina";

async function serve(client: Channel): Promise<void> {
	for await (const message of client)
		await client.sendWait(message);
}

export default app({
	name: "echo_ts",
	provides: ["echo"],
	restart: "on fault",
	async main() {
		for await (const client of services.provide("echo"))
			serve(client).catch(error => log.debug(error)).finally(() => client.close());
	},
});
