// SPDX-License-Identifier: MIT
//
// A web server: ./run.sh --app-ports 8080:8080, push this, and curl http://127.0.0.1:8080/
import { app, http, log } from "starina";

export default app({
	name: "web_hello_ts",
	needs: [{ service: "tcpip" }],

	async main() {
		await http.serve(8080, request => new Response(`Hello, ${new URL(request.url).pathname}\n`));
		log.info("serving at port 8080");
	},
});
