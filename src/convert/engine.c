/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring: piece s is in slot s % slots. Reading, hashing of the source and putting out (which is
 * writing and hashing of the output) each go from piece to piece in order, one thread at a time;
 * converting is done by whoever is free. Each thread looks for the work that sets most free.
 */
#include "convert/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/parallel.h"
#include "base/stop.h"
#include "base/text.h"
#include "convert/numbers.h"
#include "convert/pieces.h"
#include "digest/hasher.h"
#include "fs/file.h"

enum {
	THREADS_MAX = 16,
	SLOTS_MAX = 18,
	SCALES_MAX = 4 * 1024 * 1024, /* numbers, of all tensors together */
	AHEAD = 8 * 1024 * 1024,      /* bytes that the kernel is asked to read before we do */
	WRITE_BACK = 8 * 1024 * 1024, /* bytes that it is asked to write while we go on */
	ROOM = BAKE_PIECE_OUT + BAKE_CONVERT_ALIGNMENT_MAX
};

struct slot {
	struct bake_piece piece;
	uint8_t *in;
	uint8_t *out;
	bool converted;
};

enum task {
	TASK_NONE,
	TASK_READ,
	TASK_HASH,
	TASK_CONVERT,
	TASK_PUT
};

struct engine {
	const struct bake_convert_plan *plan;
	const struct bake_output *output;
	const struct bake_engine_options *options;
	struct bake_scale_values *scales; /* one for each item */
	float *scale_numbers;
	struct slot slots[SLOTS_MAX];
	size_t slot_count;
	unsigned threads;
	struct bake_hasher in_hash;
	struct bake_hasher out_hash;
	struct bake_digest *digests;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	/* Under the lock: */
	struct bake_pieces pieces;
	bool all_read;	    /* there are no more pieces */
	uint64_t read;	    /* pieces before it are read */
	uint64_t hashed;    /* their source is hashed */
	uint64_t converted; /* given to a thread */
	uint64_t put;	    /* written */
	bool reading;
	bool hashing;
	bool putting;
	bool failed;
	uint64_t failed_at; /* the first piece that failed */
	struct bake_error error;
	/* Of whoever puts: */
	uint64_t done; /* bytes of the source */
	uint64_t written_back;
};

static struct slot *slot_of(struct engine *engine, uint64_t piece)
{
	return &engine->slots[piece % engine->slot_count];
}

/* The failure of the earliest piece is the one to tell, so that it is the same in each run. */
static void fail(struct engine *engine, uint64_t piece, const struct bake_error *error)
{
	if (engine->failed && engine->failed_at <= piece)
		return;
	engine->failed = true;
	engine->failed_at = piece;
	engine->error = *error;
}

static enum bake_status read_piece(struct engine *engine, struct slot *slot, struct bake_error *err)
{
	const struct bake_piece *piece = &slot->piece;
	const struct bake_convert_file *file = &engine->plan->model->files[piece->file];
	size_t len;

	BAKE_TRY(bake_stop_check(err));
	(void)posix_fadvise(
		file->fd, (off_t)(piece->offset + piece->len), AHEAD, POSIX_FADV_WILLNEED);
	if (bake_file_read_at(file->fd, piece->offset, slot->in, piece->len, &len, err) != BAKE_OK)
		return bake_error_wrap(err, "%s", BAKE_SHOW(file->path));
	if (len != piece->len)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"%s became shorter while it was read", BAKE_SHOW(file->path));
	return BAKE_OK;
}

static enum bake_status hash_piece(struct engine *engine, struct slot *slot, struct bake_error *err)
{
	const struct bake_piece *piece = &slot->piece;

	if (piece->offset == 0)
		BAKE_TRY(bake_hasher_init_sha256(&engine->in_hash, err));
	bake_hasher_update(&engine->in_hash, bake_span(slot->in, piece->len));
	if (!piece->last)
		return BAKE_OK;
	BAKE_TRY(bake_hasher_final(&engine->in_hash, &engine->digests[piece->file], err));
	bake_hasher_release(&engine->in_hash);
	engine->in_hash = (struct bake_hasher)BAKE_HASHER_INIT;
	return BAKE_OK;
}

static enum bake_status convert_piece(
	struct engine *engine, struct slot *slot, float *scratch, struct bake_error *err)
{
	const struct bake_piece *piece = &slot->piece;
	const struct bake_convert_item *item = &engine->plan->items[piece->item];
	struct bake_numbers_fault fault = {.what = NULL};
	struct bake_numbers numbers = {
		.item = item,
		.first = piece->element,
		.count = piece->count,
		.in = slot->in,
		.out = slot->out,
		.allow_nonfinite = engine->plan->options.allow_nonfinite,
	};

	if (!piece->is_data)
		return BAKE_OK;
	numbers.scale = engine->scales[piece->item];
	bake_numbers_convert(&numbers, scratch, &fault);
	memset(slot->out + piece->out_len, 0, piece->padding);
	if (!fault.what)
		return BAKE_OK;
	bake_error_set(err, BAKE_ERR_DATA, "convert.value",
		"%s: tensor '%s': element %" PRIu64 " %s", BAKE_SHOW(engine->plan->model->path),
		BAKE_SHOW(item->from->name), fault.element, fault.what);
	return bake_error_hint(err, "BF16 and F32 have a wider range; --allow-nonfinite converts "
				    "it all the same");
}

static enum bake_status put_bytes(
	struct engine *engine, uint64_t at, struct bake_span bytes, struct bake_error *err)
{
	int fd = engine->output->temporary.fd;

	bake_hasher_update(&engine->out_hash, bytes);
	BAKE_TRY(bake_file_write_at(fd, at, bytes, err));
	if (at + bytes.len - engine->written_back < WRITE_BACK)
		return BAKE_OK;
	(void)sync_file_range(fd, (off_t)engine->written_back,
		(off_t)(at + bytes.len - engine->written_back), SYNC_FILE_RANGE_WRITE);
	engine->written_back = at + bytes.len;
	return BAKE_OK;
}

static enum bake_status put_piece(struct engine *engine, struct slot *slot, struct bake_error *err)
{
	const struct bake_piece *piece = &slot->piece;

	if (piece->is_data &&
		put_bytes(engine, piece->out_from,
			bake_span(slot->out, piece->out_len + piece->padding), err) != BAKE_OK) {
		bake_error_of_output(err);
		return bake_error_wrap(err, "write '%s'", BAKE_SHOW(engine->output->path));
	}
	engine->done += piece->len;
	bake_emit_bytes(engine->options->events, BAKE_EVENT_PROGRESS, engine->options->name,
		engine->done, engine->plan->model->bytes);
	return BAKE_OK;
}

static bool can_put(struct engine *engine)
{
	return !engine->failed && !engine->putting && engine->put < engine->converted &&
	       slot_of(engine, engine->put)->converted;
}

static bool can_hash(const struct engine *engine)
{
	return !engine->failed && !engine->hashing && engine->hashed < engine->read;
}

/* What comes before a piece that failed is converted all the same: it may fail, too. */
static bool can_convert(const struct engine *engine)
{
	return engine->converted < engine->read &&
	       (!engine->failed || engine->converted < engine->failed_at);
}

/* Whether there is a slot for the next piece; then the piece is in it. */
static bool can_read(struct engine *engine)
{
	struct slot *slot = slot_of(engine, engine->read);

	if (engine->failed || engine->reading || engine->all_read ||
		engine->read >= bake_u64_min(engine->hashed, engine->put) + engine->slot_count)
		return false;
	engine->all_read = !bake_pieces_next(&engine->pieces, &slot->piece);
	return !engine->all_read;
}

/* Takes the next task that can be done, or none: what empties the ring goes first. */
static enum task take(struct engine *engine, uint64_t *piece)
{
	if (can_put(engine)) {
		engine->putting = true;
		*piece = engine->put;
		return TASK_PUT;
	}
	if (can_hash(engine)) {
		engine->hashing = true;
		*piece = engine->hashed;
		return TASK_HASH;
	}
	if (can_convert(engine)) {
		*piece = engine->converted++;
		return TASK_CONVERT;
	}
	if (can_read(engine)) {
		slot_of(engine, engine->read)->converted = false;
		engine->reading = true;
		*piece = engine->read;
		return TASK_READ;
	}
	return TASK_NONE;
}

static void settle(struct engine *engine, enum task task, uint64_t piece)
{
	switch (task) {
	case TASK_READ:
		engine->reading = false;
		engine->read++;
		break;
	case TASK_HASH:
		engine->hashing = false;
		engine->hashed++;
		break;
	case TASK_CONVERT:
		slot_of(engine, piece)->converted = true;
		break;
	case TASK_PUT:
		engine->putting = false;
		engine->put++;
		break;
	case TASK_NONE:
		break;
	}
}

static enum bake_status perform(struct engine *engine, enum task task, uint64_t piece,
	float *scratch, struct bake_error *err)
{
	struct slot *slot = slot_of(engine, piece);

	switch (task) {
	case TASK_READ:
		return read_piece(engine, slot, err);
	case TASK_HASH:
		return hash_piece(engine, slot, err);
	case TASK_CONVERT:
		return convert_piece(engine, slot, scratch, err);
	case TASK_PUT:
		return put_piece(engine, slot, err);
	case TASK_NONE:
		break;
	}
	return BAKE_OK;
}

/* Whether nothing will ever be there to do. */
static bool is_over(const struct engine *engine)
{
	if (engine->failed)
		return !engine->reading && engine->converted >= engine->failed_at;
	return engine->all_read && engine->hashed == engine->read && engine->put == engine->read;
}

static void work(void *context, size_t index)
{
	struct engine *engine = context;
	_cleanup_free_ float *scratch = malloc(BAKE_NUMBERS_STEP * sizeof(*scratch));

	(void)index;
	(void)pthread_mutex_lock(&engine->lock);
	if (!scratch) {
		struct bake_error error = BAKE_ERROR_INIT;

		bake_error_nomem(&error);
		fail(engine, 0, &error);
	}
	for (;;) {
		struct bake_error error = BAKE_ERROR_INIT;
		uint64_t piece = 0;
		enum task task = scratch ? take(engine, &piece) : TASK_NONE;
		enum bake_status status;

		if (task == TASK_NONE) {
			if (!scratch || is_over(engine) || engine->failed)
				break;
			(void)pthread_cond_wait(&engine->changed, &engine->lock);
			continue;
		}
		(void)pthread_mutex_unlock(&engine->lock);
		status = perform(engine, task, piece, scratch, &error);
		(void)pthread_mutex_lock(&engine->lock);
		if (status != BAKE_OK)
			fail(engine, piece, &error);
		settle(engine, task, piece);
		(void)pthread_cond_broadcast(&engine->changed);
	}
	(void)pthread_cond_broadcast(&engine->changed);
	(void)pthread_mutex_unlock(&engine->lock);
}

/* Reads an item's scale, which is the tensor from, into numbers. */
static enum bake_status read_scale(struct engine *engine, const struct bake_convert_item *item,
	const struct bake_convert_tensor *from, float *numbers, struct bake_scale_values *out,
	struct bake_error *err)
{
	const struct bake_convert_file *file = &engine->plan->model->files[from->file];
	_cleanup_free_ uint8_t *bytes = malloc((size_t)from->bytes + 1);
	size_t len;

	if (!bytes)
		return bake_error_nomem(err);
	BAKE_TRY(bake_file_read_at(file->fd, from->offset, bytes, (size_t)from->bytes, &len, err));
	if (len != from->bytes)
		return bake_error_set(err, BAKE_ERR_INTEGRITY, "integrity.size",
			"%s became shorter while it was read", BAKE_SHOW(file->path));
	bake_numbers_read(from->type, bytes, (size_t)from->elements, numbers);
	*out = (struct bake_scale_values){.kind = item->scale.kind, .values = numbers};
	out->row = item->from->rank ? item->from->elements / item->from->shape[0] : 1;
	out->columns = from->rank == 2 ? from->shape[1] : 1;
	return BAKE_OK;
}

static enum bake_status read_scales(struct engine *engine, struct bake_error *err)
{
	const struct bake_convert_plan *plan = engine->plan;
	uint64_t count = 0;
	size_t at = 0;

	for (size_t i = 0; i < plan->item_count; i++) {
		const struct bake_convert_tensor *scale = plan->items[i].scale.tensor;

		count = bake_u64_add_capped(count, scale ? scale->elements : 0);
	}
	if (count > SCALES_MAX)
		return bake_error_set(err, BAKE_ERR_DATA, "convert.limit",
			"%s: scales of %" PRIu64 " numbers; at most %d are read",
			BAKE_SHOW(plan->model->path), count, SCALES_MAX);
	engine->scales = calloc(plan->item_count + 1, sizeof(*engine->scales));
	engine->scale_numbers = calloc((size_t)count + 1, sizeof(*engine->scale_numbers));
	if (!engine->scales || !engine->scale_numbers)
		return bake_error_nomem(err);
	for (size_t i = 0; i < plan->item_count; i++) {
		const struct bake_convert_tensor *scale = plan->items[i].scale.tensor;

		if (!scale || plan->items[i].from->elements == 0)
			continue;
		BAKE_TRY(read_scale(engine, &plan->items[i], scale, engine->scale_numbers + at,
			&engine->scales[i], err));
		at += (size_t)scale->elements;
	}
	return BAKE_OK;
}

static enum bake_status prepare(struct engine *engine, struct bake_error *err)
{
	BAKE_TRY(read_scales(engine, err));
	for (size_t i = 0; i < engine->slot_count; i++) {
		engine->slots[i].in = malloc(BAKE_PIECE_IN);
		engine->slots[i].out = malloc(ROOM);
		if (!engine->slots[i].in || !engine->slots[i].out)
			return bake_error_nomem(err);
	}
	BAKE_TRY(bake_hasher_init_sha256(&engine->out_hash, err));
	if (put_bytes(engine, 0, bake_buf_span(&engine->plan->header), err) == BAKE_OK)
		return BAKE_OK;
	bake_error_of_output(err);
	return bake_error_wrap(err, "write '%s'", BAKE_SHOW(engine->output->path));
}

static void release(struct engine *engine)
{
	for (size_t i = 0; i < engine->slot_count; i++) {
		free(engine->slots[i].in);
		free(engine->slots[i].out);
	}
	bake_hasher_release(&engine->in_hash);
	bake_hasher_release(&engine->out_hash);
	free(engine->scales);
	free(engine->scale_numbers);
	(void)pthread_cond_destroy(&engine->changed);
	(void)pthread_mutex_destroy(&engine->lock);
	free(engine);
}

static enum bake_status run(
	struct engine *engine, struct bake_digest *out_digest, struct bake_error *err)
{
	BAKE_TRY(prepare(engine, err));
	bake_parallel(engine->threads, engine->threads, work, engine);
	if (engine->failed) {
		*err = engine->error;
		return err->status;
	}
	return bake_hasher_final(&engine->out_hash, out_digest, err);
}

enum bake_status bake_engine_run(const struct bake_convert_plan *plan,
	const struct bake_output *output, const struct bake_engine_options *options,
	struct bake_digest *digests, struct bake_digest *out_digest, struct bake_error *err)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	enum bake_status status;
	unsigned jobs = options->jobs ? options->jobs : bake_processors();

	if (!engine)
		return bake_error_nomem(err);
	engine->plan = plan;
	engine->output = output;
	engine->options = options;
	engine->digests = digests;
	engine->threads = jobs < THREADS_MAX ? jobs : THREADS_MAX;
	engine->slot_count = bake_u64_min(2 * (uint64_t)engine->threads + 4, SLOTS_MAX);
	engine->in_hash = (struct bake_hasher)BAKE_HASHER_INIT;
	engine->out_hash = (struct bake_hasher)BAKE_HASHER_INIT;
	engine->pieces.plan = plan;
	(void)pthread_mutex_init(&engine->lock, NULL);
	(void)pthread_cond_init(&engine->changed, NULL);
	status = run(engine, out_digest, err);
	release(engine);
	return status;
}
