// SPDX-License-Identifier: MIT
//
// Files: folders of the host that an app is given, and what it keeps itself.

declare module "starina" {
	/**
	 * Folders, by whom they are served. All throw ERR_NOT_FOUND (an optional need that is not met),
	 * ERR_TOO_LARGE (the name), and a TypeError when the service is no need of the app's spec.
	 */
	export const files: {
		/** The folder of the host that is NAME in `./run.sh --share NAME=DIR`. For who needs the service `files`. */
		share(name: string): Folder;
		/**
		 * What the app keeps on the machine's state disk, found by the app's name and made when it is not
		 * there. For who needs the service `own`; the disk is there with `STARINA_KEEP=1`.
		 */
		own(): Folder;
		/** What another service calls `uri` and serves as libs/abi/files.h says. */
		open(service: string, uri: string): Folder;
	};

	/**
	 * A folder with all that is in it: a session with its provider. Paths have "/" between names and begin
	 * at the folder, with or without a "/"; neither ".." nor a symbolic link leads out. What cannot be
	 * opened is told by what is asked first. Rejects, besides what each says, with ERR_NOT_FOUND,
	 * ERR_NOT_FOLDER, ERR_REFUSED, ERR_READ_ONLY, ERR_NO_SPACE, ERR_CYCLE, ERR_TOO_LARGE (a path),
	 * ERR_INVALID, ERR_PEER_CLOSED (the session is gone, and its files with it) and ERR_BAD_HANDLE (it is
	 * closed).
	 */
	export interface Folder {
		/** Rejects with ERR_IS_FOLDER; with "wx": ERR_EXISTS. "r" if no mode is said. */
		open(path: string, mode?: OpenMode): Promise<File>;
		/** A whole file, as long as it is when it is opened. */
		read(path: string): Promise<Uint8Array>;
		/** The same as UTF-8; what is none becomes U+FFFD. */
		readText(path: string): Promise<string>;
		/**
		 * Replaces a whole file, or makes it: written as PATH.N.new beside it, synced, and renamed. So who
		 * reads it, even after a crash, finds all of the old content or of the new one.
		 */
		write(path: string, content: string | Uint8Array): Promise<void>;
		/** What is in the folder, in no order. The root if no path is said. */
		list(path?: string): Promise<FolderEntry[]>;
		/** Of a symbolic link what it leads to. */
		stat(path: string): Promise<FileInfo>;
		/** Of a symbolic link the link itself. */
		statLink(path: string): Promise<FileInfo>;
		/** Rejects with ERR_EXISTS. */
		makeFolder(path: string): Promise<void>;
		/** What is at `to` is replaced; with `keep` that is ERR_EXISTS. */
		rename(from: string, to: string, options?: { keep?: boolean }): Promise<void>;
		/** Removes a file, a symbolic link or an empty folder. Rejects with ERR_NOT_EMPTY. */
		remove(path: string): Promise<void>;
		/** All that was written in it lies on the disk then. */
		sync(): Promise<void>;
		/**
		 * Ends the session and closes its files. What is under way is rejected with ERR_BAD_HANDLE, and may
		 * be done or not. A folder that nobody refers to is closed, too.
		 */
		close(): void;
	}

	/**
	 * To read ("r"), to read and write ("r+"), to write, made or emptied ("w"; to read as well: "w+"), to
	 * write a new one ("wx"), to append ("a").
	 */
	export type OpenMode = "r" | "r+" | "w" | "w+" | "wx" | "a";

	/** An open file. It rejects as its folder does. */
	export interface File {
		/** At most `length` bytes (8 MiB at most): fewer at the file's end only. */
		read(offset: number | bigint, length: number): Promise<Uint8Array>;
		/**
		 * Writes a copy of the bytes (8 MiB at most); with "a" at the file's end, whatever the offset is.
		 * Gives how many were written: all.
		 */
		write(offset: number | bigint, bytes: Bytes): Promise<number>;
		stat(): Promise<FileInfo>;
		/** Makes it so long: with zeros, where it was shorter. */
		truncate(size: number | bigint): Promise<void>;
		/** What was written to it lies on the disk then. */
		sync(): Promise<void>;
		/** As Folder.close(). */
		close(): void;
	}

	export type FileType = "file" | "folder" | "link" | "other";

	export interface FileInfo {
		readonly type: FileType;
		/** Linux's permission bits. */
		readonly mode: number;
		/** Bytes. */
		readonly size: number;
		/** Bytes that it takes up: fewer, when it has holes. */
		readonly allocated: number;
		/** Milliseconds since 1970, as new Date() takes them. */
		readonly modified: number;
	}

	/** The rest is not there for what was gone when it was looked at. */
	export interface FolderEntry extends Partial<Omit<FileInfo, "type">> {
		readonly name: string;
		readonly type: FileType;
	}
}
