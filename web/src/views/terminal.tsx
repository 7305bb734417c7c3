// SPDX-License-Identifier: MIT
// The terminal: the shell of this system, and Linux shells and containers beside it.

// With this all that the first view has is in one file of the build, and not in one for each set of views that share it.
import "../ui/page";
import { useRef } from "preact/hooks";
import { visible } from "../format";
import { Icon } from "../ui/icons";
import { linuxShell } from "./programs";
import { Shell } from "./shell";
import { TerminalPane } from "./terminal_pane";
import { chosen, closeTab, openTab, tabs } from "./terminal_tabs";

// For who opens a terminal: there is one file to fetch.
export * as containerPrograms from "./container_programs";
export { openTab } from "./terminal_tabs";

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
							{visible(tab.title)}
						</button>
					))}
				</div>
				<div class="tools">
					{chosen.value !== 0 && (
						<button class="quiet" aria-label="Close this terminal" onClick={() => closeTab(chosen.value)}>
							<Icon name="close" />
						</button>
					)}
					<button onClick={() => openTab("Linux", linuxShell())}>New Linux shell</button>
				</div>
			</header>
			{tabs.value.map((tab) => (
				<div key={tab.id} id={`terminal-${tab.id}`} role="tabpanel" aria-labelledby={`tab-${tab.id}`} hidden={tab.id !== chosen.value} class="pane">
					{tab.session ? <TerminalPane session={tab.session} shown={tab.id === chosen.value} /> : <Shell />}
				</div>
			))}
		</section>
	);
}
