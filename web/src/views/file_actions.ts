// SPDX-License-Identifier: MIT
// What can be done with files, and with paths.

import { API, get, request, send } from "../api/client";
import type { Folder } from "../api/types";
import { attempt } from "../ui/announce";
import { isKept, KEPT, keptFolder, readKept, saveKept } from "./kept";

// What a name may be, as a pattern of an input.
export const FILE_NAME = "[^\\/]+";

// What PUT files/content takes.
const FILE_MAX = 8 << 20;

export function join(folder: string, name: string): string {
	return `${folder.replace(/\/$/, "")}/${name}`;
}

export function parentOf(path: string): string {
	return path.replace(/\/[^/]*\/?$/, "") || "/";
}

export function nameOf(path: string): string {
	return path.slice(path.lastIndexOf("/") + 1);
}

function content(path: string): string {
	return `${API}files/content?path=${encodeURIComponent(path)}`;
}

export async function listFolder(path: string): Promise<Folder> {
	if (isKept(path)) return keptFolder();
	const listed = await get<Folder>(`files?path=${encodeURIComponent(path)}`);
	if (path === "/" && keptFolder().entries.length) listed.entries.push({ name: nameOf(KEPT), kind: "folder", size: 0 });
	return listed;
}

export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
	if (!isKept(path)) return new Uint8Array(await (await request("GET", content(path))).arrayBuffer());
	const text = readKept(path);
	if (text === null) throw new Error(`there is no ${nameOf(path)} in this tab`);
	return new TextEncoder().encode(text);
}

async function put(path: string, bytes: Blob): Promise<void> {
	if (bytes.size > FILE_MAX) throw new Error(`${nameOf(path)} is larger than the system takes here: 8 MiB`);
	if (isKept(path)) saveKept(path, await bytes.text());
	else await request("PUT", content(path), bytes);
}

// saveFile: `quietly`: nothing is said unless it fails.
export function saveFile(path: string, bytes: Blob, quietly = false): Promise<boolean> {
	return attempt(quietly ? "" : `${nameOf(path)} was saved`, () => put(path, bytes));
}

export function removeFile(path: string): Promise<boolean> {
	return attempt(`${nameOf(path)} was removed`, async () => {
		if (isKept(path)) saveKept(path, null);
		else await request("DELETE", content(path));
	});
}

export function renameFile(from: string, to: string): Promise<boolean> {
	return attempt(`${nameOf(from)} is ${nameOf(to)} now`, async () => {
		if (!isKept(from)) {
			await send("POST", "files/rename", { from, to });
			return;
		}
		if (readKept(to) !== null) throw new Error(`${nameOf(to)} is there already`);
		saveKept(to, readKept(from));
		saveKept(from, null);
	});
}

export function makeFolder(path: string): Promise<boolean> {
	return attempt(`${nameOf(path)} was made`, () => send("POST", "files/mkdir", { path }));
}

// download: hands bytes to the browser as a file; they are never opened on this page.
export function download(name: string, bytes: BlobPart, type = "application/octet-stream"): void {
	const url = URL.createObjectURL(new Blob([bytes], { type }));
	const link = document.createElement("a");
	link.href = url;
	link.download = name;
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// pick: asks for files of this machine.
export function pick(take: (files: File[]) => void): void {
	const input = document.createElement("input");
	input.type = "file";
	input.multiple = true;
	input.onchange = () => take([...(input.files ?? [])]);
	input.click();
}
