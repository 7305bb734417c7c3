// SPDX-License-Identifier: MIT
//
// All routes of the API, of which the router, the OpenAPI document (openapi.c) and docs/api.md
// (tools/docs/api_page.py) are made. A row is
//   X(method, path below /api/v1, handler, what it does, query's parameters, body, answer)
// where "" is none, parameters are names with blanks between them, and body and answer are types of
// content ("websocket": the connection becomes one). The first row that fits a request counts.
#pragma once

#define TYPE_JSON "application/json"
#define TYPE_LINES "application/x-ndjson"
#define TYPE_FILE "application/octet-stream"
#define TYPE_SOCKET "websocket"

// clang-format off
#define API_ROUTES(X)                                                                              \
	X("GET", "/status", status_get,                                                            \
	  "The system in a few numbers. The only route that needs no token.", "", "", TYPE_JSON)   \
	X("GET", "/openapi.json", openapi_get, "This description.", "", "", TYPE_JSON)             \
	X("GET", "/live", live_get,                                                                \
	  "The system again and again: say {interval_ms, what: [names of documents, or logs]}.",   \
	  "", "", TYPE_SOCKET)                                                                     \
	X("GET", "/processes", resource_get, "All processes.", "", "", TYPE_JSON)                  \
	X("GET", "/processes/{}", process_get, "One process, by its number or name.", "", "",      \
	  TYPE_JSON)                                                                               \
	X("POST", "/processes/{}/kill", process_kill_post,                                         \
	  "Ends a process. The system starts it again if its spec says so.", "", "", "")           \
	X("GET", "/processes/{}/handles", handles_get, "The handles of a process.", "", "",        \
	  TYPE_JSON)                                                                               \
	X("GET", "/threads", resource_get, "All threads.", "", "", TYPE_JSON)                      \
	X("GET", "/harts", resource_get, "The harts, and how busy they were.", "", "", TYPE_JSON)  \
	X("GET", "/memory", resource_get, "The machine's memory.", "", "", TYPE_JSON)              \
	X("GET", "/interrupts", resource_get, "Lines, their owners and counts.", "", "",           \
	  TYPE_JSON)                                                                               \
	X("GET", "/services", resource_get, "Services, providers and clients.", "", "", TYPE_JSON) \
	X("GET", "/channels", resource_get, "Channels: both ends, and what waits in them.", "",    \
	  "", TYPE_JSON)                                                                           \
	X("GET", "/vms", resource_get, "Virtual machines, and why their vCPUs exited.", "", "",    \
	  TYPE_JSON)                                                                               \
	X("GET", "/network", network_get,                                                          \
	  "Addresses, and what went through the ports of the switch.", "", "", TYPE_JSON)          \
	X("GET", "/disks", disks_get,                                                              \
	  "Disks, what went through them and who uses them; how full the volumes' file system is.", \
	  "", "", TYPE_JSON)                                                                       \
	X("GET", "/logs", logs_get,                                                                \
	  "Lines of the log: {next, lost, lines}. With follow=1 all that come, one a line.",       \
	  "since limit app level follow", "", TYPE_JSON)                                           \
	X("GET", "/trace", trace_get,                                                              \
	  "What the harts do for a while, as Chrome and ui.perfetto.dev open it.", "ms", "",       \
	  TYPE_JSON)                                                                               \
	X("GET", "/metrics", metrics_get,                                                          \
	  "Numbers of system, harts and processes. With format=prometheus as its text.", "format", \
	  "", TYPE_JSON)                                                                           \
	X("GET", "/apps", apps_get, "Apps of the image, and those that were loaded.", "", "",      \
	  TYPE_JSON)                                                                               \
	X("POST", "/apps", apps_post, "Loads an app's file, and starts it.", "", TYPE_FILE,        \
	  TYPE_JSON)                                                                               \
	X("PUT", "/apps/{}", app_put, "Replaces an app by a file, or loads it, and starts it.",    \
	  "", TYPE_FILE, TYPE_JSON)                                                                \
	X("DELETE", "/apps/{}", app_delete, "Stops a loaded app, and forgets it.", "", "",         \
	  TYPE_JSON)                                                                               \
	X("POST", "/apps/{}/start", app_start_post,                                                \
	  "Starts an app: {config: {NAME: VALUE}, instance: true}, all of it optional.", "",       \
	  TYPE_JSON, TYPE_JSON)                                                                    \
	X("POST", "/apps/{}/stop", app_stop_post, "Stops a loaded app, or an instance.", "", "",   \
	  TYPE_JSON)                                                                               \
	X("POST", "/apps/{}/kill", process_kill_post, "Ends the process of an app.", "", "", "")   \
	X("POST", "/commands", commands_post,                                                      \
	  "Runs a Linux program: {argv, env, cwd, user, image, memory, stdin}.", "", TYPE_JSON,    \
	  TYPE_LINES)                                                                              \
	X("GET", "/terminal", terminal_get,                                                        \
	  "A Linux program in a terminal: its bytes, and {resize: [rows, cols]}.",                 \
	  "argv image cwd rows cols memory", "", TYPE_SOCKET)                                      \
	X("GET", "/files", volume_list_get, "The entries of a folder, /VOLUME/... or /@SHARE/...; / has them all.", \
	  "path", "", TYPE_JSON)                                                                   \
	X("GET", "/files/content", volume_file_get, "A file's bytes, as an attachment.", "path",   \
	  "", TYPE_FILE)                                                                           \
	X("PUT", "/files/content", volume_file_put, "Writes a file of at most 8 MiB: until all of it is there, the old one stays.", "path", \
	  TYPE_FILE, "")                                                                           \
	X("DELETE", "/files/content", volume_file_delete, "Removes a file or an empty folder.",    \
	  "path", "", "")                                                                          \
	X("POST", "/files/rename", volume_rename_post, "Renames: {from, to}.", "", TYPE_JSON, "")  \
	X("POST", "/files/mkdir", volume_mkdir_post, "Makes a folder: {path}.", "", TYPE_JSON, "") \
	X("GET", "/containers", containers_get, "Containers, as docker's API lists them.", "", "", \
	  TYPE_JSON)                                                                               \
	X("GET", "/containers/{}/attach", container_attach_get,                                    \
	  "Streams of a container.", "stream stdin stdout stderr logs", "", TYPE_SOCKET)           \
	X("GET", "/exec/{}/start", exec_start_get,                                                 \
	  "Starts what docker's API has made to be run in a container, and is its streams.",       \
	  "tty rows cols", "", TYPE_SOCKET)
// clang-format on
