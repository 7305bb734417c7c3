// SPDX-License-Identifier: MIT
//
// The smallest app.
import { app, log } from "starina";

export default app({
	name: "hello_ts",
	needs: [{ config: "greeting", fallback: "Hello from TypeScript" }],
	main(env) {
		log.info(`${env.config("greeting")}`);
	},
});
