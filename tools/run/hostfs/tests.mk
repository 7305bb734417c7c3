# SPDX-License-Identifier: MIT
HOSTFS_SRCS := $(addprefix tools/run/hostfs/,attr_ops.c binds.c changes.c dir_ops.c file_ops.c handle.c listing.c lock_ops.c name_ops.c node.c override.c place.c request.c sandbox.c server.c sessions.c touch.c watch.c window.c xattr_ops.c) \
	tools/common/error.c libs/locks/locks.c libs/locks/fuse_lock.c
HOST_TESTS += tools/run/hostfs/hostfs_test
hostfs_test_SRCS := $(HOSTFS_SRCS)
hostfs_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/hostfs/hostfs_owners_test
hostfs_owners_test_SRCS := $(HOSTFS_SRCS)
hostfs_owners_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/hostfs/hostfs_hostile_test
hostfs_hostile_test_SRCS := $(HOSTFS_SRCS)
hostfs_hostile_test_CFLAGS := -D_GNU_SOURCE -DMAX_NODES=4096
HOST_TESTS += tools/run/hostfs/hostfs_lock_test
hostfs_lock_test_SRCS := $(HOSTFS_SRCS)
hostfs_lock_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/hostfs/hostfs_change_test
hostfs_change_test_SRCS := $(HOSTFS_SRCS)
hostfs_change_test_CFLAGS := -D_GNU_SOURCE
HOST_FUZZERS += tools/run/hostfs/hostfs_fuzz
hostfs_fuzz_SRCS := $(HOSTFS_SRCS) libs/base/span.c
hostfs_fuzz_CFLAGS := -D_GNU_SOURCE
hostfs_fuzz_SLOWER := 20
HOST_TESTS += tools/run/hostfs/sandbox_test
sandbox_test_SRCS := $(HOSTFS_SRCS)
sandbox_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/hostfs/server_test
server_test_SRCS := $(HOSTFS_SRCS)
server_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/hostfs/changes_test
changes_test_SRCS := $(HOSTFS_SRCS)
changes_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/hostfs/binds_test
binds_test_SRCS := $(HOSTFS_SRCS)
binds_test_CFLAGS := -D_GNU_SOURCE
HOST_TESTS += tools/run/hostfs/window_test
window_test_SRCS := $(HOSTFS_SRCS)
window_test_CFLAGS := -D_GNU_SOURCE
