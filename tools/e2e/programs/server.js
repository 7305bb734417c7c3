// SPDX-License-Identifier: MIT
// Runs in a container: an HTTP server; with the argument "self" it asks itself 100 times and ends.
const http = require("http");
const crypto = require("crypto");
const zlib = require("zlib");

let served = 0;
const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    served++;
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({
      url: request.url, served: String(served).padStart(6, "0"), bytes: body.length, sha256: crypto.createHash("sha256").update(body).digest("hex"),
    }));
  });
});
// On a busy machine seconds pass between two requests; closing a connection meanwhile loses the next one.
server.keepAliveTimeout = server.headersTimeout = server.requestTimeout = 0;

async function askMyself(port) {
  let last;
  for (let i = 0; i < 100; i++) {
    const answer = await fetch(`http://127.0.0.1:${port}/${i}`, { method: "POST", body: "x".repeat(1000) });
    last = await answer.json();
  }
  const packed = zlib.gunzipSync(zlib.gzipSync(Buffer.alloc(100000, "node"))).length;
  console.log(last.url, Number(last.served), last.bytes, last.sha256.slice(0, 8), packed);
  server.close();
  server.closeAllConnections();
}

const self = process.argv[2] === "self";
server.listen(self ? 0 : 80, () => {
  console.log("listening");
  if (self) askMyself(server.address().port);
});
process.on("SIGTERM", () => process.exit(0));
