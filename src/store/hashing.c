/* SPDX-License-Identifier: Apache-2.0 */
#include "store/hashing.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/parallel.h"
#include "base/span.h"
#include "base/stop.h"
#include "digest/hasher.h"
#include "digest/twin.h"
#include "fs/file.h"
#include "fs/readahead.h"

enum {
	/* Small enough to be in the processor's cache when it is hashed. */
	PIECE_BYTES = 128 * 1024,
	/* Less is read before a thread for it has started. */
	AHEAD_BYTES = 16 * 1024 * 1024,
	MORE_BYTES = 1024 * 1024,
	LANES = 2
};

struct engine {
	const struct bake_hashing *hashing;
	const size_t *order;
	size_t count;
	atomic_size_t next;
	atomic_uint idle; /* threads that could be and have nothing to do */
	bool twin;
};

/* One file that a worker is at. */
struct lane {
	bool busy;
	size_t index;
	int fd;
	uint64_t size;
	uint64_t read;
	uint64_t told; /* of read, to more */
	bool ended;    /* nothing comes after left */
	struct bake_span left;
	struct bake_twin twin;
	struct bake_hasher hasher; /* when twin is not usable */
	struct bake_readahead *ahead;
	uint8_t *bytes;
	struct bake_error error;
};

static void start(const struct engine *engine, struct lane *lane, size_t index)
{
	lane->index = index;
	lane->read = lane->told = 0;
	lane->ended = false;
	lane->left = bake_span(NULL, 0);
	lane->error = BAKE_ERROR_INIT;
	(void)posix_fadvise(lane->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	bake_twin_init(&lane->twin);
	if (!engine->twin && bake_hasher_init_sha256(&lane->hasher, &lane->error) != BAKE_OK)
		lane->ended = true;
	if (!lane->bytes)
		lane->bytes = malloc(PIECE_BYTES);
	if (!lane->bytes) {
		bake_error_nomem(&lane->error);
		lane->ended = true;
	}
	lane->busy = true;
}

/* Has lane begin with the next file that is to be hashed. first: the worker's own, which nobody
 * else takes, so that no worker gets two before another one has any. */
static void take(struct engine *engine, struct lane *lane, size_t *first)
{
	size_t at;

	while (!lane->busy) {
		at = *first != SIZE_MAX ? *first : atomic_fetch_add(&engine->next, 1);
		*first = SIZE_MAX;
		if (at >= engine->count)
			return;
		if (engine->hashing->begin(
			    engine->hashing->context, engine->order[at], &lane->fd, &lane->size))
			start(engine, lane, engine->order[at]);
	}
}

static bool any_left(struct engine *engine)
{
	return atomic_load(&engine->next) < engine->count;
}

static bool take_idle(struct engine *engine)
{
	unsigned idle = atomic_load(&engine->idle);

	while (idle && !atomic_compare_exchange_weak(&engine->idle, &idle, idle - 1))
		continue;
	return idle > 0;
}

static void end(struct engine *engine, struct lane *lane)
{
	struct bake_digest digest = {.kind = BAKE_DIGEST_NONE};

	if (lane->error.status == BAKE_OK && engine->twin)
		bake_twin_final(&lane->twin, lane->left, &digest);
	else if (lane->error.status == BAKE_OK &&
		 bake_hasher_final(&lane->hasher, &digest, &lane->error) != BAKE_OK)
		digest.kind = BAKE_DIGEST_NONE;
	bake_hasher_release(&lane->hasher);
	if (lane->ahead)
		(void)atomic_fetch_add(&engine->idle, 1);
	bake_readahead_free(&lane->ahead);
	engine->hashing->end(engine->hashing->context, lane->index, lane->fd, lane->read,
		digest.kind != BAKE_DIGEST_NONE ? &digest : NULL, &lane->error);
	lane->busy = false;
}

static enum bake_status read_piece(struct lane *lane)
{
	size_t got;

	BAKE_TRY(bake_stop_check(&lane->error));
	if (lane->ahead)
		return bake_readahead_next(lane->ahead, &lane->left, &lane->error);
	BAKE_TRY(bake_file_read_at(
		lane->fd, lane->read, lane->bytes, PIECE_BYTES, &got, &lane->error));
	lane->left = bake_span(lane->bytes, got);
	return BAKE_OK;
}

/* Pieces are whole blocks but for the last, so there is nothing left of one when the next comes. */
static void fill(const struct engine *engine, struct lane *lane)
{
	if (lane->left.len >= BAKE_TWIN_BLOCK || lane->ended)
		return;
	lane->left = bake_span(NULL, 0);
	if (read_piece(lane) != BAKE_OK)
		lane->left = bake_span(NULL, 0);
	lane->read += lane->left.len;
	/* What grows while it is read need not be followed. */
	lane->ended = lane->left.len % BAKE_TWIN_BLOCK != 0 || lane->left.len == 0 ||
		      lane->read > lane->size;
	if (lane->read - lane->told >= MORE_BYTES || lane->ended) {
		engine->hashing->more(
			engine->hashing->context, lane->index, lane->read - lane->told);
		lane->told = lane->read;
	}
}

static void use(struct lane *lane, size_t blocks)
{
	size_t bytes = blocks * BAKE_TWIN_BLOCK;

	lane->left = bake_span(lane->left.ptr + bytes, lane->left.len - bytes);
}

static void hash_one(const struct engine *engine, struct lane *lane)
{
	size_t blocks = lane->left.len / BAKE_TWIN_BLOCK;

	if (engine->twin) {
		bake_twin_update_one(&lane->twin, lane->left.ptr, blocks);
		use(lane, blocks);
	} else {
		bake_hasher_update(&lane->hasher, lane->left);
		lane->left = bake_span(NULL, 0);
	}
}

static void hash_two(struct lane *a, struct lane *b)
{
	size_t blocks = (a->left.len < b->left.len ? a->left.len : b->left.len) / BAKE_TWIN_BLOCK;

	bake_twin_update(&a->twin, a->left.ptr, &b->twin, b->left.ptr, blocks);
	use(a, blocks);
	use(b, blocks);
}

/* A file that is hashed alone to its end is read by a thread that has nothing else to do. Without
 * one it only takes longer. */
static void read_ahead(struct engine *engine, struct lane *lane)
{
	struct bake_error ignored = BAKE_ERROR_INIT;

	if (lane->ahead || lane->left.len || lane->ended || lane->size < lane->read ||
		lane->size - lane->read < AHEAD_BYTES || any_left(engine) || !take_idle(engine))
		return;
	if (bake_readahead_new(lane->fd, lane->read, &lane->ahead, &ignored) != BAKE_OK)
		lane->ahead = NULL;
}

/* Hashes what there is of the lanes that are busy; false when none is. */
static bool step(struct engine *engine, struct lane lanes[LANES])
{
	struct lane *alone = lanes[0].busy ? &lanes[0] : &lanes[1];
	bool both = lanes[0].busy && lanes[1].busy;

	if (!alone->busy)
		return false;
	if (!both)
		read_ahead(engine, alone);
	for (size_t i = 0; i < LANES; i++) {
		if (lanes[i].busy)
			fill(engine, &lanes[i]);
	}
	if (both && lanes[0].left.len >= BAKE_TWIN_BLOCK && lanes[1].left.len >= BAKE_TWIN_BLOCK)
		hash_two(&lanes[0], &lanes[1]);
	else if (!both)
		hash_one(engine, alone);
	for (size_t i = 0; i < LANES; i++) {
		if (lanes[i].busy && lanes[i].ended && lanes[i].left.len < BAKE_TWIN_BLOCK)
			end(engine, &lanes[i]);
	}
	return true;
}

static void work(void *context, size_t worker)
{
	struct engine *engine = context;
	struct lane lanes[LANES] = {
		{.fd = -1, .hasher = BAKE_HASHER_INIT}, {.fd = -1, .hasher = BAKE_HASHER_INIT}};
	size_t first = worker;
	bool more = true;

	while (more) {
		take(engine, &lanes[0], &first);
		if (engine->twin)
			take(engine, &lanes[1], &first);
		more = step(engine, lanes);
	}
	free(lanes[0].bytes);
	free(lanes[1].bytes);
	(void)atomic_fetch_add(&engine->idle, 1);
}

void bake_hash_files(
	const struct bake_hashing *hashing, const size_t *order, size_t count, unsigned jobs)
{
	unsigned threads = jobs ? jobs : bake_processors();
	unsigned workers = threads < count ? threads : (unsigned)count;
	struct engine engine = {
		.hashing = hashing,
		.order = order,
		.count = count,
		.twin = bake_twin_usable(),
	};

	atomic_init(&engine.next, workers);
	atomic_init(&engine.idle, threads - workers);
	bake_parallel(workers, workers, work, &engine);
}
