// SPDX-License-Identifier: MIT
// The terminal: the shell of this system, and Linux shells beside it.

import { signal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { Icon } from "../ui/icons";
import { makeLinuxSession, type LinuxSession } from "./linux_session";
import { LinuxShell } from "./linux_shell";
import { Shell } from "./shell";

interface Tab {
	id: number;
	title: string;
	// Of a Linux shell.
	session?: LinuxSession;
}

const tabs = signal<Tab[]>([{ id: 0, title: "Shell" }]);
const chosen = signal(0);
let last = 0;

function openLinux(): void {
	const id = ++last;
	tabs.value = [...tabs.value, { id, title: id === 1 ? "Linux" : `Linux ${id}`, session: makeLinuxSession() }];
	chosen.value = id;
}

function close(id: number): void {
	tabs.value.find((tab) => tab.id === id)?.session?.close();
	tabs.value = tabs.value.filter((tab) => tab.id !== id);
	if (chosen.value === id) chosen.value = 0;
}

export function Terminal() {
	const bar = useRef<HTMLDivElement>(null);
	const onKey = (event: KeyboardEvent) => {
		const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		if (step === undefined) return;
		const at = tabs.value.findIndex((tab) => tab.id === chosen.value);
		chosen.value = tabs.value[(at + step + tabs.value.length) % tabs.value.length]!.id;
		requestAnimationFrame(() => bar.current?.querySelector<HTMLElement>("[aria-selected=true]")?.focus());
		event.preventDefault();
	};
	return (
		<section class="panel fill" aria-label="Terminal">
			<header>
				<div class="tabs" role="tablist" aria-label="Terminals" ref={bar} onKeyDown={onKey}>
					{tabs.value.map((tab) => (
						<button
							key={tab.id}
							id={`tab-${tab.id}`}
							role="tab"
							aria-selected={tab.id === chosen.value}
							aria-controls={`terminal-${tab.id}`}
							tabIndex={tab.id === chosen.value ? 0 : -1}
							onClick={() => (chosen.value = tab.id)}
						>
							{tab.title}
						</button>
					))}
				</div>
				<div class="tools">
					{chosen.value !== 0 && (
						<button class="quiet" aria-label="Close this terminal" onClick={() => close(chosen.value)}>
							<Icon name="close" />
						</button>
					)}
					<button onClick={openLinux}>New Linux shell</button>
				</div>
			</header>
			{tabs.value.map((tab) => (
				<div key={tab.id} id={`terminal-${tab.id}`} role="tabpanel" aria-labelledby={`tab-${tab.id}`} hidden={tab.id !== chosen.value} class="pane">
					{tab.session ? <LinuxShell session={tab.session} shown={tab.id === chosen.value} /> : <Shell />}
				</div>
			))}
		</section>
	);
}
