# SPDX-License-Identifier: MIT
APP_autotest_LIBS := look
