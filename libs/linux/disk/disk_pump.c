// SPDX-License-Identifier: MIT

#include "libs/linux/disk/disk_pump.h"

#include "libs/starina/syscall.h"

static void wait_at(struct disk_pump *pump, struct disk_transfer *transfer, bool front)
{
	if (front)
		list_push_front(&pump->waiting, &transfer->entry);
	else
		list_push_back(&pump->waiting, &transfer->entry);
	transfer->is_waiting = true;
}

static void stop_waiting(struct disk_transfer *transfer)
{
	if (transfer->is_waiting)
		list_remove(&transfer->entry);
	transfer->is_waiting = false;
}

// No more pieces of it are started; it ends with those under way.
static void transfer_fail(struct disk_transfer *transfer, error_t error)
{
	if (transfer->status == 0)
		transfer->status = error;
	stop_waiting(transfer);
}

static void transfer_settle(struct disk_pump *pump, struct disk_transfer *transfer)
{
	if (transfer->in_flight > 0 || transfer->is_waiting)
		return;
	// Lost with the driver: all of it once more, first of all.
	if (transfer->again && transfer->status == 0) {
		transfer->again = false;
		transfer->started = 0;
		wait_at(pump, transfer, true);
		return;
	}
	transfer->finished(transfer->context, transfer->status);
}

// Whether a piece that ended so goes on when the disk has come back.
static bool waits_for_disk(const struct disk_pump *pump, error_t status)
{
	return pump->gone == 0 && (status == ERR_PEER_CLOSED || status == ERR_NOT_READY);
}

static void piece_take(struct disk_piece *piece)
{
	void *bytes;
	error_t err = folio_map(piece->folio, PROT_READ, &bytes);

	if (err == 0)
		piece->transfer->put(piece->transfer->context, piece->position,
		                     (struct span){ .data = bytes, .len = piece->length });
	else
		transfer_fail(piece->transfer, err);
}

static void advance(struct disk_pump *pump);

static bool has_bytes(const struct disk_transfer *transfer)
{
	return transfer->kind == DISK_TRANSFER_READ || transfer->kind == DISK_TRANSFER_WRITE;
}

static void piece_done(void *context, error_t status, handle_t folio)
{
	struct disk_piece *piece = context;
	struct disk_pump *pump = piece->pump;
	struct disk_transfer *transfer = piece->transfer;

	if (has_bytes(transfer))
		piece->folio = folio;
	pump->enter(pump->context);
	if (waits_for_disk(pump, status)) {
		pump->stalled = true;
		transfer->again = true;
		stop_waiting(transfer);
	} else if (status < 0) {
		transfer_fail(transfer, status);
	} else if (transfer->kind == DISK_TRANSFER_READ) {
		piece_take(piece);
	}
	transfer->in_flight--;
	piece->transfer = NULL;
	transfer_settle(pump, transfer);
	advance(pump);
	pump->leave(pump->context);
}

// Fills a write's piece.
static error_t piece_fill(struct disk_piece *piece)
{
	struct disk_transfer *transfer = piece->transfer;
	void *bytes;
	error_t err = folio_map(piece->folio, PROT_READ | PROT_WRITE, &bytes);

	if (err < 0)
		return err;
	return transfer->take(transfer->context, piece->position,
	                      (struct mut_span){ .data = bytes, .len = piece->length })
		? 0
		: ERR_BAD_STATE;
}

// Gives the piece, whose fields are set, to the disk. Consumes its folio on success.
static error_t piece_submit(struct disk_pump *pump, struct disk_piece *piece)
{
	struct disk_transfer *transfer = piece->transfer;
	uint64_t sector = (transfer->offset + piece->position) / BLKDEV_SECTOR_SIZE;
	error_t err = 0;

	if (transfer->kind == DISK_TRANSFER_FLUSH)
		return disk_flush(pump->disk, piece_done, piece);
	if (transfer->kind == DISK_TRANSFER_DISCARD)
		return disk_discard(pump->disk, sector, piece->length / BLKDEV_SECTOR_SIZE,
		                    piece_done, piece);
	if (piece->folio == HANDLE_NONE)
		err = folio_create(DISK_PUMP_PIECE, FOLIO_CONTIGUOUS, &piece->folio);
	if (err == 0 && transfer->kind == DISK_TRANSFER_WRITE)
		err = piece_fill(piece);
	if (err == 0)
		err = (transfer->kind == DISK_TRANSFER_WRITE ? disk_write : disk_read)(
			pump->disk, sector, piece->length, piece->folio, piece_done, piece);
	if (err == 0)
		piece->folio = HANDLE_NONE;
	return err;
}

// Starts the next piece of `transfer`, which waits, in the free `piece`. Returns false when the
// pump has to stop for now.
static bool piece_start(struct disk_pump *pump, struct disk_piece *piece,
                        struct disk_transfer *transfer)
{
	size_t rest = transfer->length - transfer->started;
	error_t err;

	piece->transfer = transfer;
	piece->position = transfer->started;
	piece->length = rest < DISK_PUMP_PIECE || !has_bytes(transfer) ? (uint32_t)rest
								       : DISK_PUMP_PIECE;
	err = piece_submit(pump, piece);
	if (err == 0) {
		transfer->in_flight++;
		transfer->started += piece->length;
		if (transfer->started == transfer->length)
			stop_waiting(transfer);
		return true;
	}
	piece->transfer = NULL;
	if (waits_for_disk(pump, err)) {
		pump->stalled = true;
		return false;
	}
	// Something that is under way will come back to us.
	for (uint32_t i = 0; err == ERR_FULL && i < DISK_PUMP_PIECES; i++) {
		if (pump->pieces[i].transfer != NULL)
			return false;
	}
	transfer_fail(transfer, err);
	transfer_settle(pump, transfer);
	return true;
}

static struct disk_piece *piece_get(struct disk_pump *pump)
{
	for (uint32_t i = 0; i < DISK_PUMP_PIECES; i++) {
		if (pump->pieces[i].transfer == NULL)
			return &pump->pieces[i];
	}
	return NULL;
}

static void advance(struct disk_pump *pump)
{
	struct disk_piece *piece;

	while (!pump->stalled && !list_is_empty(&pump->waiting) &&
	       (piece = piece_get(pump)) != NULL) {
		if (!piece_start(pump, piece,
		                 container_of(pump->waiting.next, struct disk_transfer, entry)))
			return;
	}
}

void disk_pump_init(struct disk_pump *pump, struct disk *disk, void (*enter)(void *context),
                    void (*leave)(void *context), void *context)
{
	*pump = (struct disk_pump){ .disk = disk,
		                    .enter = enter,
		                    .leave = leave,
		                    .context = context };
	list_init(&pump->waiting);
	for (uint32_t i = 0; i < DISK_PUMP_PIECES; i++)
		pump->pieces[i].pump = pump;
}

void disk_pump_start(struct disk_pump *pump, struct disk_transfer *transfer)
{
	transfer->started = 0;
	transfer->in_flight = 0;
	transfer->is_waiting = transfer->again = false;
	transfer->status = 0;
	if (pump->gone != 0) {
		transfer->finished(transfer->context, pump->gone);
		return;
	}
	wait_at(pump, transfer, false);
	advance(pump);
}

void disk_pump_resume(struct disk_pump *pump, error_t error)
{
	struct list *entry;

	pump->stalled = false;
	pump->gone = error;
	pump->enter(pump->context);
	// `finished` may start new ones: they fail at once.
	while (error != 0 && (entry = list_pop_front(&pump->waiting)) != NULL) {
		struct disk_transfer *transfer = container_of(entry, struct disk_transfer, entry);

		transfer->is_waiting = false;
		transfer->status = error;
		transfer_settle(pump, transfer);
	}
	advance(pump);
	pump->leave(pump->context);
}

void disk_pump_deinit(struct disk_pump *pump)
{
	for (uint32_t i = 0; i < DISK_PUMP_PIECES; i++) {
		if (pump->pieces[i].folio != HANDLE_NONE)
			handle_close(pump->pieces[i].folio);
		pump->pieces[i] = (struct disk_piece){ .pump = pump };
	}
	list_init(&pump->waiting);
}
