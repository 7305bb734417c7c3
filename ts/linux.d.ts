// SPDX-License-Identifier: MIT
//
// Linux programs and containers.

declare module "starina" {
	/** For apps whose spec needs the service "commands". */
	export const linux: {
		/** A program of the built-in userland (busybox), with arguments. Nothing runs yet. */
		command(program: string, ...args: string[]): Command;
		/**
		 * A container of an image that run.sh was given, by its name. Arguments are the program and its
		 * arguments in place of what the image runs.
		 */
		container(image: string, ...args: string[]): Command;
	};

	/**
	 * What is to run in a virtual machine of its own. The calls that describe it give it back, and throw
	 * a TypeError or a RangeError for what it cannot have. It may be run several times.
	 *
	 * Running rejects with a TypeError when the spec does not need "commands", ERR_REFUSED when nothing
	 * could be started (its message says why: 16 run already, or there is no memory), and
	 * ERR_PEER_CLOSED when the service is gone; what it ran has ended then.
	 */
	export interface Command {
		/** Appends arguments. */
		arg(...args: string[]): this;
		/** Sets a variable of the environment. */
		env(name: string, value: string): this;
		/** The working directory, an absolute path; otherwise the image's. */
		cwd(folder: string): this;
		/** The user, NAME[:GROUP] or numbers; otherwise the image's. */
		user(user: string): this;
		/** Bytes of the virtual machine, 32 MiB to 8 GiB; otherwise 64 MiB. */
		memory(bytes: number): this;
		/** It has a terminal (of this size), and all that it writes is in stdout. */
		terminal(rows?: number, columns?: number): this;
		/** What it reads on stdin, then end of file. */
		input(data: string | Uint8Array): this;
		/**
		 * Runs it to its end and gives what it wrote. Without input() it reads nothing. Rejects with
		 * ERR_TOO_LARGE, and ends it, when it writes more than 4 MiB to one stream.
		 */
		output(): Promise<CommandOutput>;
		/** Runs it to its end; what it writes is dropped. */
		status(): Promise<number>;
		/**
		 * Starts it. The app does not end before it; it ends with the app. Without input() it reads what
		 * is written to `stdin`.
		 */
		spawn(): Promise<Child>;
	}

	/** How a program has ended. */
	export interface CommandEnd {
		/**
		 * What a shell would say: 128 + the signal that ended it; 125 when it could not be run, 126 and
		 * 127 when there is no such program.
		 */
		readonly status: number;
		/** What went wrong, when the status is not the program's own; else empty. */
		readonly error: string;
	}

	export interface CommandOutput extends CommandEnd {
		readonly stdout: Uint8Array;
		readonly stderr: Uint8Array;
		/** As text; what is not UTF-8 is U+FFFD. */
		readonly stdoutText: string;
		readonly stderrText: string;
	}

	/** A program that runs. */
	export interface Child {
		readonly stdin: CommandInput;
		readonly stdout: CommandStream;
		/** undefined with a terminal. */
		readonly stderr: CommandStream | undefined;
		/**
		 * Its end, when its output was taken: who does not read a stream closes it. Rejects with
		 * ERR_BAD_HANDLE after close().
		 */
		wait(): Promise<CommandEnd>;
		/** Sends Linux's signal; 9, if it is not said, ends its virtual machine. */
		kill(signal?: number): Promise<void>;
		/** The size of its terminal. */
		resize(rows: number, columns: number): Promise<void>;
		/** Ends it, and closes its streams. */
		close(): void;
	}

	export interface CommandInput {
		/**
		 * Resolves when it was passed on, which waits for a program that does not read; what is written
		 * stays in order. Until then the bytes must not change. Rejects with ERR_PEER_CLOSED when the
		 * program reads no more, ERR_BAD_HANDLE after its end.
		 */
		write(data: string | Uint8Array): Promise<void>;
		/** End of file after what was written. */
		end(): Promise<void>;
		/** End of file at once. */
		close(): void;
	}

	/**
	 * What a program writes, piece by piece: `for await (const bytes of child.stdout)`. Nothing is taken
	 * before it is asked for, so the program waits for who reads.
	 */
	export interface CommandStream extends AsyncIterableIterator<Uint8Array> {
		next(): Promise<IteratorResult<Uint8Array, undefined>>;
		return(): Promise<IteratorResult<Uint8Array, undefined>>;
		[Symbol.asyncIterator](): CommandStream;
		/** All that is left, to its end. Rejects with ERR_TOO_LARGE after more than `max` bytes. */
		bytes(max?: number): Promise<Uint8Array>;
		/** The same as text. */
		text(): Promise<string>;
		/** Reads no more. */
		close(): void;
	}
}
