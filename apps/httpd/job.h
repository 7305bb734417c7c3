// SPDX-License-Identifier: MIT
#pragma once

// What an exchange's `user` begins with.
enum job_kind {
	JOB_NONE = 0,
	JOB_BYTES = 1,
	JOB_CHECKSUM = 2,
	JOB_FILES = 3,
	JOB_API = 4,  // struct api_job (api/api.h)
};
