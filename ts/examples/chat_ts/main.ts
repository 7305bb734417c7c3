// SPDX-License-Identifier: MIT
//
// A chat: a page, and a WebSocket for each who has it open. ./run.sh --app-ports 8082:8082, push this, and open
// http://127.0.0.1:8082/ twice.
import { app, http, type HttpRequest, log, type WebSocket } from "starina";
import { page } from "./page";

const PORT = 8082;
const LAST_MAX = 50;
const TEXT_MAX = 500;
// What the page's script is, and whom it may talk to.
const POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'";

const present = new Map<WebSocket, string>();
const last: string[] = [];
let count = 0;

/** Who does not take what is said has to leave: nobody waits for him. */
function tell(socket: WebSocket, line: string) {
	try {
		socket.send(line);
	} catch {
		socket.close(1008, "too slow");
	}
}

function say(from: string, text: string) {
	const line = JSON.stringify({ from, text });

	last.push(line);
	last.splice(0, last.length - LAST_MAX);
	for (const socket of present.keys())
		tell(socket, line);
}

/** A page of somebody else's, in the same browser, is not let in. */
function isOurs(request: HttpRequest): boolean {
	const origin = request.headers.get("origin");

	return origin === null || origin === `http://${request.headers.get("host")}`;
}

async function chat(request: HttpRequest) {
	const socket = request.upgrade({ maxMessage: 4 * TEXT_MAX });
	const name = `guest ${++count}`;

	for (const line of last)
		tell(socket, line);
	present.set(socket, name);
	say("chat", `${name} has come`);
	for await (const message of socket) {
		if (typeof message === "string" && message.length <= TEXT_MAX)
			say(name, message);
	}
	present.delete(socket);
	say("chat", `${name} has gone`);
}

async function answer(request: HttpRequest): Promise<Response | void> {
	switch (new URL(request.url).pathname) {
	case "/":
		return new Response(page, { headers: { "content-type": "text/html; charset=utf-8", "content-security-policy": POLICY } });
	case "/chat":
		return isOurs(request) ? chat(request).then(() => undefined) : new Response("not from here\n", { status: 403 });
	default:
		return new Response("there is no such page\n", { status: 404 });
	}
}

export default app({
	name: "chat_ts",
	needs: [{ service: "tcpip" }],
	restart: "on fault",

	async main() {
		await http.serve(PORT, answer);
		log.info(`open at port ${PORT}`);
	},
});
