// SPDX-License-Identifier: MIT
// What a terminal of the page can be joined to; and a Linux shell in a virtual machine of its own.

import { closeSocket, openSocket } from "../api/client";

export interface Screen {
	rows: number;
	cols: number;
	write: (output: string | Uint8Array) => void;
	// The program has no terminal: the screen edits lines, and makes line ends whole.
	hasNoTerminal: () => void;
	// The program has ended, or could not begin: said once.
	ended: (how: string) => void;
}

// Of a screen to a program. What is typed after its end goes nowhere.
export interface Connection {
	type: (bytes: Uint8Array<ArrayBuffer>) => void;
	endInput: () => void;
	resize: (rows: number, cols: number) => void;
	// Leaves it: `ended` is not called any more.
	leave: () => void;
}

export interface Program {
	// Of the button that joins it again.
	again: string;
	readsKeys: boolean;
	connect: (screen: Screen) => Connection;
}

// What the other end of a program's WebSocket says.
export interface Stream {
	output: (bytes: Uint8Array) => void;
	said: (value: { tty?: boolean; exit?: number; error?: string }) => void;
	closed: () => void;
}

// A paste comes as one piece; the system takes messages of 64 KiB at most.
const MESSAGE_BYTES = 16 << 10;

export interface ProgramSocket {
	type: Connection["type"];
	say: (value: unknown) => void;
	leave: () => void;
}

// openProgram: the WebSocket of a program that the API runs (docs/api.md, "Commands and terminals").
export function openProgram(path: string, stream: Stream): ProgramSocket {
	const socket = openSocket(path);
	const send = (data: string | Uint8Array<ArrayBuffer>) => {
		if (socket.readyState === WebSocket.OPEN) socket.send(data);
	};
	socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
		if (typeof data === "string") stream.said(JSON.parse(data) as Parameters<Stream["said"]>[0]);
		else stream.output(new Uint8Array(data));
	};
	socket.onclose = () => stream.closed();
	return {
		type: (bytes) => {
			for (let at = 0; at < bytes.length; at += MESSAGE_BYTES) send(bytes.subarray(at, at + MESSAGE_BYTES));
		},
		say: (value) => send(JSON.stringify(value)),
		leave: () => closeSocket(socket),
	};
}

export function linuxShell(): Program {
	return {
		again: "Start another",
		readsKeys: true,
		connect: (screen) => {
			const query = new URLSearchParams({ rows: String(screen.rows), cols: String(screen.cols), argv: "/bin/sh" });
			let ended = "The connection to the shell was lost.";
			const socket = openProgram(`terminal?${query}`, {
				output: screen.write,
				said: ({ exit, error }) => {
					if (exit !== undefined) ended = error ?? `The shell ended with status ${exit}.`;
				},
				closed: () => screen.ended(ended),
			});
			return {
				type: socket.type,
				endInput: () => {},
				resize: (rows, cols) => socket.say({ resize: [rows, cols] }),
				leave: socket.leave,
			};
		},
	};
}
