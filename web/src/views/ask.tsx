// SPDX-License-Identifier: MIT
// A question that has to be answered before something is done.

import { useState } from "preact/hooks";
import { visible } from "../format";
import { Dialog } from "../ui/parts";

export interface Question {
	title: string;
	// Of the field; without it, only yes or no is asked.
	label?: string;
	// A regular expression that the answer has to match.
	pattern?: string;
	value: string;
	action: string;
	danger?: boolean;
	run: (answer: string) => unknown;
}

export function Ask({ question, onClose }: { question: Question; onClose: () => void }) {
	const [value, setValue] = useState(question.value);
	return (
		<Dialog title={visible(question.title)} onClose={onClose}>
			<form
				class="ask"
				onSubmit={(event) => {
					event.preventDefault();
					onClose();
					question.run(value);
				}}
			>
				<h2>{visible(question.title)}</h2>
				{question.label && (
					<label>
						{question.label}
						<input value={value} onInput={(event) => setValue(event.currentTarget.value)} pattern={question.pattern} required spellcheck={false} />
					</label>
				)}
				<div class="actions">
					<button type="submit" class={question.danger ? "danger" : "primary"}>
						{question.action}
					</button>
					<button type="button" onClick={onClose}>
						Cancel
					</button>
				</div>
			</form>
		</Dialog>
	);
}
