# SPDX-License-Identifier: MIT
APP_images_LIBS := linux files requests filters
# What registries, archives and docker's clients say comes here.
APP_images_ISOLATION := user
