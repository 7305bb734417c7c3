// SPDX-License-Identifier: MIT
// The shell's `docker`: the calls of the engine that are asked for most. The whole client works on the host (docs/engine.md).

import { containerPath, create, engine, engineRequest, pull } from "../api/engine";
import { readFrames } from "../api/frames";
import type { Container } from "../api/types";
import { attachTo, execInContainer, runContainer } from "../views/container_actions";
import { need, type Command, type Output } from "./command";

type Action = (args: string[], output: Output) => Promise<unknown>;

// flagsOf: takes the options of one letter from the beginning of `args`.
function flagsOf(args: string[]): string {
	let flags = "";
	while (/^-[a-z]+$/.test(args[0] ?? "")) flags += args.shift()!.slice(1);
	return flags;
}

async function copyFrames(response: Response, { write }: Output): Promise<void> {
	const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
	await readFrames(response, (bytes, from) => write(decoders[from].decode(bytes, { stream: true }), from === "stderr" ? "bad" : "plain"));
}

async function logs(id: string, follow: boolean, output: Output): Promise<void> {
	const path = `${containerPath(id)}/logs?stdout=1&stderr=1${follow ? "&follow=1" : ""}`;
	await copyFrames(await engineRequest("GET", path, undefined, output.signal), output);
}

async function run(args: string[], output: Output): Promise<unknown> {
	const flags = flagsOf(args);
	const image = need(args, 0, "the image");
	const command = args.slice(1);
	if (flags.includes("i")) return runContainer(image, command);
	const id = await create(image, command.length ? { Cmd: command } : {}, (text) => output.write(`${text}\n`), output.signal);
	await engine("POST", `${containerPath(id)}/start`);
	if (flags.includes("d")) return { container: id.slice(0, 12) };
	await logs(id, true, output);
	const end = await engine<{ StatusCode: number }>("POST", `${containerPath(id)}/wait`);
	return { container: id.slice(0, 12), exit: end!.StatusCode };
}

async function exec(args: string[], output: Output): Promise<unknown> {
	const flags = flagsOf(args);
	const id = need(args, 0, "the container");
	need(args, 1, "the command");
	if (flags.includes("i")) return execInContainer(id, args.slice(1));
	const made = await engine<{ Id: string }>("POST", `${containerPath(id)}/exec`, {
		Cmd: args.slice(1),
		AttachStdout: true,
		AttachStderr: true,
	});
	const path = `/exec/${made!.Id}`;
	await copyFrames(await engineRequest("POST", `${path}/start`, { Detach: false, Tty: false }, output.signal), output);
	const end = await engine<{ ExitCode: number }>("GET", `${path}/json`);
	return end!.ExitCode === 0 ? undefined : { exit: end!.ExitCode };
}

// on: one call for each of the containers.
function on(method: string, action: string): Action {
	return async (args) => {
		need(args, 0, "the container");
		for (const name of args) await engine(method, containerPath(name) + action);
	};
}

const ACTIONS: Record<string, Action> = {
	ps: () => engine<Container[]>("GET", "/containers/json?all=1"),
	images: () => engine("GET", "/images/json"),
	version: () => engine("GET", "/version"),
	run,
	exec,
	pull: async (args, output) => {
		await pull(need(args, 0, "the image"), (text) => output.write(`${text}\n`), output.signal);
	},
	logs: async (args, output) => {
		const flags = flagsOf(args);
		await logs(need(args, 0, "the container"), flags.includes("f"), output);
	},
	attach: async (args) => attachTo(need(args, 0, "the container")),
	start: on("POST", "/start"),
	stop: on("POST", "/stop"),
	kill: on("POST", "/kill"),
	rm: on("DELETE", "?force=1"),
};

export const docker: Command = {
	usage: "ACTION ...",
	help: `containers: docker ${Object.keys(ACTIONS).join(", ")}; with -it, and to attach, in a terminal of their own`,
	words: ["word", "container", "word"],
	run: (args, output) => {
		const action = ACTIONS[args[0] ?? ""];
		if (!action) throw new Error(`docker here can ${Object.keys(ACTIONS).join(", ")}`);
		return action(args.slice(1), output);
	},
};
