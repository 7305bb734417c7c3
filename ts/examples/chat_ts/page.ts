// SPDX-License-Identifier: MIT
//
// The page of the chat. What others say is text, never HTML.
export const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Chat</title>
<style>
	body { font: 16px sans-serif; max-width: 40em; margin: 2em auto; padding: 0 1em }
	#said { list-style: none; padding: 0; min-height: 10em }
	#said li { overflow-wrap: anywhere }
	input { font: inherit; width: 100%; box-sizing: border-box }
</style>
<h1>Chat</h1>
<ul id="said" aria-live="polite"></ul>
<form id="form"><input id="text" aria-label="Message" maxlength="500" autocomplete="off" autofocus></form>
<script>
	const said = document.getElementById("said"), text = document.getElementById("text");
	const show = line => {
		const item = document.createElement("li");
		item.textContent = line;
		said.append(item);
		item.scrollIntoView();
	};
	const socket = new WebSocket("ws://" + location.host + "/chat");
	socket.onmessage = event => {
		const message = JSON.parse(event.data);
		show(message.from + ": " + message.text);
	};
	socket.onclose = () => show("The connection is closed: load the page again.");
	document.getElementById("form").onsubmit = event => {
		event.preventDefault();
		if (text.value !== "")
			socket.send(text.value);
		text.value = "";
	};
</script>
</html>
`;
