// SPDX-License-Identifier: MIT
//
// Linux programs, by the service "commands" (libs/abi/commands.h). Each has a connection of its own, with which it ends.
import { encoder, join, toBytes, Writer } from "./bytes.js";
import { systemError } from "./errors.js";
import { folioWith, payload } from "./folio.js";
import { services } from "./services.js";
import { TextDecoder } from "./text.js";

const SERVICE = "commands";
const ID = 1;
const KILL = 9, SIGNAL_MAX = 64;
// COMMANDS_TEXT_MAX, COMMANDS_TERMINAL.
const TEXT_MAX = 65536, TERMINAL = 1;
// Of a stream that output() keeps: an app has 16 MiB if it does not ask for more.
const OUTPUT_MAX = 4 * 1024 * 1024;
// Of one message for stdin.
const PIECE_MAX = 65536;

const inputBytes = data => toBytes(data, "what a program reads is a string or a Uint8Array");

class Input {
	#channel;
	#writer;

	constructor(channel) {
		this.#channel = channel;
		this.#writer = new Writer(channel, PIECE_MAX);
	}
	write(data) {
		return this.#writer.write(inputBytes(data));
	}
	end() {
		return this.#writer.after(() => this.#channel.close());
	}
	close() {
		this.#channel.close();
	}
}

class Output {
	#channel;

	constructor(channel) {
		this.#channel = channel;
	}
	async next() {
		const { value: message, done } = this.#channel.closed ? { done: true } : await this.#channel.next();

		if (done) {
			this.close();
			return { value: undefined, done: true };
		}
		if (message.type !== "data")
			throw systemError("ERR_PROTOCOL", `a program's output is no ${message.type}`);
		const opened = payload.open(message);
		const value = opened.folio === undefined ? opened.bytes : opened.bytes.slice();
		opened.close();
		return { value, done: false };
	}
	async return() {
		this.close();
		return { value: undefined, done: true };
	}
	[Symbol.asyncIterator]() {
		return this;
	}
	async bytes(max = Infinity) {
		const pieces = [];
		let length = 0;

		for await (const piece of this) {
			length += piece.length;
			if (length > max)
				throw systemError("ERR_TOO_LARGE", `the program writes more than ${max} bytes: spawn() has them piece by piece`);
			pieces.push(piece);
		}
		return join(pieces, length);
	}
	async text() {
		return new TextDecoder().decode(await this.bytes());
	}
	close() {
		this.#channel.close();
	}
}

// Takes the end of a program; the connection is closed then.
async function receiveEnd(channel) {
	try {
		const message = await channel.recv();

		if (message.type !== "commands_ended")
			throw systemError("ERR_PROTOCOL", message.type === "error" ? message.tail : `unexpected: ${message.type}`);
		return { status: message.status, error: message.tail };
	} finally {
		channel.close();
	}
}

class Child {
	#channel;
	#ended;

	constructor(channel, [stdin, stdout, stderr]) {
		this.#channel = channel;
		this.stdin = new Input(stdin);
		this.stdout = new Output(stdout);
		this.stderr = stderr === undefined ? undefined : new Output(stderr);
		// Nobody may ever ask for it.
		this.#ended = receiveEnd(channel);
		this.#ended.catch(() => {});
	}
	wait() {
		return this.#ended;
	}
	// One that has ended needs to be told nothing.
	async #tell(message) {
		try {
			await this.#channel.sendWait(message);
		} catch (error) {
			if (error?.code !== "ERR_BAD_HANDLE" && error?.code !== "ERR_PEER_CLOSED")
				throw error;
		}
	}
	async kill(signal = KILL) {
		if (!Number.isInteger(signal) || signal < 1 || signal > SIGNAL_MAX)
			throw new RangeError(`a signal is a number from 1 to ${SIGNAL_MAX}`);
		return this.#tell({ type: "commands_signal", id: ID, signal });
	}
	async resize(rows, columns) {
		return this.#tell({ type: "commands_resize", id: ID, rows, columns });
	}
	close() {
		for (const owner of [this.#channel, this.stdin, this.stdout, this.stderr])
			owner?.close();
	}
}

async function connect() {
	try {
		return await services.connect(SERVICE);
	} catch (error) {
		if (error instanceof TypeError)
			throw new TypeError(`Linux programs come from the service "${SERVICE}": the app's spec says needs: [{ service: "${SERVICE}" }]`);
		throw error;
	}
}

async function start(request) {
	const channel = await connect();

	try {
		await channel.sendWait(request);
		const message = await channel.recv();
		const streams = message.handles;
		if (message.type === "commands_ended" || message.type === "error")
			throw systemError("ERR_REFUSED", message.tail);
		if (message.type !== "commands_started" || streams.length < 2 || !streams.every(stream => typeof stream.send === "function"))
			throw systemError("ERR_PROTOCOL", `unexpected: ${message.type}`);
		return new Child(channel, streams);
	} catch (error) {
		channel.close();
		throw error;
	}
}

// All of stdin. A program need not read it.
async function feed(stdin, bytes) {
	try {
		if (bytes !== undefined)
			await stdin.write(bytes);
		await stdin.end();
	} catch (error) {
		stdin.close();
		if (error?.code !== "ERR_BAD_HANDLE" && error?.code !== "ERR_PEER_CLOSED")
			throw error;
	}
}

async function drop(output) {
	for await (const _ of output);
}

class Result {
	constructor({ status, error }, stdout, stderr) {
		Object.assign(this, { status, error, stdout, stderr });
	}
	get stdoutText() {
		return new TextDecoder().decode(this.stdout);
	}
	get stderrText() {
		return new TextDecoder().decode(this.stderr);
	}
}

function checkText(text, what) {
	if (typeof text !== "string" || text.includes("\0"))
		throw new TypeError(`${what} is a string without a NUL`);
	return text;
}

class Command {
	#image;
	#words = [];
	#env = new Map();
	#cwd = "";
	#user = "";
	#memory = 0;
	#terminal;
	#input;

	constructor(image, words) {
		this.#image = image;
		this.arg(...words);
	}
	arg(...words) {
		this.#words.push(...words.map(word => checkText(word, "an argument")));
		return this;
	}
	env(name, value) {
		if (!/^[^=]+$/.test(checkText(name, "a variable's name")))
			throw new TypeError("a variable's name is not empty and has no =");
		this.#env.set(name, checkText(value, "a variable's value"));
		return this;
	}
	cwd(folder) {
		this.#cwd = checkText(folder, "a folder");
		return this;
	}
	user(user) {
		this.#user = checkText(user, "a user");
		return this;
	}
	memory(bytes) {
		if (!Number.isSafeInteger(bytes) || bytes <= 0)
			throw new RangeError("memory is a number of bytes");
		this.#memory = bytes;
		return this;
	}
	terminal(rows = 0, columns = 0) {
		this.#terminal = { rows, columns };
		return this;
	}
	input(data) {
		this.#input = inputBytes(data);
		return this;
	}
	#request() {
		const env = Array.from(this.#env, ([name, value]) => `${name}=${value}`);
		const strings = [this.#image, this.#cwd, this.#user, ...this.#words, ...env];
		const bytes = encoder.encode(strings.map(text => text + "\0").join(""));

		if (bytes.length > TEXT_MAX)
			throw new RangeError(`arguments and environment have ${bytes.length} bytes: ${TEXT_MAX} is the most`);
		return {
			type: "commands_run",
			id: ID,
			flags: this.#terminal === undefined ? 0 : TERMINAL,
			length: bytes.length,
			num_args: this.#words.length,
			num_env: env.length,
			rows: 0,
			columns: 0,
			...this.#terminal,
			memory: BigInt(this.#memory),
			handles: [folioWith(bytes)],
		};
	}
	async spawn() {
		const child = await start(this.#request());

		if (this.#input !== undefined)
			feed(child.stdin, this.#input);
		return child;
	}
	// Runs it to its end; `take` is given each stream.
	async #run(take) {
		const child = await start(this.#request());

		try {
			return await Promise.all([child.wait(), take(child.stdout), child.stderr && take(child.stderr), feed(child.stdin, this.#input)]);
		} finally {
			child.close();
		}
	}
	async output() {
		const [ended, stdout, stderr = new Uint8Array()] = await this.#run(stream => stream.bytes(OUTPUT_MAX));

		return new Result(ended, stdout, stderr);
	}
	async status() {
		const [{ status }] = await this.#run(drop);

		return status;
	}
}

export const linux = Object.freeze({
	command: (program, ...args) => new Command("", [program, ...args]),
	container(image, ...args) {
		if (checkText(image, "an image's name") === "")
			throw new TypeError("a container has an image");
		return new Command(image, args);
	},
});
