// SPDX-License-Identifier: MIT
//
// As little as an app can be: it tells its first client when its main began, and ends with it.
import { app, now, services } from "starina";

export default app({
	name: "bench_start_ts",
	provides: ["started"],
	async main() {
		const begin = now();
		const client = await services.provide("started").accept();

		for await (const message of client) {
			if (message.type === "echo")
				client.send({ ...message, tail: new Uint8Array(new BigUint64Array([begin]).buffer) });
		}
	},
});
