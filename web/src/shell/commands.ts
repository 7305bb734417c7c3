// SPDX-License-Identifier: MIT
// The shell's commands. Each is a call of the API.

import { get, request, send, stream } from "../api/client";
import { apps } from "../api/apps";
import { containers } from "../api/containers";
import { processes } from "../api/live";
import { hasRoute } from "../api/routes";
import type { Disks, Folder, Handle, LogLine, Logs, Process, Thread } from "../api/types";
import { sinceBoot } from "../format";
import { go, views } from "../ui/route";
import { need, type Command } from "./command";
import { docker } from "./docker";

// processOf: by number or name.
async function processOf(word: string, signal: AbortSignal): Promise<Process> {
	const list = await get<Process[]>("processes", signal);
	const found = list.find((process) => String(process.id) === word) ?? list.find((process) => process.name === word);
	if (!found) throw new Error(`there is no process ${word}: "ps" lists them`);
	return found;
}

function app(action: string): Command["run"] {
	return async (args) => {
		for (const name of args.length ? args : [need(args, 0, "the app's name")]) {
			await send("POST", `apps/${encodeURIComponent(name)}/${action}`, {});
		}
		return undefined;
	};
}

function lineText(line: LogLine): string {
	return `${sinceBoot(line.time_ns)} ${line.level.padEnd(5)} ${line.app}: ${line.text}\n`;
}

async function logsOf(args: string[], { write, signal }: Parameters<Command["run"]>[1]): Promise<unknown> {
	const follow = args.includes("-f");
	const name = args.find((word) => !word.startsWith("-"));
	const query = name ? `&app=${encodeURIComponent(name)}` : "";
	if (!follow) return (await get<Logs>(`logs?limit=200${query}`, signal)).lines;
	for await (const line of stream<LogLine>("GET", `logs?follow=1${query}`, undefined, signal)) {
		if (line.text !== undefined) write(lineText(line), line.level === "error" ? "bad" : "plain");
	}
	return undefined;
}

interface Piece {
	stream?: "stdout" | "stderr";
	data?: string;
	exit?: number;
}

async function runLinux(args: string[], { write, signal }: Parameters<Command["run"]>[1]): Promise<unknown> {
	need(args, 0, "the command to run");
	const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
	for await (const piece of stream<Piece>("POST", "commands", { argv: args }, signal)) {
		if (piece.exit !== undefined) return piece.exit === 0 ? undefined : { exit: piece.exit };
		const bytes = Uint8Array.from(atob(piece.data ?? ""), (c) => c.charCodeAt(0));
		const from = piece.stream ?? "stdout";
		write(decoders[from].decode(bytes, { stream: true }), from === "stderr" ? "bad" : "plain");
	}
	throw new Error("the stream ended before the command did");
}

async function call(args: string[]): Promise<unknown> {
	const [method, path] = [need(args, 0, "the method, such as GET,"), need(args, 1, "the path, such as status,")];
	const body = args[2] === undefined ? undefined : (JSON.parse(args[2]) as unknown);
	return send(method.toUpperCase(), path.replace(/^\/?(api\/v1\/)?/, ""), body);
}

function table(path: string, help: string): Command {
	return { usage: "", help, words: [], run: (_, { signal }) => get(path, signal) };
}

const COMMANDS: Record<string, Command> = {
	ps: table("processes", "the processes"),
	apps: table("apps", "the apps, with what they need and provide"),
	services: table("services", "the services, and who uses them"),
	channels: table("channels", "the channels, with their queues"),
	harts: table("harts", "the harts"),
	mem: table("memory", "the memory"),
	net: { ...table("network", "interfaces and ports"), needs: "/network" },
	vms: table("vms", "the virtual machines"),
	disks: { needs: "/disks", usage: "", help: "the disks", words: [], run: async (_, { signal }) => (await get<Disks>("disks", signal)).disks },
	status: table("status", "version, boot, uptime"),
	containers: { needs: "/containers", usage: "", help: "the containers", words: [], run: (_, { signal }) => get("containers", signal) },
	threads: {
		usage: "[PROCESS]",
		help: "the threads, of all or of one process",
		words: ["process"],
		run: async ([word], { signal }) => {
			const list = await get<Thread[]>("threads", signal);
			if (word === undefined) return list;
			const { id } = await processOf(word, signal);
			return list.filter((thread) => thread.process === id);
		},
	},
	handles: {
		usage: "PROCESS",
		help: "what a process holds",
		words: ["process"],
		run: async (args, { signal }) => {
			const { id } = await processOf(need(args, 0, "the process"), signal);
			return get<Handle[]>(`processes/${id}/handles`, signal);
		},
	},
	kill: {
		usage: "PROCESS",
		help: "end a process at once",
		words: ["process"],
		run: async (args, { signal }) => {
			const process = await processOf(need(args, 0, "the process"), signal);
			await send("POST", `processes/${process.id}/kill`);
			return `${process.name} (${process.id}) was killed`;
		},
	},
	start: { usage: "APP...", help: "start apps", words: ["app"], run: app("start") },
	stop: { usage: "APP...", help: "stop apps", words: ["app"], run: app("stop") },
	logs: { usage: "[-f] [APP]", help: "the newest lines of the log; -f follows it (Ctrl-C ends)", words: ["app"], run: logsOf },
	run: { usage: "COMMAND [ARGUMENT...]", help: "run a Linux command, as: run uname -a", words: ["word"], run: runLinux },
	ls: {
		needs: "/files",
		usage: "[PATH]",
		help: "the files in a folder",
		words: ["path"],
		run: async ([path], { signal }) => (await get<Folder>(`files?path=${encodeURIComponent(path ?? "/")}`, signal)).entries,
	},
	cat: {
		needs: "/files",
		usage: "PATH",
		help: "a file's text",
		words: ["path"],
		run: async (args, { signal }) => {
			const path = `/api/v1/files/content?path=${encodeURIComponent(need(args, 0, "the path"))}`;
			return (await request("GET", path, undefined, signal)).text();
		},
	},
	docker,
	open: {
		usage: "VIEW",
		help: "another view of this page",
		words: ["view"],
		run: async (args) => {
			const view = views.value.find((each) => each === args[0]);
			if (!view) throw new Error(`the views are ${views.value.join(", ")}`);
			go(view);
		},
	},
	api: { usage: "METHOD PATH [JSON]", help: "any call of the API, as: api GET openapi.json", words: ["word"], run: call },
};

// commandOf: the command of a name, if this system can do it.
export function commandOf(name: string): Command | undefined {
	const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
	return command?.needs === undefined || hasRoute(command.needs) ? command : undefined;
}

// commandNames: those that this system can do.
export function commandNames(): string[] {
	return Object.keys(COMMANDS).filter(commandOf);
}

// known: the names that a word of a kind can be.
export function known(kind: Command["words"][number]): string[] {
	switch (kind) {
		case "process":
			return [...new Set(processes.value.map((process) => process.name))];
		case "app":
			return [...new Set([...processes.value, ...apps.value].map(({ name }) => name))];
		case "view":
			return [...views.value];
		case "container":
			return (containers.value ?? []).map((each) => (each.Names[0] ?? each.Id).replace(/^\//, ""));
		default:
			return [];
	}
}
