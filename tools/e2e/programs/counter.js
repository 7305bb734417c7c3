// SPDX-License-Identifier: MIT
// Runs in a container: a web server that counts in a Redis on another ($DATABASE), until it is asked to /quit.
const http = require("http");
const net = require("net");

const waiting = [];
const database = net.connect(6379, process.env.DATABASE);
let answers = "";

database.on("error", () => setTimeout(() => database.connect(6379, process.env.DATABASE), 200));
database.on("data", (data) => {
  answers += data;
  for (let end; (end = answers.indexOf("\r\n")) >= 0; answers = answers.slice(end + 2)) {
    waiting.shift()(answers.slice(1, end)); // ":N"
  }
});

http.createServer((request, response) => {
  if (request.url === "/count") {
    waiting.push((count) => response.end(count));
    database.write("INCR count\r\n");
  } else {
    response.end("here\n");
  }
  if (request.url === "/quit") response.on("close", () => process.exit(0));
}).listen(80);
