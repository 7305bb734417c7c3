// SPDX-License-Identifier: MIT
// A Linux shell in a terminal: xterm at this end, a process in a virtual machine at the other.

import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import { useEffect, useRef, useState } from "preact/hooks";
import { closeSocket, openSocket } from "../api/client";
import { theme } from "../ui/theme";
import { withConstructedStyles } from "./constructed_styles";

const ARGV = ["/bin/sh"];

function coloursOf(element: HTMLElement): { background: string; foreground: string; cursor: string; selectionBackground: string } {
	const style = getComputedStyle(element);
	const colour = (name: string) => style.getPropertyValue(name).trim();
	return {
		background: colour("--panel"),
		foreground: colour("--text"),
		cursor: colour("--accent"),
		selectionBackground: theme.value === "dark" ? "#2d4a55" : "#b9ded8",
	};
}

// attach: joins a terminal to a new shell. Returns what ends it.
function attach(terminal: Terminal, onEnd: (how: string) => void): () => void {
	const query = new URLSearchParams({ rows: String(terminal.rows), cols: String(terminal.cols) });
	for (const word of ARGV) query.append("argv", word);
	const socket = openSocket(`terminal?${query}`);
	const encoder = new TextEncoder();
	let ended = "";
	const send = (data: string | Uint8Array<ArrayBuffer>) => {
		if (socket.readyState === WebSocket.OPEN) socket.send(data);
	};
	socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
		if (typeof data !== "string") {
			terminal.write(new Uint8Array(data));
			return;
		}
		const { exit, error } = JSON.parse(data) as { exit?: number; error?: string };
		ended = error ?? (exit === undefined ? ended : `The shell ended with status ${exit}.`);
	};
	socket.onclose = () => onEnd(ended || "The connection to the shell was lost.");
	const parts = [
		terminal.onData((text) => send(encoder.encode(text))),
		terminal.onBinary((text) => send(Uint8Array.from(text, (c) => c.charCodeAt(0)))),
		terminal.onResize(({ rows, cols }) => send(JSON.stringify({ resize: [rows, cols] }))),
	];
	return () => {
		parts.forEach((part) => part.dispose());
		closeSocket(socket);
	};
}

export function LinuxShell({ shown }: { shown: boolean }) {
	const place = useRef<HTMLDivElement>(null);
	const xterm = useRef<Terminal | null>(null);
	const [run, setRun] = useState(0);
	const [ended, setEnded] = useState("");
	useEffect(() => {
		const terminal = new Terminal({
			cursorBlink: true,
			fontFamily: 'ui-monospace, "SF Mono", "Cascadia Code", "DejaVu Sans Mono", monospace',
			fontSize: 13,
			screenReaderMode: true,
			theme: coloursOf(place.current!),
		});
		const fit = new FitAddon();
		terminal.loadAddon(fit);
		withConstructedStyles(() => terminal.open(place.current!));
		fit.fit();
		const watch = new ResizeObserver(() => place.current?.offsetParent && fit.fit());
		watch.observe(place.current!);
		xterm.current = terminal;
		terminal.focus();
		const detach = attach(terminal, setEnded);
		return () => {
			watch.disconnect();
			detach();
			terminal.dispose();
		};
	}, [run]);
	useEffect(() => {
		if (xterm.current) xterm.current.options.theme = coloursOf(place.current!);
	}, [theme.value]);
	useEffect(() => {
		if (shown) xterm.current?.focus();
	}, [shown]);
	return (
		<>
			{ended && (
				<p class="ended" role="status">
					{ended}{" "}
					<button
						onClick={() => {
							setEnded("");
							setRun(run + 1);
						}}
					>
						Start another
					</button>
				</p>
			)}
			<div class="linux" ref={place} />
		</>
	);
}
