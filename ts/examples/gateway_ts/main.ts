// SPDX-License-Identifier: MIT
//
// An HTTP gateway: what it does not answer itself goes to a container, to a Linux program, or to another server.
// LINUXRUN_IMAGES=alpine ./run.sh --app-ports 8080:8080, push this, and curl --data-binary @FILE http://127.0.0.1:8080/count
import { app, type Child, type Command, type Env, http, type HttpRequest, linux, log } from "starina";

const PORT = 8080;

async function feed(child: Child, request: HttpRequest) {
	for await (const piece of request.body ?? [])
		await child.stdin.write(piece);
	await child.stdin.end();
}

/** What a program writes; one that fails breaks the answer off. */
async function* output(child: Child) {
	try {
		yield* child.stdout;
		const { status, error } = await child.wait();

		if (status !== 0)
			throw new Error(`status ${status} ${error}`);
	} finally {
		child.close();
	}
}

/** Each request has a program of its own, in a virtual machine of its own: its body is stdin, stdout the answer. */
async function run(request: HttpRequest, command: Command): Promise<Response> {
	const child = await command.spawn().catch(error => log.warn(error));

	if (!child)
		return new Response("there is no room for one more\n", { status: 503 });
	child.stderr?.close();
	// A program need not read all.
	feed(child, request).catch(() => child.stdin.close());
	request.gone.then(() => child.close());
	return new Response(output(child), { headers: { "content-type": "text/plain; charset=utf-8" } });
}

/** As the other server says it. */
async function pass(request: HttpRequest, base: string, path: string): Promise<Response> {
	const { method, headers, body } = request;

	try {
		return await http.fetch(base + path, { method, headers, body, timeout: 10_000 });
	} catch (error) {
		log.warn(error);
		return new Response("the server behind this one does not answer\n", { status: 502 });
	}
}

function route(request: HttpRequest, env: Env): Response | Promise<Response> {
	const { pathname, search } = new URL(request.url);

	if (pathname === "/count")
		return run(request, linux.container(env.config("image")!, "wc", "-c"));
	if (pathname === "/sort")
		return run(request, linux.command("sort"));
	if (pathname.startsWith("/behind/"))
		return pass(request, env.config("behind")!, pathname.slice("/behind".length) + search);
	return new Response("/count is a container's, /sort a program's, /behind/ another server's.\n", { status: pathname === "/" ? 200 : 404 });
}

export default app({
	name: "gateway_ts",
	needs: [
		{ service: "tcpip" },
		{ service: "commands" },
		{ config: "image", fallback: "alpine" },
		// A server of the system, or a container's port.
		{ config: "behind", fallback: "http://127.0.0.1:80" },
	],
	restart: "on fault",

	async main(env) {
		await http.serve(PORT, request => route(request, env));
		log.info(`open at port ${PORT}`);
	},
});
