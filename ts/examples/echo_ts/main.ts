// SPDX-License-Identifier: MIT
//
// The service "echo": sends back what it gets, handles included, as apps/echo does in C.
import { app, services, type Channel } from "starina";

async function serve(client: Channel): Promise<void> {
	for await (const message of client)
		await client.sendWait(message);
	client.close();
}

export default app({
	name: "echo_ts",
	provides: ["echo"],
	restart: "on fault",
	async main() {
		for await (const client of services.provide("echo"))
			void serve(client);
	},
});
