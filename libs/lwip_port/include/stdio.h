// SPDX-License-Identifier: MIT
// lwIP includes <stdio.h> for diagnostics that are compiled out.
#pragma once
