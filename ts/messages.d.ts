// SPDX-License-Identifier: MIT
//
// Made by `make messages` from the tables of libs/abi: do not edit.

declare module "starina" {
	/** Addresses are in network order; all zero: none. */
	export interface NetdevNetwork {
		/** of the one that is told: tcpip's own, or the port's [4 elements] */
		address: Uint8Array;
		/** [4 elements] */
		gateway: Uint8Array;
		/** [2 * 4 elements] */
		dns: Uint8Array;
		prefix_len: number;
	}

	/**
	 * A network that a virtual machine is in, and its address there. Addresses are one machine's in their network,
	 * and no network's addresses are another's or the uplink's.
	 */
	export interface NetdevMembership {
		/** its number; 0: none, the entry is not used */
		network: number;
		/** [4 elements] */
		address: Uint8Array;
		prefix_len: number;
	}

	export interface NetdevNetworks {
		/** NETDEV_REACH_* */
		reach: number;
		/** Of the port, and of no other any more. All zero: the switch's choice. [NETDEV_MAC_LEN elements] */
		mac: Uint8Array;
		/** [NETDEV_NETWORKS_MAX elements] */
		entries: NetdevMembership[];
	}

	/** What a client types to leave a terminal, whose process goes on. `count` 0: it does not. */
	export interface VmmDetachKeys {
		count: number;
		/** [VMM_DETACH_KEYS_MAX elements] */
		keys: Uint8Array;
	}

	/**
	 * To a provider: open the object that the URI in the tail names ("tcp-listen:0.0.0.0:80"). Answered by
	 * open_reply with the same id and one handle (a channel), or by error.
	 */
	export interface OpenMessage {
		type: "open";
		id: number;
		/** URI, UTF-8, not terminated */
		tail: string;
	}

	export interface OpenReplyMessage {
		type: "open_reply";
		id: number;
		/** At most 1. */
		handles: Handle[];
	}

	/** From a provider to a listener: somebody connected; one handle, the connection's channel. */
	export interface ConnectMessage {
		type: "connect";
		id: number;
		/** URI of the peer ("tcp:10.0.2.2:41234") */
		tail: string;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * A piece of a byte stream. No handle: the bytes are the tail. One handle: it is a folio, and the bytes are the
	 * range [offset, offset + length) of it; the receiver owns the folio.
	 */
	export interface DataMessage {
		type: "data";
		offset: number;
		length: number;
		/** the bytes, when there is no handle */
		tail: Uint8Array;
		/** At most 1. */
		handles: Handle[];
	}

	/** End of the byte stream in this direction (a half close). No more data follows; the other direction goes on. */
	export interface EndMessage {
		type: "end";
	}

	/** The sender gives up on what `id` names. */
	export interface AbortMessage {
		type: "abort";
		id: number;
		/** ERR_* */
		reason: number;
	}

	/** Answer to a request that failed, or to a message that was not understood (id 0). */
	export interface ErrorMessage {
		type: "error";
		id: number;
		/** ERR_* */
		error: number;
		/** text, UTF-8 */
		tail: string;
	}

	export interface EchoMessage {
		type: "echo";
		id: bigint;
		/** any bytes; handles: any. Both come back. */
		tail: Uint8Array;
		/** At most 4. */
		handles: Handle[];
	}

	export interface NetdevInfoMessage {
		type: "netdev_info";
		/** [NETDEV_MAC_LEN elements] */
		mac: Uint8Array;
		mtu: number;
		features: number;
	}

	/**
	 * An Ethernet frame, in the range [offset, offset + length) of the folio that is the message's one handle, or
	 * inline as the tail when there is no handle and it fits.
	 */
	export interface NetdevFrameMessage {
		type: "netdev_frame";
		offset: number;
		length: number;
		flags: number;
		/** from the start of the frame */
		csum_start: number;
		csum_offset: number;
		/** bytes of payload; 0 without a GSO flag */
		gso_size: number;
		/** the frame, when there is no handle */
		tail: Uint8Array;
		/** At most 1. */
		handles: Handle[];
	}

	/** What this client takes, from now on. */
	export interface NetdevAcceptMessage {
		type: "netdev_accept";
		features: number;
	}

	/** From tcpip to the switch: the network that it is in, now and whenever that changes. */
	export interface NetdevNetworkMessage {
		type: "netdev_network";
		network: NetdevNetwork;
	}

	export interface NetdevJoinMessage {
		type: "netdev_join";
		features: number;
		/** wanted; all zero: any of the pool [4 elements] */
		address: Uint8Array;
	}

	/**
	 * The port is up: who the virtual machine is. It may send from these addresses only, and from IPv6 addresses
	 * whose interface identifier is made of the MAC address (RFC 4291, appendix A).
	 */
	export interface NetdevPortMessage {
		type: "netdev_port";
		/** [NETDEV_MAC_LEN elements] */
		mac: Uint8Array;
		mtu: number;
		features: number;
		network: NetdevNetwork;
	}

	/**
	 * To "ethernet": a virtual machine's port is gone, or called otherwise, and nobody has these addresses any more.
	 * All its frames came before this.
	 */
	export interface NetdevGoneMessage {
		type: "netdev_gone";
		/** [NETDEV_MAC_LEN elements] */
		mac: Uint8Array;
		/** [4 elements] */
		address: Uint8Array;
	}

	/**
	 * Frames go between two virtual machines only in a network that both are in. Whatever the port reaches, it may
	 * ask our own TCP/IP for names (port 53). After netdev_join our own address is told as the server of names. What
	 * another port has of the addresses that are told here it has no more.
	 */
	export interface NetdevNetworksMessage {
		type: "netdev_networks";
		networks: NetdevNetworks;
	}

	export interface BlkdevInfoMessage {
		type: "blkdev_info";
		num_sectors: bigint;
		flags: number;
		/** NUL-terminated */
		serial: string;
	}

	/**
	 * One handle: the folio to read into or write from, at [offset, offset + length). The device owns it until it
	 * comes back in the reply. `offset` and `length` are multiples of BLKDEV_SECTOR_SIZE.
	 */
	export interface BlkdevReadMessage {
		type: "blkdev_read";
		sector: bigint;
		id: number;
		offset: number;
		length: number;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * One handle: the folio to read into or write from, at [offset, offset + length). The device owns it until it
	 * comes back in the reply. `offset` and `length` are multiples of BLKDEV_SECTOR_SIZE.
	 */
	export interface BlkdevWriteMessage {
		type: "blkdev_write";
		sector: bigint;
		id: number;
		offset: number;
		length: number;
		/** At most 1. */
		handles: Handle[];
	}

	export interface BlkdevFlushMessage {
		type: "blkdev_flush";
		id: number;
	}

	/** The folio comes back as the one handle. status: 0 or ERR_*. */
	export interface BlkdevReplyMessage {
		type: "blkdev_reply";
		id: number;
		status: number;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * Nobody needs what these sectors hold: from then on they may read as zeroes, all of them or some, and take up
	 * no room where the disk has none to give.
	 */
	export interface BlkdevDiscardMessage {
		type: "blkdev_discard";
		sector: bigint;
		/** 1 to BLKDEV_MAX_DISCARD */
		num_sectors: number;
		id: number;
	}

	/**
	 * Asked of a connection to the service, in place of an open: which disks there are, and what has gone through
	 * them since the driver's start.
	 */
	export interface BlkdevCountMessage {
		type: "blkdev_count";
		id: number;
	}

	/** One handle: a folio with `count` struct blkdev_counts; none when there is no disk. */
	export interface BlkdevCountedMessage {
		type: "blkdev_counted";
		id: number;
		count: number;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * A datagram: in the range [offset, offset + length) of the folio that is the message's one handle, or inline as
	 * the tail when there is no handle.
	 */
	export interface DatagramMessage {
		type: "datagram";
		offset: number;
		/** at most DATAGRAM_MAX */
		length: number;
		/**
		 * The peer. In what is received: who sent it. In what is sent: to whom, on a udp-listen socket; else not looked
		 * at. network order; IPv4: the first 4 [16 elements]
		 */
		address: Uint8Array;
		port: number;
		/** 4 or 6 */
		ip_version: number;
		/** the bytes, when there is no handle */
		tail: Uint8Array;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * From the client of a connection: its handle is an event (RIGHT_WRITE), which is signalled once everything that
	 * was sent before has been taken from the channel and given to the network. So a client can bound what its peer
	 * leaves unread.
	 */
	export interface SyncMessage {
		type: "sync";
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * From the client of a connection: it takes so many more messages of the peer's. Before the first of these, as
	 * many are sent as the channel takes.
	 */
	export interface WindowMessage {
		type: "window";
		messages: number;
	}

	/**
	 * One handle: the folio with the file, at its start. The manager makes a copy. tail: configuration of its start,
	 * as of apps_start.
	 */
	export interface AppsLoadMessage {
		type: "apps_load";
		id: number;
		/** APPS_LOAD_* */
		flags: number;
		/** bytes of the file */
		size: bigint;
		tail: string;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * Handles: given to the app; its environment has them as ENV_GIVEN, named "0", "1", ... They are gone with its
	 * first run: one that is started again has none. tail: configuration, lines "NAME=VALUE"; what it does not name
	 * is as the spec says. The limits of 0 are the spec's; others may only be smaller.
	 */
	export interface AppsStartMessage {
		type: "apps_start";
		id: number;
		/** APPS_START_* */
		flags: number;
		name: string;
		/** bytes of folios */
		memory_limit: bigint;
		/** bytes of kernel memory */
		kernel_limit: bigint;
		handle_limit: number;
		thread_limit: number;
		tail: string;
		/** At most 4. */
		handles: Handle[];
	}

	/** Ends the app or instance; it is not started again. Answered once it has ended. */
	export interface AppsStopMessage {
		type: "apps_stop";
		id: number;
		/** APPS_STOP_* */
		flags: number;
		name: string;
	}

	export interface AppsListMessage {
		type: "apps_list";
		id: number;
	}

	/** One handle, unless `count` is 0: a folio of as many struct apps_entry. */
	export interface AppsListedMessage {
		type: "apps_listed";
		id: number;
		count: number;
		/** At most 1. */
		handles: Handle[];
	}

	/** From now on each change of an app's state is told by apps_event. */
	export interface AppsWatchMessage {
		type: "apps_watch";
		id: number;
	}

	/** tail: what happened, for people; a client that does not take its events loses some. */
	export interface AppsEventMessage {
		type: "apps_event";
		/** of apps_watch */
		id: number;
		/** enum apps_state */
		state: number;
		name: string;
		tail: string;
	}

	/** tail: what is wrong and what to do, for people; or what was done. */
	export interface AppsResultMessage {
		type: "apps_result";
		id: number;
		error: number;
		/** of the app or instance; may be "" */
		name: string;
		tail: string;
	}

	/**
	 * One whole FUSE request or reply: the range [offset, offset + length) of the folio that is the message's one
	 * handle, or inline as the tail when there is no handle and it fits. The offset of a request in a folio is at
	 * least FILES_HEADROOM. That of a FUSE_WRITE may be FILES_WRITE_OFFSET, so that its data begin on a page and can
	 * go to a disk from where they are; a provider relies on nothing, and looks.  With a tail as well as a handle,
	 * the folio is a loan: the bytes are the tail. A client that lends sends a FUSE_READ with a folio of
	 * FILES_LOAN_BYTES, whatever is in it, in which the provider may put its reply. A provider may give such a
	 * client what it has lent, and the folios that its requests came in, back with a reply that is inline. Nobody
	 * relies on it.
	 */
	export interface FilesFuseMessage {
		type: "files_fuse";
		offset: number;
		length: number;
		/** the bytes, unless the handle has them */
		tail: Uint8Array;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * A session that is to outlive the provider's process. It is the client's first message, before FUSE_INIT, and
	 * has no answer. `key` is random, not 0 and the session's only. When the channel closes, the client connects and
	 * opens again, sends the key again, and then all requests that have no answer yet, each with the `unique` it
	 * had: one that was done before is not done again. The low 5 bits of `unique` are the request's slot: a client
	 * has one request a slot at a time, and none has the `unique` of the one before it. FUSE_INIT is not sent again
	 * if it was answered. A provider that does not keep sessions, or has none with this key, closes the channel when
	 * the first request is not FUSE_INIT. Requests without a reply (fuse_is_answered) may be lost with the provider.
	 */
	export interface FilesSessionMessage {
		type: "files_session";
		key: bigint;
	}

	/**
	 * A port of the host leads to one of a machine in our network; with HOST_UNPUBLISH it does not any more,
	 * whatever `address` and `port` are. What is so already is no error: who gets no answer may ask again. Answered
	 * by HOST_RESULT. A publication stays when its client goes.
	 */
	export interface HostPublishMessage {
		type: "host_publish";
		id: number;
		/** HOST_TCP or HOST_UDP */
		protocol: number;
		/** 0: any free one */
		host_port: number;
		/** IPv4 address of the host's; 0.0.0.0: all [4 elements] */
		host: Uint8Array;
		/** where it leads [4 elements] */
		address: Uint8Array;
		port: number;
		/** HOST_UNPUBLISH */
		flags: number;
	}

	export interface HostResultMessage {
		type: "host_result";
		id: number;
		/** 0 or ERR_* */
		error: number;
		/** the host's port that leads there, or the number of what was bound */
		value: number;
		/** why not, for people, as docker says it */
		tail: string;
	}

	/** The client takes docker's connections at ENGINE_PORT, or (0) does not any more; so does one that has gone. */
	export interface HostReadyMessage {
		type: "host_ready";
		ready: number;
	}

	export interface HostStopMessage {
		type: "host_stop";
		/** enum host_stop */
		kind: number;
		seconds: number;
	}

	/**
	 * What is at a path of the host, absolute and below the folder that run.sh shares (--share), can be opened as
	 * "files:host/+N/" from now on (libs/abi/files.h): it is the root's child "0". The path is the range [offset,
	 * offset + length) of the folio that is the one handle, or inline as the tail, without a newline. Answered by
	 * HOST_RESULT with N.
	 */
	export interface HostBindMessage {
		type: "host_bind";
		id: number;
		/** HOST_BIND_MAKE */
		flags: number;
		offset: number;
		length: number;
		/** the path, when there is no handle */
		tail: string;
		/** At most 1. */
		handles: Handle[];
	}

	export interface VmmHelloMessage {
		type: "vmm_hello";
		/** [VMM_TOKEN_SIZE elements] */
		token: Uint8Array;
	}

	/** Tail: what went wrong, when the status is not the container's own process's. */
	export interface VmmStateMessage {
		type: "vmm_state";
		/** enum vmm_state */
		state: number;
		/** VMM_ENDED: what a shell would say */
		status: number;
		/** all zero: none [VMM_ID_SIZE elements] */
		container: Uint8Array;
		/** of the virtual machine, in network order; all zero: none [4 elements] */
		address: Uint8Array;
		/** of its network, likewise [4 elements] */
		gateway: Uint8Array;
		/** of its network */
		prefix_len: number;
		/** VMM_FAILED, VMM_PAUSED, VMM_LACKED_MEMORY */
		flags: number;
		tail: string;
	}

	/**
	 * Runs a container, once. One handle: a folio with its config.json (OCI runtime spec). Tail: the path of its
	 * root file system in the store (libs/abi/files.h), as "images/NAME"; none: it is on the disk "images".
	 */
	export interface VmmStartMessage {
		type: "vmm_start";
		/** [VMM_ID_SIZE elements] */
		container: Uint8Array;
		/** VMM_TTY to VMM_SCRATCH */
		flags: number;
		config_length: number;
		/** The part of that disk; 0, 0: all of it. */
		first_sector: bigint;
		num_sectors: bigint;
		tail: string;
		/** At most 1. */
		handles: Handle[];
	}

	/** Process 1 is the container's, others are those that vmm_exec has added. */
	export interface VmmSignalMessage {
		type: "vmm_signal";
		process: number;
		/** Linux's number */
		signal: number;
	}

	export interface VmmResizeMessage {
		type: "vmm_resize";
		process: number;
		rows: number;
		columns: number;
	}

	/**
	 * Ends the container, with the status 137: its guest kills it, and writes out what it has written. `at_once` 1,
	 * and the second time: its virtual machine ends. Of one that has no container, the process does.
	 */
	export interface VmmKillMessage {
		type: "vmm_kill";
		at_once: number;
	}

	/**
	 * One handle: a channel of bytes (MSG_DATA, MSG_END), to the container's stdin and from its output. Without a
	 * terminal the output is in the frames of Docker's API: the stream's number, three bytes of 0, the length as a
	 * big-endian number of 4 bytes, the bytes. It ends when the container does.
	 */
	export interface VmmAttachMessage {
		type: "vmm_attach";
		/** VMM_ATTACH_* */
		flags: number;
		keys: VmmDetachKeys;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * Adds a process to the container that runs. Handles: a folio with its `process` object (OCI runtime spec), then
	 * a channel, as of vmm_attach, unless nobody is attached.
	 */
	export interface VmmExecMessage {
		type: "vmm_exec";
		/** its number for `containers`, which no other that runs has; not 0 or 1 */
		process: number;
		/** VMM_TTY, VMM_EXEC_STDIN */
		flags: number;
		config_length: number;
		keys: VmmDetachKeys;
		/** At most 2. */
		handles: Handle[];
	}

	/**
	 * From the vmm: what has become of an added process. Tail: what went wrong, when the status is not the process's
	 * own.
	 */
	export interface VmmProcessMessage {
		type: "vmm_process";
		process: number;
		/** VMM_RUNNING or VMM_ENDED */
		state: number;
		/** VMM_ENDED: what a shell would say */
		status: number;
		/** VMM_FAILED */
		flags: number;
		tail: string;
	}

	/**
	 * To the vmm: what is asked of a container that runs. From it: the answer, of the same id and `what`; its tail
	 * says what went wrong when there is an error. What was asked before the channel to `containers` was lost is not
	 * answered.
	 */
	export interface VmmQueryMessage {
		type: "vmm_query";
		id: number;
		/** enum vmm_query */
		what: number;
		/** of the question; of the answer: 0 or ERR_* */
		value: number;
		/** of what is in the folio */
		length: number;
		tail: Uint8Array;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * With VMM_LOG_KEEP, before vmm_start: what the container writes is kept in the folder of its id in "store:logs"
	 * (libs/logs), in files of `max_bytes` (0: no limit), `max_files` of them at most. With VMM_LOG_WATCH:
	 * vmm_logged comes once, as soon as more than `known` bytes lie there.
	 */
	export interface VmmLogMessage {
		type: "vmm_log";
		max_bytes: bigint;
		known: bigint;
		max_files: number;
		/** VMM_LOG_* */
		flags: number;
	}

	/** From the vmm: what lies in the log of its container's run. */
	export interface VmmLoggedMessage {
		type: "vmm_logged";
		/** bytes */
		total: bigint;
		/** number of the newest */
		file: number;
	}

	/**
	 * Before vmm_start: the next entry of the virtual machine's file system device, from 0 (libs/linux/
	 * vm/vm_share.h). Tail: the volume's name.
	 */
	export interface VmmShareMessage {
		type: "vmm_share";
		/** VMM_SHARE_* */
		flags: number;
		number: number;
		tail: string;
	}

	/**
	 * Handles: a folio with the query and then the body, unless both are empty; then those of the operation. Tail:
	 * the target.
	 */
	export interface ContainersRequestMessage {
		type: "containers_request";
		id: number;
		/** enum containers_operation */
		operation: number;
		/** as it was in the URL, without '?' */
		query_length: number;
		/** JSON */
		body_length: number;
		/** of the API's version that the client speaks */
		minor: number;
		tail: string;
		/** At most 2. */
		handles: Handle[];
	}

	/** One handle, unless `length` is 0 or the tail is the body: a folio with JSON. */
	export interface ContainersReplyMessage {
		type: "containers_reply";
		id: number;
		/** of HTTP */
		status: number;
		length: number;
		/** CONTAINERS_TTY, CONTAINERS_STREAM */
		flags: number;
		tail: Uint8Array;
		/** At most 1. */
		handles: Handle[];
	}

	/** Nobody waits for the reply to request `id` any more. */
	export interface ContainersCancelMessage {
		type: "containers_cancel";
		id: number;
	}

	/**
	 * Writes the files of an image, in frames (guest/bootd/tar_write.h): the size of the archive of its file system,
	 * in decimal digits, and the archive. One handle: a channel, which gets MSG_DATA and MSG_END, and is closed
	 * before that when something goes wrong. It has what it needs until IMAGES_STOP. `id` is no run's. Tail: the
	 * image's id.
	 */
	export interface ImagesExportMessage {
		type: "images_export";
		id: number;
		tail: string;
		/** At most 1. */
		handles: Handle[];
	}

	/** From `containers`: it is to be told. */
	export interface ImagesFollowMessage {
		type: "images_follow";
	}

	/** What images there are, in the form of libs/linux/image/image_index.h. One handle: a folio. */
	export interface ImagesListMessage {
		type: "images_list";
		length: number;
		/** bytes of the layers that are kept besides */
		layers_size: bigint;
		/** At most 1. */
		handles: Handle[];
	}

	/** Which containers have an image? What was sent before counts. Tail: its id. */
	export interface ImagesUsersMessage {
		type: "images_users";
		id: number;
		tail: string;
	}

	/** The answer; the container's id as text is one that has it, and runs if one does. */
	export interface ImagesUsedMessage {
		type: "images_used";
		id: number;
		/** containers */
		running: number;
		stopped: number;
		user: string;
	}

	/**
	 * Runs the image IMAGE_SYSTEM in a virtual machine, with a folder of IMAGES_STORE as its /incoming, and
	 * IMAGES_LAYERS, read-only, as its /layers if it `sees_layers`. Two handles: a folio with its arguments, each
	 * with a NUL behind it, and a channel, as of vmm_attach, with its stdin, stdout and stderr. Tail: the folder's
	 * name.
	 */
	export interface ImagesRunMessage {
		type: "images_run";
		id: number;
		/** of the arguments */
		length: number;
		/** 0 or 1 */
		sees_layers: number;
		tail: string;
		/** At most 2. */
		handles: Handle[];
	}

	/** It has ended. Tail: what went wrong, when the status is not the program's own. */
	export interface ImagesRanMessage {
		type: "images_ran";
		id: number;
		status: number;
		tail: string;
	}

	/** Ends a run, or an export, unless it has ended. */
	export interface ImagesStopMessage {
		type: "images_stop";
		id: number;
	}

	/**
	 * To `containers`, whose clients watch what happens: an event of an image. One handle: a folio with the action
	 * ("tag"), the image's id or name, and its name, each with a NUL behind it.
	 */
	export interface ImagesEventMessage {
		type: "images_event";
		length: number;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * Of the service "vmm", to the process of a virtual machine: what its machine is in, before vmm_start and at
	 * each change. An entry that stays keeps its place.
	 */
	export interface VmmNetworksMessage {
		type: "vmm_networks";
		networks: NetdevNetworks;
	}

	/** The network that the switch's own TCP/IP is in. */
	export interface PortsUplinkMessage {
		type: "ports_uplink";
		network: NetdevNetwork;
	}

	/** A port that was told its networks, by the address that the switch gave it. */
	export interface PortsPortMessage {
		type: "ports_port";
		/** [4 elements] */
		address: Uint8Array;
		/** 1: nobody has the address any more, and the rest is 0 */
		is_gone: number;
		/** NETDEV_REACH_* */
		reach: number;
		/** their numbers; 0: none [NETDEV_NETWORKS_MAX elements] */
		networks: Uint32Array;
	}

	/**
	 * All names, in place of those before. One handle, unless `length` is 0: a folio with a names_entry for each,
	 * and its text behind it.
	 */
	export interface NamesTableMessage {
		type: "names_table";
		length: number;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * One handle: a folio that begins with `length` bytes: strings, each with a NUL behind it. The image ("": the
	 * built-in userland; else one of those that run.sh has packed), the working directory ("": the image's), the
	 * user (likewise), then `num_args` arguments (0: what the image runs), then `num_env` words NAME=VALUE.
	 */
	export interface CommandsRunMessage {
		type: "commands_run";
		/** the client's; of none that it has running */
		id: number;
		flags: number;
		length: number;
		num_args: number;
		num_env: number;
		/** of the terminal; 0: as Linux has it */
		rows: number;
		/** of the terminal; 0: as Linux has it */
		columns: number;
		/** bytes of the virtual machine; 0: COMMAND_MEMORY (libs/linux/runtime.h) */
		memory: bigint;
		/** At most 1. */
		handles: Handle[];
	}

	/**
	 * Handles: channels of bytes. Its stdin takes MSG_DATA, and MSG_END or its closing as the end of file; stdout,
	 * and without a terminal stderr, give MSG_DATA and are closed at their end.
	 */
	export interface CommandsStartedMessage {
		type: "commands_started";
		id: number;
		/** At most 3. */
		handles: Handle[];
	}

	/** Linux's number; 9 ends its virtual machine at once. */
	export interface CommandsSignalMessage {
		type: "commands_signal";
		id: number;
		signal: number;
	}

	export interface CommandsResizeMessage {
		type: "commands_resize";
		id: number;
		rows: number;
		columns: number;
	}

	/**
	 * Its output has been taken. `status` is what a shell would say: 125 when it could not be run, 126 and 127 when
	 * there is no such program. Tail: what went wrong, when the status is not its own.
	 */
	export interface CommandsEndedMessage {
		type: "commands_ended";
		id: number;
		status: number;
		tail: string;
	}

	export interface TrafficGetMessage {
		type: "traffic_get";
		id: number;
	}

	/** One handle: a folio with `count` struct traffic_port, the uplink first, then our own TCP/IP. */
	export interface TrafficMessage {
		type: "traffic";
		id: number;
		count: number;
		/** of our own TCP/IP; all zero: it has none yet */
		network: NetdevNetwork;
		/** At most 1. */
		handles: Handle[];
	}

	export interface KvGetMessage {
		type: "kv_get";
		id: number;
		/** 1 to 31 bytes of UTF-8 */
		key: string;
	}

	export interface KvPutMessage {
		type: "kv_put";
		id: number;
		key: string;
		/** the value */
		tail: Uint8Array;
	}

	export interface KvRemoveMessage {
		type: "kv_remove";
		id: number;
		key: string;
	}

	/** The answer to each of them. */
	export interface KvAnswerMessage {
		type: "kv_answer";
		id: number;
		/** ERR_NOT_FOUND (get, remove), ERR_LIMIT (put: there are too many keys) */
		error: number;
		/** the value (get) */
		tail: Uint8Array;
	}

	export interface VictimFaultMessage {
		type: "victim_fault";
		fault: number;
		/** At most 4. */
		handles: Handle[];
	}

	/** Asks, and answers: how often the victim was started, by its kept memory. */
	export interface VictimStartsMessage {
		type: "victim_starts";
		starts: bigint;
	}

	export interface AdversaryDoMessage {
		type: "adversary_do";
		deed: number;
		/** of the races */
		rounds: number;
		address: bigint;
	}

	/** From the adversary: it is at work; or a folio that it has sent away and writes to all the same. */
	export interface AdversaryFolioMessage {
		type: "adversary_folio";
		round: bigint;
		/** At most 1. */
		handles: Handle[];
	}

	/** All messages of the tables, told apart by `type`. */
	export type TableMessage =
		| OpenMessage
		| OpenReplyMessage
		| ConnectMessage
		| DataMessage
		| EndMessage
		| AbortMessage
		| ErrorMessage
		| EchoMessage
		| NetdevInfoMessage
		| NetdevFrameMessage
		| NetdevAcceptMessage
		| NetdevNetworkMessage
		| NetdevJoinMessage
		| NetdevPortMessage
		| NetdevGoneMessage
		| NetdevNetworksMessage
		| BlkdevInfoMessage
		| BlkdevReadMessage
		| BlkdevWriteMessage
		| BlkdevFlushMessage
		| BlkdevReplyMessage
		| BlkdevDiscardMessage
		| BlkdevCountMessage
		| BlkdevCountedMessage
		| DatagramMessage
		| SyncMessage
		| WindowMessage
		| AppsLoadMessage
		| AppsStartMessage
		| AppsStopMessage
		| AppsListMessage
		| AppsListedMessage
		| AppsWatchMessage
		| AppsEventMessage
		| AppsResultMessage
		| FilesFuseMessage
		| FilesSessionMessage
		| HostPublishMessage
		| HostResultMessage
		| HostReadyMessage
		| HostStopMessage
		| HostBindMessage
		| VmmHelloMessage
		| VmmStateMessage
		| VmmStartMessage
		| VmmSignalMessage
		| VmmResizeMessage
		| VmmKillMessage
		| VmmAttachMessage
		| VmmExecMessage
		| VmmProcessMessage
		| VmmQueryMessage
		| VmmLogMessage
		| VmmLoggedMessage
		| VmmShareMessage
		| ContainersRequestMessage
		| ContainersReplyMessage
		| ContainersCancelMessage
		| ImagesExportMessage
		| ImagesFollowMessage
		| ImagesListMessage
		| ImagesUsersMessage
		| ImagesUsedMessage
		| ImagesRunMessage
		| ImagesRanMessage
		| ImagesStopMessage
		| ImagesEventMessage
		| VmmNetworksMessage
		| PortsUplinkMessage
		| PortsPortMessage
		| NamesTableMessage
		| CommandsRunMessage
		| CommandsStartedMessage
		| CommandsSignalMessage
		| CommandsResizeMessage
		| CommandsEndedMessage
		| TrafficGetMessage
		| TrafficMessage
		| KvGetMessage
		| KvPutMessage
		| KvRemoveMessage
		| KvAnswerMessage
		| VictimFaultMessage
		| VictimStartsMessage
		| AdversaryDoMessage
		| AdversaryFolioMessage;
}
