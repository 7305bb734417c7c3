// SPDX-License-Identifier: MIT
//
// What a VM boots: a directory with
//   root.squashfs  the image's file system, not compressed, in a directory `rootfs`
//   image.json     the image's configuration (OCI image spec, config.md)
//   passwd, group  the image's /etc/passwd and /etc/group, when it has them, to resolve User with
#pragma once

#define PACK_ROOT "root.squashfs"
#define PACK_ROOT_DIRECTORY "rootfs"
#define PACK_CONFIG "image.json"
#define PACK_PASSWD "passwd"
#define PACK_GROUP "group"
