// SPDX-License-Identifier: MIT
// xterm writes its colours and sizes into <style> elements, which the page's security policy refuses. Scripts may construct
// style sheets, though: so xterm gets elements whose text goes into one of those.

function sheetElement(): HTMLElement {
	const element = document.createElement("span");
	const sheet = new CSSStyleSheet();
	element.hidden = true;
	document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
	Object.defineProperty(element, "textContent", { set: (text: string) => sheet.replaceSync(text) });
	element.remove = () => {
		document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
		Element.prototype.remove.call(element);
	};
	return element;
}

// withConstructedStyles: does `action`; the <style> elements that it makes are such elements.
export function withConstructedStyles(action: () => void): void {
	const make = Document.prototype.createElement;
	Document.prototype.createElement = function createElement(this: Document, tag: string) {
		return tag === "style" ? sheetElement() : make.call(this, tag);
	} as typeof make;
	try {
		action();
	} finally {
		Document.prototype.createElement = make;
	}
}
