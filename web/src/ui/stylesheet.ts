// SPDX-License-Identifier: MIT
// Style sheets that are fetched with what needs them.

// addStylesheet: once; resolves when it is in effect.
export function addStylesheet(href: string): Promise<void> {
	if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
	const link = document.createElement("link");
	link.rel = "stylesheet";
	link.href = href;
	return new Promise((resolve, reject) => {
		link.onload = () => resolve();
		link.onerror = () => {
			link.remove();
			reject(new Error(`${href} did not come`));
		};
		document.head.append(link);
	});
}
