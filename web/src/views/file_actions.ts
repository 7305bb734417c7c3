// SPDX-License-Identifier: MIT
// What can be done with files, and with paths.

import { API, request, send } from "../api/client";
import { attempt } from "../ui/announce";

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

export async function readFile(path: string): Promise<Uint8Array<ArrayBuffer>> {
	return new Uint8Array(await (await request("GET", content(path))).arrayBuffer());
}

export function saveFile(path: string, bytes: Blob): Promise<boolean> {
	return attempt(`${nameOf(path)} was saved`, async () => {
		if (bytes.size > FILE_MAX) throw new Error(`${nameOf(path)} is larger than the system takes here: 8 MiB`);
		await request("PUT", content(path), bytes);
	});
}

export function removeFile(path: string): Promise<boolean> {
	return attempt(`${nameOf(path)} was removed`, () => request("DELETE", content(path)));
}

export function renameFile(from: string, to: string): Promise<boolean> {
	return attempt(`${nameOf(from)} is ${nameOf(to)} now`, () => send("POST", "files/rename", { from, to }));
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
