/* SPDX-License-Identifier: Apache-2.0 */
/* A fetch in progress. Inside netops only. */
#ifndef NETOPS_FETCHING_H
#define NETOPS_FETCHING_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "fs/sink.h"
#include "manifest/lock.h"
#include "netops/fetch.h"
#include "netops/watch.h"
#include "ops/pickle.h"
#include "store/cache.h"
#include "store/check.h"

/* One file of the plan. */
struct bake_fetch_item {
	const struct bake_lock_model *model;
	const struct bake_lock_file *file;
	struct bake_fetch_file *report;
	struct bake_relpath path;	/* beneath the models directory */
	struct bake_relpath cache_path; /* beneath the cache's; only with a cache */
	const char **urls;
	size_t url_count;
	struct bake_fetch_item *twin; /* an earlier item of the same content, NULL: none */
	struct bake_fetch_item *same; /* the earlier item that is this very file, NULL: none */
	const struct bake_pickle_policy *pickles;
	struct bake_sink sink;
	bool in_cache;	      /* whole and waiting to be copied */
	bool to_cache;	      /* the open sink is the cache's */
	bool waits;	      /* another process is fetching it into the cache */
	bool past_cache;      /* the cache is of no use for it */
	bool refused;	      /* its bytes are not to be kept */
	unsigned cache_falls; /* how often the cache's copy was bad, or gone when it was wanted */
	uint64_t wait_begin;  /* since when the other process has not got on, 0: it was not seen */
	uint64_t wait_mark;   /* how far it had got then */
	bool looked_at;	      /* what is there is known to be wrong, */
	struct stat wrong;    /* and it was this */
};

struct bake_fetching {
	const struct bake_fetch_options *options;
	struct bake_fetch_report *report;
	const struct bake_lock *lock; /* the report's */
	int lock_dir;		      /* where file sources are relative to */
	int root;		      /* models directory, -1 while a dry run finds none */
	int64_t mtime;
	struct bake_workdir workdir;
	struct bake_cache cache;
	struct bake_crew *crew; /* while files come over the network */
	struct bake_link link;
	struct bake_fetch_item *items;
	size_t item_count;
	const char
		*silent; /* path of the item that the engine begins without there being anything */
	atomic_bool again;		  /* an item must be tried in another way than before */
	bool cache_told;		  /* that the cache fails was said */
	bool wait_told;			  /* that we wait was said */
	bool touched;			  /* entries of the models directory were made or removed */
	struct bake_events events;	  /* the caller's, one thread at a time */
	struct bake_events engine_events; /* the same for the transfer engine */
	pthread_mutex_t event_lock;
	struct bake_watch watch; /* hears every event, too */
};

/* Lock, selection, and what each file is to come from. Everything a server or a document says of
 * paths is checked here, before the first request. */
enum bake_status bake_fetching_plan(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* Pointers to all items, in the order of compare (of such pointers). To be freed; NULL: no memory. */
struct bake_fetch_item **bake_fetching_sorted(
	const struct bake_fetching *fetching, int (*compare)(const void *a, const void *b));

/* Compares with what is there; right files are done. */
enum bake_status bake_fetching_look(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* A dry run: by which way each file would come, and whether there is room. */
enum bake_status bake_fetching_survey(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* BAKE_ERR_NOSPACE disk.space before anything is fetched. */
enum bake_status bake_fetching_space(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* What needs the network: into the cache, or else to its place. Failures are in the items.
 * *out_idle: nothing was fetched, and something waits for another process. */
enum bake_status bake_fetching_transfer(
	struct bake_fetching *fetching, bool *out_idle, struct bake_error *err) BAKE_CHECKED;

/* Makes what the lock bakes as a conversion, from sources that it fetches. Failures are in the items. */
enum bake_status bake_fetching_convert(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* What was made for the item and waits to be copied; *out_fd -1 when there is nothing. */
enum bake_status bake_fetching_open_converted(const struct bake_fetching *fetching,
	const struct bake_fetch_item *item, int *out_fd, struct bake_error *err) BAKE_CHECKED;

/* Removes sources and outputs of conversions: after success nothing of ours stays. */
void bake_fetching_remove_converted(const struct bake_fetching *fetching);

/* What is here already: from the cache, from beside the lock, from a twin. */
enum bake_status bake_fetching_copy(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* Where the layout has the item's bytes. */
enum bake_status bake_fetching_place(struct bake_fetching *fetching, struct bake_fetch_item *item,
	struct bake_error *err) BAKE_CHECKED;

/* Finds items that are one file: those are brought once. BAKE_ERR_CONFIG pin.conflict when they
 * are to be different ones. */
enum bake_status bake_fetching_find_same(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* Such an item ends as its first one did. */
void bake_fetching_settle_same(struct bake_fetching *fetching);

/* Whether the files and what the layout has around them can be in one tree: path.collision,
 * path.unsafe, pin.conflict. */
enum bake_status bake_fetching_check_around(
	const struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* Whether all that is around them is there. What may not be replaced is told before anything is
 * fetched. */
enum bake_status bake_fetching_look_around(
	const struct bake_fetching *fetching, bool *out_right, struct bake_error *err) BAKE_CHECKED;

/* Puts it there, for the files that are. */
enum bake_status bake_fetching_arrange(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* Whether the sidecars of what is there are, too, when they are wanted. */
enum bake_status bake_fetching_look_sidecars(
	struct bake_fetching *fetching, bool *out_right, struct bake_error *err) BAKE_CHECKED;

/* Puts them there. */
enum bake_status bake_fetching_write_sidecars(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* Dates its directories, as bake_dir_stamp does. */
enum bake_status bake_fetching_stamp_around(
	const struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* Opens the cache, if one is wanted; in a dry run only to look. */
enum bake_status bake_fetching_open_cache(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* The item as the cache knows it. */
struct bake_cache_entry bake_fetching_entry(const struct bake_fetch_item *item);

/* Looks whether the cache has the item: item->in_cache. */
bool bake_fetching_find_cached(struct bake_fetching *fetching, struct bake_fetch_item *item);

/* Whether the cache has a file that a conversion reads, by name and size. */
bool bake_fetching_source_cached(
	const struct bake_fetching *fetching, const struct bake_lock_file *source);

/* Whether the item, when it is fetched, goes into the cache. */
bool bake_fetching_fills_cache(
	const struct bake_fetching *fetching, const struct bake_fetch_item *item);

/* Whether error, met while the item was fetched into the cache, is the cache's and not the file's:
 * then the item is fetched past it, with a notice. */
bool bake_fetching_leave_cache(struct bake_fetching *fetching, struct bake_fetch_item *item,
	const struct bake_error *error);

/* The cached copy was bad or went away: it is fetched into the cache once more, then past it. */
void bake_fetching_lost_cached(struct bake_fetching *fetching, struct bake_fetch_item *item);

/* Whether another process is fetching the item into the cache. One that has not got on for the
 * lock's timeout: BAKE_ERR_TEMPORARY lock.held. */
enum bake_status bake_fetching_is_busy(struct bake_fetching *fetching, struct bake_fetch_item *item,
	bool *out, struct bake_error *err) BAKE_CHECKED;

/* A pause until the other processes may have got on. */
enum bake_status bake_fetching_wait(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* The failure that decides the exit code. One of a model that need not be there counts less. */
enum bake_status bake_fetching_worst(
	const struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* Whether the item is neither there nor failed. */
bool bake_fetching_is_open(const struct bake_fetch_item *item);

void bake_fetching_fail(struct bake_fetching *fetching, struct bake_fetch_item *item,
	const struct bake_error *error);
void bake_fetching_done(struct bake_fetching *fetching, struct bake_fetch_item *item,
	enum bake_fetch_outcome outcome);

/* Fails the items whose names say that they can execute code. With keep_going the others go on. */
enum bake_status bake_fetching_refuse_named(
	struct bake_fetching *fetching, struct bake_error *err) BAKE_CHECKED;

/* The same by what the item's bytes are: the first ones, a whole part (context is the item, as
 * bake_sink_vet_fn has it), and what is there already. */
enum bake_status bake_fetching_vet_head(const struct bake_fetch_item *item, struct bake_span head,
	struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_fetching_vet(
	const void *context, int fd, uint64_t size, struct bake_error *err) BAKE_CHECKED;
enum bake_status bake_fetching_vet_present(const struct bake_fetching *fetching,
	struct bake_fetch_item *item, struct bake_error *err) BAKE_CHECKED;

/* What a sink for the item at its place needs. */
struct bake_sink_target bake_fetching_target(
	const struct bake_fetching *fetching, const struct bake_fetch_item *item);

#endif
