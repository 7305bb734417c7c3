// SPDX-License-Identifier: MIT
// What terminals can be joined to in containers: the container's own program, another one in it, and its log.

import { say } from "../api/client";
import { containerPath, create, engine, engineRequest } from "../api/engine";
import { frameReader, readFrames, type From } from "../api/frames";
import { openProgram, type Connection, type Program, type ProgramSocket, type Screen } from "./programs";

const LOG_LINES = 1000;
const DIM = "\x1b[2m";
const RED = "\x1b[31m";
const PLAIN = "\x1b[0m";

// show: output of a program without a terminal.
function show(screen: Screen, bytes: Uint8Array, from: From): void {
	if (from === "stderr") screen.write(RED);
	screen.write(bytes);
	if (from === "stderr") screen.write(PLAIN);
}

interface Joining {
	// The WebSocket's.
	path: string;
	// Where the size of the terminal is told.
	resizePath: string;
	joined?: () => void;
	// How it ended, asked for when the stream has.
	ended: () => Promise<string>;
}

// join: a stream of the engine, which has a terminal at its other end or not.
function join(screen: Screen, { path, resizePath, joined, ended }: Joining): ProgramSocket & { resize: Connection["resize"] } {
	let error = "";
	let isJoined = false;
	let isOver = false;
	let output = (bytes: Uint8Array): void => screen.write(bytes);
	const socket = openProgram(path, {
		output: (bytes) => output(bytes),
		said: ({ tty, error: words }) => {
			if (words !== undefined) error = words;
			if (tty === undefined) return;
			isJoined = true;
			if (!tty) {
				screen.hasNoTerminal();
				output = frameReader((bytes, from) => show(screen, bytes, from));
			}
			joined?.();
		},
		closed: () => {
			isOver = true;
			if (error) screen.ended(error);
			else if (!isJoined) screen.ended("The system did not open a stream to the container.");
			else ended().then(screen.ended, () => screen.ended("The connection was lost."));
		},
	});
	return {
		...socket,
		resize: (rows, cols) => {
			// What ends meanwhile has no size any more: that is no fault.
			if (!isOver) void engineRequest("POST", `${resizePath}/resize?h=${rows}&w=${cols}`).catch(() => {});
		},
	};
}

function connectionOf(joined: ReturnType<typeof join>): Connection {
	return { type: joined.type, endInput: () => joined.say({ eof: true }), resize: joined.resize, leave: joined.leave };
}

// begun: a program that `begin` begins, which takes some time.
function begun(screen: Screen, begin: (signal: AbortSignal) => Promise<Connection | null>): Connection {
	const stop = new AbortController();
	let inner: Connection | null = null;
	begin(stop.signal).then(
		(connection) => {
			inner = connection;
			if (stop.signal.aborted) inner?.leave();
		},
		(error: unknown) => !stop.signal.aborted && screen.ended(say(error)),
	);
	return {
		type: (bytes) => inner?.type(bytes),
		endInput: () => inner?.endInput(),
		resize: (rows, cols) => inner?.resize(rows, cols),
		leave: () => {
			stop.abort();
			inner?.leave();
		},
	};
}

// exec: another program in a container that runs.
export function exec(container: string, argv: string[]): Program {
	return {
		again: "Start it again",
		readsKeys: true,
		connect: (screen) =>
			begun(screen, async (signal) => {
				const settings = {
					Cmd: argv,
					Tty: true,
					ConsoleSize: [screen.rows, screen.cols],
					AttachStdin: true,
					AttachStdout: true,
					AttachStderr: true,
				};
				const made = await engine<{ Id: string }>("POST", `${containerPath(container)}/exec`, settings, signal);
				const path = `/exec/${made!.Id}`;
				const start = `${path.slice(1)}/start?tty=1&rows=${screen.rows}&cols=${screen.cols}`;
				const ended = async () => {
					const { ExitCode } = (await engine<{ ExitCode: number }>("GET", `${path}/json`))!;
					return `The program ended with status ${ExitCode}.`;
				};
				return connectionOf(join(screen, { path: start, resizePath: path, ended }));
			}),
	};
}

function attachOnly(container: string, screen: Screen, joined: () => void): Connection {
	const resizePath = containerPath(container);
	const ended = async () => {
		const { State } = (await engine<{ State: { Running: boolean; ExitCode: number } }>("GET", `${resizePath}/json`))!;
		return State.Running ? "The container goes on without this terminal." : `The container ended with status ${State.ExitCode}.`;
	};
	return connectionOf(join(screen, { path: `${resizePath.slice(1)}/attach`, resizePath, joined, ended }));
}

export function attach(container: string): Program {
	return {
		again: "Attach again",
		readsKeys: true,
		connect: (screen) => {
			const connection = attachOnly(container, screen, () => {
				screen.write(`${DIM}Attached. What it wrote before is in its log.${PLAIN}\r\n`);
				connection.resize(screen.rows, screen.cols);
			});
			return connection;
		},
	};
}

// run: a new container with a terminal. Joined again, it is the same container that is started again.
export function run(image: string, command: string[]): Program {
	const settings = {
		...(command.length ? { Cmd: command } : {}),
		Tty: true,
		OpenStdin: true,
		StdinOnce: true,
		AttachStdin: true,
		AttachStdout: true,
		AttachStderr: true,
	};
	let made = "";
	return {
		again: "Start it again",
		readsKeys: true,
		connect: (screen) =>
			begun(screen, async (signal) => {
				made ||= await create(image, settings, (text) => screen.write(`${text}\r\n`), signal);
				signal.throwIfAborted();
				// It is attached to before it starts: so nothing that it says is missed.
				const start = async () => {
					await engine("POST", `${containerPath(made)}/start`);
					connection.resize(screen.rows, screen.cols);
				};
				const connection = attachOnly(made, screen, () => start().catch((error: unknown) => screen.ended(say(error))));
				return connection;
			}),
	};
}

// follow: what a container has written, and all that it writes.
export function follow(container: string): Program {
	const path = `${containerPath(container)}/logs?follow=1&stdout=1&stderr=1&tail=${LOG_LINES}`;
	return {
		again: "Follow again",
		readsKeys: false,
		connect: (screen) =>
			begun(screen, async (signal) => {
				screen.hasNoTerminal();
				await readFrames(await engineRequest("GET", path, undefined, signal), (bytes, from) => show(screen, bytes, from));
				screen.ended("The container does not run any more.");
				return null;
			}),
	};
}
