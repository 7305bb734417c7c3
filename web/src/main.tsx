// SPDX-License-Identifier: MIT
// Where the page starts.

import { render } from "preact";
import { followApps } from "./api/apps";
import { followContainers } from "./api/containers";
import { follow } from "./api/live";
import { followRoutes } from "./api/routes";
import { takeToken } from "./api/token";
import { Page } from "./ui/page";

takeToken();
window.addEventListener("hashchange", takeToken);
follow();
followApps();
followContainers();
followRoutes();
render(<Page />, document.getElementById("root")!);
