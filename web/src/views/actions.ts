// SPDX-License-Identifier: MIT
// What can be done with processes and apps.

import { API, ApiError, request, say, send } from "../api/client";
import type { Process } from "../api/types";
import { visible } from "../format";
import { announce, attempt } from "../ui/announce";
import { go } from "../ui/route";
import { isAppWanted, KEPT } from "./kept";

function appPath(name: string): string {
	return `apps/${encodeURIComponent(name)}`;
}

export async function killProcess(process: Process): Promise<void> {
	try {
		await send("POST", `processes/${process.id}/kill`);
		announce(`${process.name} was killed`);
	} catch (error) {
		// What serves this page cannot answer that it is killed; the browser may have asked again, for what was gone then.
		const status = error instanceof ApiError ? error.status : -1;
		if (status === 0) announce(`${process.name} was killed, and the connection with it`);
		else if (status === 404) announce(`${process.name}, process ${process.id}, is gone`);
		else announce(say(error), "bad");
	}
}

export function startApp(name: string): Promise<boolean> {
	return attempt(`${name} was started`, () => send("POST", `${appPath(name)}/start`, {}));
}

export function stopApp(name: string): Promise<boolean> {
	return attempt(`${name} was stopped`, () => send("POST", `${appPath(name)}/stop`));
}

export async function restartApp(name: string): Promise<void> {
	if (await stopApp(name)) await startApp(name);
}

// pickApp: asks for an .app file of this machine.
function pickApp(take: (file: File) => void): void {
	const input = document.createElement("input");
	input.type = "file";
	input.accept = ".app";
	input.onchange = () => {
		const file = input.files?.[0];
		if (file?.name.endsWith(".app")) take(file);
		else if (file) announce(`${visible(file.name)} is not an .app file: make one with "make build/apps/NAME.app"`, "bad");
	};
	input.click();
}

// replaceApp: puts an .app file in the app's place.
export function replaceApp(name: string): void {
	pickApp((file) => void attempt(`${name} was replaced with ${file.name}`, () => request("PUT", API + appPath(name), file)));
}

// loadApp: starts another app out of an .app file.
export function loadApp(): void {
	pickApp((file) => void attempt(`${file.name} was loaded`, () => request("POST", `${API}apps`, file)));
}

// writeApp: opens the Files view, which asks for the name of an app to write.
export function writeApp(): void {
	isAppWanted.value = true;
	go("files", `${KEPT}/`);
}
