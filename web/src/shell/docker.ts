// SPDX-License-Identifier: MIT
// The shell's `docker`: the calls of the engine that are asked for most. The whole client works on the host (docs/engine.md).

import { request } from "../api/client";
import type { Container } from "../api/types";
import { need, type Command, type Output } from "./command";

const ENGINE = "/engine";

async function call<T>(method: string, path: string, body?: unknown): Promise<T | null> {
	const response = await request(method, ENGINE + path, body === undefined ? undefined : JSON.stringify(body));
	const text = await response.text();
	return text ? (JSON.parse(text) as T) : null;
}

// copyFrames: a stream of the engine in which each piece has a head of 8 bytes: which stream, and how long.
async function copyFrames(response: Response, { write }: Output): Promise<void> {
	const decoders = [new TextDecoder(), new TextDecoder(), new TextDecoder()];
	let rest = new Uint8Array();
	const reader = response.body!.getReader();
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return;
		const joined = new Uint8Array(rest.length + value.length);
		joined.set(rest);
		joined.set(value, rest.length);
		rest = joined;
		while (rest.length >= 8) {
			const size = new DataView(rest.buffer, rest.byteOffset).getUint32(4);
			if (rest.length < 8 + size) break;
			const from = rest[0] === 2 ? 2 : 1;
			write(decoders[from]!.decode(rest.subarray(8, 8 + size), { stream: true }), from === 2 ? "bad" : "plain");
			rest = rest.slice(8 + size);
		}
	}
}

async function follow(id: string, output: Output): Promise<void> {
	const path = `/containers/${encodeURIComponent(id)}/logs?follow=1&stdout=1&stderr=1`;
	await copyFrames(await request("GET", ENGINE + path, undefined, output.signal), output);
}

async function run(args: string[], output: Output): Promise<unknown> {
	const image = need(args, 0, "the image");
	const command = args.slice(1);
	const made = await call<{ Id: string }>("POST", "/containers/create", { Image: image, ...(command.length ? { Cmd: command } : {}) });
	const id = made!.Id;
	await call("POST", `/containers/${id}/start`);
	await follow(id, output);
	const end = await call<{ StatusCode: number }>("POST", `/containers/${id}/wait`);
	return { container: id.slice(0, 12), exit: end!.StatusCode };
}

async function exec(args: string[], output: Output): Promise<unknown> {
	const id = encodeURIComponent(need(args, 0, "the container"));
	need(args, 1, "the command");
	const made = await call<{ Id: string }>("POST", `/containers/${id}/exec`, {
		Cmd: args.slice(1),
		AttachStdout: true,
		AttachStderr: true,
	});
	const start = JSON.stringify({ Detach: false, Tty: false });
	await copyFrames(await request("POST", `${ENGINE}/exec/${made!.Id}/start`, start, output.signal), output);
	const end = await call<{ ExitCode: number }>("GET", `/exec/${made!.Id}/json`);
	return end!.ExitCode === 0 ? undefined : { exit: end!.ExitCode };
}

async function pull(args: string[], { signal }: Output): Promise<unknown> {
	const path = `/images/create?fromImage=${encodeURIComponent(need(args, 0, "the image"))}`;
	const text = await (await request("POST", ENGINE + path, undefined, signal)).text();
	const last = JSON.parse(text.trim().split("\n").pop() ?? "{}") as { error?: string; status?: string };
	if (last.error) throw new Error(last.error);
	return last.status;
}

const ACTIONS: Record<string, (args: string[], output: Output) => Promise<unknown>> = {
	ps: () => call<Container[]>("GET", "/containers/json?all=1"),
	images: () => call("GET", "/images/json"),
	version: () => call("GET", "/version"),
	run,
	exec,
	pull,
	logs: async (args, output) => {
		const path = `/containers/${encodeURIComponent(need(args, 0, "the container"))}/logs?stdout=1&stderr=1`;
		await copyFrames(await request("GET", ENGINE + path, undefined, output.signal), output);
	},
	attach: async (args, output) => follow(need(args, 0, "the container"), output),
	start: (args) => call("POST", `/containers/${encodeURIComponent(need(args, 0, "the container"))}/start`),
	stop: (args) => call("POST", `/containers/${encodeURIComponent(need(args, 0, "the container"))}/stop`),
	rm: (args) => call("DELETE", `/containers/${encodeURIComponent(need(args, 0, "the container"))}?force=1`),
};

export const docker: Command = {
	usage: "ACTION ...",
	help: `containers: docker ${Object.keys(ACTIONS).join(", ")}`,
	words: ["word", "container", "word"],
	run: (args, output) => {
		const action = ACTIONS[args[0] ?? ""];
		if (!action) throw new Error(`docker here can ${Object.keys(ACTIONS).join(", ")}`);
		return action(args.slice(1), output);
	},
};
