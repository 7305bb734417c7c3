// SPDX-License-Identifier: MIT
// Lines for a program that has no terminal: typed characters are shown and kept here until Enter, as a terminal's driver
// would do it.

export interface Lines {
	type: (text: string) => void;
}

const CONTROL_C = "\x03";
const CONTROL_D = "\x04";
const CONTROL_U = "\x15";
const RUBOUT = "\b \b";

// makeLines: `show` writes on the screen, `send` takes whole lines, `end` is called for Ctrl D in an empty one.
export function makeLines(show: (text: string) => void, send: (text: string) => void, end: () => void): Lines {
	let line: string[] = [];
	const clear = () => {
		show(RUBOUT.repeat(line.length));
		line = [];
	};
	const key = (c: string) => {
		if (c === "\r" || c === "\n") {
			show("\r\n");
			send(`${line.join("")}\n`);
			line = [];
		} else if (c === "\x7f" || c === "\b") {
			if (line.pop() !== undefined) show(RUBOUT);
		} else if (c === CONTROL_U || c === CONTROL_C) clear();
		else if (c === CONTROL_D) {
			if (line.length === 0) end();
			else send(line.join(""));
			line = [];
		} else if (c >= " " || c === "\t") {
			line.push(c);
			show(c);
		}
	};
	return {
		type: (text) => {
			// Keys of the cursor and others come as sequences, which a line has no use for.
			for (const c of text.replace(/\x1b(\[[0-9;]*[ -/]*[@-~]|O.|.)?/g, "")) key(c);
		},
	};
}
