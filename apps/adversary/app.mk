# SPDX-License-Identifier: MIT
APP_adversary_ONLY := user
# It tries instructions that apps may not have.
APP_adversary_PRIVILEGED := yes
