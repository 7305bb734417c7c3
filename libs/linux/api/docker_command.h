// SPDX-License-Identifier: MIT
//
// The command "docker", without docker: what `docker run` would do is done by a task.
#pragma once

#include "libs/linux/api/task.h"

// Reads the task's arguments as those of docker, and makes of them what they ask for. What is not
// understood fails the task, with an error that says what is.
void docker_command_parse(struct task *task);
