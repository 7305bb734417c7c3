// SPDX-License-Identifier: MIT
// What can be done with containers.

import { containerPath, engine } from "../api/engine";
import { refreshContainers } from "../api/containers";
import type { Container } from "../api/types";
import { attempt } from "../ui/announce";
import { go } from "../ui/route";
import type { Program } from "./programs";

// The shell that containers have in common.
const SHELL = ["/bin/sh"];

export function nameOfContainer(container: Container): string {
	return (container.Names[0] ?? container.Id.slice(0, 12)).replace(/^\//, "");
}

async function act(container: Container, method: string, action: string, done: string): Promise<void> {
	await attempt(`${nameOfContainer(container)} was ${done}`, () => engine(method, containerPath(container.Id) + action));
	await refreshContainers();
}

export const startContainer = (container: Container) => act(container, "POST", "/start", "started");
export const stopContainer = (container: Container) => act(container, "POST", "/stop", "stopped");
export const removeContainer = (container: Container) => act(container, "DELETE", "", "removed");

// inTerminal: opens a program in a terminal. What terminals are made of is large, and comes now.
async function inTerminal(title: string, choose: (programs: typeof import("./container_programs")) => Program): Promise<void> {
	await attempt("", async () => {
		const { containerPrograms, openTab } = await import("./terminal");
		openTab(title, choose(containerPrograms));
		go("terminal");
	});
}

export function shellInContainer(container: Container): Promise<void> {
	return inTerminal(nameOfContainer(container), ({ exec }) => exec(container.Id, SHELL));
}

export function execInContainer(container: string, argv: string[]): Promise<void> {
	return inTerminal(container, ({ exec }) => exec(container, argv));
}

export function attachTo(container: string): Promise<void> {
	return inTerminal(`${container} (attached)`, ({ attach }) => attach(container));
}

export const attachToContainer = (container: Container) => attachTo(nameOfContainer(container));

export function followContainer(container: Container): Promise<void> {
	return inTerminal(`${nameOfContainer(container)} (log)`, ({ follow }) => follow(container.Id));
}

export function runContainer(image: string, command: string[]): Promise<void> {
	return inTerminal(image, ({ run }) => run(image, command));
}
